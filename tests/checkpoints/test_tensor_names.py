"""The table of names against the authors' list, one to one."""

import pytest
from released_checkpoint import SMALL, manifest_shapes, released_shapes

from checkpoints.tensor_names import (
    average_name,
    engine_names,
    is_counter,
    is_released,
    released_names,
    variable_of_average,
    variable_of_slot,
)
from gan.presets import hamgan_baby, hamgan_strong


@pytest.mark.parametrize("preset", [hamgan_strong, hamgan_baby])
def test_full_size_names_shapes_and_trainability(preset):
    assert released_shapes(preset().model) == manifest_shapes()


def test_rows():
    paths = ["block3/shortcut/u", "hamburger/gate", "hamburger/cheese/kernel"]
    prefix = "Generator/generator/"
    conv = f"{prefix}g_block3/snconv3/snconv3"
    vector = "spectral_normalize/spectral_norm/spectral_norm_u"
    assert released_names("generator", [*paths, "hamburger/normalization/beta"]) == {
        "block3/shortcut/u": f"{conv}/{conv}/kernel/{vector}",
        "hamburger/gate": f"{prefix}g_ops/sigma_ratio",
        "hamburger/cheese/kernel": f"{prefix}g_ops/sn_cheese/weights",
        "hamburger/normalization/beta": f"{prefix}g_ops/cheese_bn/beta",
    }
    # The authors' networks have no such attention.
    assert released_names("generator", ["hamburger/ham/query/kernel"]) == {}


def test_what_is_stored_beside_weights():
    names = list(released_shapes(SMALL))
    assert is_released(names)
    assert not is_released(engine_names("generator", ["dense/kernel"]).values())
    assert variable_of_slot(f"{names[0]}/Adam_1") == names[0]
    assert variable_of_slot(names[0]) is None
    assert is_counter("global_step")
    assert is_counter("generator_train/beta1_power")
    assert is_counter("distribute/images")
    assert not is_counter(names[0])


def test_averages():
    name = engine_names("generator", ["dense/kernel"])["dense/kernel"]
    average = average_name(name)
    assert average == "Generator/generator/dense/kernel/ExponentialMovingAverage"
    assert (variable_of_average(average), variable_of_average(name)) == (name, None)
    assert variable_of_slot(average) is None
