"""The moving average of the generator's weights against NumPy, on one device and two."""

import numpy as np
import pytest
import tensorflow as tf
from conftest import two_devices

from checkpoints.tensor_names import average_name
from gan.networks import make_generator, weights_by_path
from gan.presets import smoke
from gan.training.moving_average import MovingAverage

DECAY, START, STEPS = 0.9, 2, 5
STRATEGIES = {"one": tf.distribute.get_strategy, "two": two_devices}
PREFIX = "Generator/generator/"


def read(weights):
    return {path: np.array(tf.convert_to_tensor(weight)) for path, weight in weights.items()}


def replicas(variable):
    return [np.array(value) for value in getattr(variable, "values", [variable])]


@pytest.fixture(params=list(STRATEGIES))
def strategy(request):
    return STRATEGIES[request.param]()


@pytest.mark.parametrize("precision", [None, "mixed_float16"])
@pytest.mark.parametrize("jit", ["eager", "graph"])
def test_equals_numpy(strategy, precision, jit):
    random = np.random.RandomState(0)
    with strategy.scope():
        generator = make_generator(smoke().model, dtype=precision)
        average = MovingAverage(generator, DECAY, START)
        step = tf.Variable(0, dtype=tf.int64, trainable=False)
    weights = weights_by_path(generator)
    expected = read(weights)
    assert {average_name(PREFIX + path) for path in expected} == set(average.variables_by_name())

    def move():
        step.assign_add(1)
        average.update(step)

    move = tf.function(move, autograph=False) if jit == "graph" else move
    for index in range(1, STEPS + 1):
        values = {path: np.float32(random.randn(*w.shape)) for path, w in weights.items()}
        for path, weight in weights.items():
            weight.assign(values[path])
        move()
        share = 1 if index <= START else 1 - DECAY
        for path, value in values.items():
            expected[path] = (1 - share) * expected[path] + share * value
        if index <= START:  # not one rounding
            found = average.variables_by_name()
            for path, value in values.items():
                for copy in replicas(found[average_name(PREFIX + path)]):
                    np.testing.assert_array_equal(copy, value)
    for name, variable in average.variables_by_name().items():
        assert variable.dtype == tf.float32
        assert not variable.trainable
        copies = replicas(variable)
        assert len(copies) == strategy.num_replicas_in_sync
        for copy in copies:
            np.testing.assert_allclose(
                copy, expected[name[len(PREFIX) :].rsplit("/", 1)[0]], rtol=1e-5, atol=1e-6
            )


def test_starts_as_the_weights_and_never_changes_them():
    generator = make_generator(smoke().model)
    average = MovingAverage(generator, DECAY)
    before = read(weights_by_path(generator))
    for path, value in before.items():
        np.testing.assert_array_equal(
            average.variables_by_name()[average_name(PREFIX + path)], value
        )
    average.variables_by_name()[average_name(PREFIX + "dense/kernel")].assign_add(
        np.ones_like(before["dense/kernel"])
    )
    average.update(1)
    for path, value in read(weights_by_path(generator)).items():
        np.testing.assert_array_equal(value, before[path])
    np.testing.assert_allclose(
        average.variables_by_name()[average_name(PREFIX + "dense/kernel")],
        before["dense/kernel"] + DECAY,
        rtol=1e-5,
    )


def test_every_kind_of_weight_is_averaged():
    names = MovingAverage(make_generator(smoke().model), DECAY).variables_by_name()
    for path in ("dense/kernel", "dense/u", "norm/moving_mean", "hamburger/gate"):
        assert f"{PREFIX}{path}/ExponentialMovingAverage" in names


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"decay": 1.0}, r"`decay` must be in \[0, 1\). Received: decay=1.0"),
        ({"decay": 0.9, "start": -1}, "`start` must not be negative. Received: start=-1"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        MovingAverage(make_generator(smoke().model), **arguments)
