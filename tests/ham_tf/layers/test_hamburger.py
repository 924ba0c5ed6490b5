"""The Hamburger block with layers of the user's own."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from ham_tf import Hamburger, NMFLayer, SelfAttention


def features(channels=4):
    return np.random.RandomState(0).randn(2, 5, 5, channels).astype(np.float32)


def make_hamburger(**arguments):
    return Hamburger(
        lower_bread=keras.layers.Conv2D(6, 1, name="lower_bread"),
        ham=NMFLayer(2, name="ham"),
        upper_bread=keras.layers.Conv2D(4, 1, name="upper_bread"),
        **arguments,
    )


def test_starts_as_the_identity():
    x, block = features(), make_hamburger()
    assert np.array_equal(block(x), x)
    block.gate.assign(1.0)
    assert not np.allclose(block(x), x)


def test_order_of_version_1():
    x = features()
    block = make_hamburger(
        normalization=keras.layers.LayerNormalization(), gate=0.5, skip_gate=2.0, activation="relu"
    )
    y = block(x)
    burger = block.normalization(block.upper_bread(block.ham(block.lower_bread(x))))
    np.testing.assert_allclose(y, np.maximum(2 * x + 0.5 * burger, 0), rtol=1e-5, atol=1e-6)


def test_order_of_version_2():
    x = features()
    block = make_hamburger(
        cheese=keras.layers.Conv2D(3, 1),
        normalization=keras.layers.LayerNormalization(),
        gate=None,
    )
    y = block(x)
    middle = tf.nn.relu(block.normalization(block.cheese(block.ham(block.lower_bread(x)))))
    np.testing.assert_allclose(y, x + block.upper_bread(middle), rtol=1e-5, atol=1e-6)
    assert block.gate is None


def test_without_lower_bread_it_is_a_non_local_block():
    x = features(8)
    block = Hamburger(None, SelfAttention(), keras.layers.Conv2D(8, 1), gate=1.0)
    np.testing.assert_allclose(block(x), x + block.upper_bread(block.ham(x)), rtol=1e-5)


def test_condition_reaches_the_normalization():
    class Scale(keras.layers.Layer):
        def call(self, inputs, condition, training=None):
            return inputs * tf.reshape(tf.cast(condition, inputs.dtype), [-1, 1, 1, 1])

    x = features()
    block = make_hamburger(normalization=Scale(), gate=1.0)
    y = block(x, tf.constant([0, 1]))
    assert np.array_equal(y[0], x[0])
    assert not np.allclose(y[1], x[1])


def test_upper_bread_must_return_the_channels():
    block = Hamburger(keras.layers.Conv2D(6, 1), NMFLayer(2), keras.layers.Conv2D(5, 1))
    with pytest.raises(ValueError, match="5 channels for an input of 4"):
        block(features())


def test_channels_must_be_known():
    with pytest.raises(ValueError, match="must be known when the layer is built"):
        make_hamburger()(keras.Input([5, 5, None]))


@pytest.mark.parametrize("name", ["gate", "skip_gate"])
def test_gates_must_be_numbers(name):
    with pytest.raises(ValueError, match=f"`{name}` must be a finite number. Received: {name}='0'"):
        make_hamburger(**{name: "0"})


def test_integer_inputs():
    with pytest.raises(ValueError, match="`inputs` must be floating point.*dtype=int32"):
        make_hamburger()(np.ones([1, 5, 5, 4], np.int32))
    with pytest.raises(ValueError, match="`inputs` must be floating point.*dtype=uint8"):
        make_hamburger()(keras.Input([5, 5, 4], dtype="uint8"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"ham": NMFLayer}, "`ham` must be a Keras layer. Received: ham=<class"),
        ({"ham": NMFLayer(2, return_factors=True)}, "`ham` must not return its factors"),
        ({"upper_bread": None}, "`upper_bread` must be a Keras layer. Received: upper_bread=None"),
        ({"cheese": 64}, "`cheese` must be a Keras layer or None. Received: cheese=64"),
    ],
)
def test_what_is_no_layer(arguments, message):
    with pytest.raises(ValueError, match=message):
        Hamburger(
            **{
                "lower_bread": keras.layers.Conv2D(6, 1),
                "ham": NMFLayer(2),
                "upper_bread": keras.layers.Conv2D(4, 1),
                **arguments,
            }
        )
