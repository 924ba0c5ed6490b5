"""What layers take for arguments: NumPy's scalars as Python's, images channels last."""

import json

import numpy as np
import pytest
from tensorflow import keras

from ham_tf import (
    CD,
    NMF,
    CDLayer,
    DualHam,
    HamburgerV1,
    HamburgerV2Plus,
    NMFLayer,
    SelfAttention,
    nmf,
)


@pytest.mark.parametrize(
    ("make", "arguments"),
    [
        (NMFLayer, {"relu": np.False_, "normalize_bases": np.True_, "epsilon": np.float32(1e-6)}),
        (NMFLayer, {"spatial": np.array([False])[0], "return_factors": np.bool_(True)}),
        (CDLayer, {"steps": np.int64(3), "groups": np.uint8(2), "seed": np.int32(5)}),
        (CDLayer, {"ridge": np.float64(0.1), "momentum": np.float16(0.5)}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_numpy_scalars_are_what_they_stand_for(make, arguments):
    layer = make(np.int64(2), **arguments)
    config = json.loads(json.dumps(layer.get_config()))
    assert make.from_config(config).get_config() == layer.get_config()
    plain = make(2, **{name: value.item() for name, value in arguments.items()})
    for name, value in plain.get_config().items():
        if name != "name":
            assert config[name] == value
            assert type(layer.get_config()[name]) is type(value)


@pytest.mark.parametrize("value", [1, 0, "True", None, np.int64(1), np.array([True])])
def test_what_is_no_boolean(value):
    with pytest.raises(ValueError, match="`relu` must be True or False. Received: relu="):
        NMFLayer(2, relu=value)


@pytest.mark.parametrize("value", [np.True_, True])
def test_booleans_are_no_numbers(value):
    for call in (
        lambda: NMFLayer(value),
        lambda: NMF(value),
        lambda: NMFLayer(2, epsilon=value),
        lambda: NMF(2, epsilon=value),
        lambda: CD(2, ridge=value),
    ):
        with pytest.raises(ValueError, match="must be an? (integer|positive number)"):
            call()


def test_constants_of_another_dtype_than_the_tensors():
    x, bases = np.random.rand(1, 6, 4), np.random.rand(1, 4, 2)
    expected = nmf(x, bases, epsilon=float(np.float32(1e-6)))
    assert np.array_equal(nmf(x, bases, epsilon=np.float32(1e-6)), expected)


@pytest.fixture
def channels_first():
    keras.backend.set_image_data_format("channels_first")
    yield
    keras.backend.set_image_data_format("channels_last")


@pytest.mark.parametrize(
    "make",
    [
        lambda: NMFLayer(2),
        lambda: NMFLayer(2, spatial=False, bases_policy="fixed"),
        SelfAttention,
        lambda: HamburgerV1("nmf"),
        lambda: HamburgerV2Plus("vq"),
        lambda: DualHam(NMFLayer(2), NMFLayer(2, spatial=False)),
    ],
)
def test_channels_first_is_refused(channels_first, make):
    with pytest.raises(ValueError, match="takes channels last, .* under the setting 'channels_f"):
        make()(keras.Input([8, 6, 6]))
    # Sequences have their channels last in either setting.
    assert make()(np.ones([2, 36, 8], np.float32)).shape == (2, 36, 8)
