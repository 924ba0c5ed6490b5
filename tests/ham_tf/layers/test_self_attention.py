"""Self-attention against NumPy and against Keras's own."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from ham_tf import SelfAttention


def features():
    return np.random.RandomState(0).randn(2, 6, 4, 16).astype(np.float32)


def attend(query, key, value):
    logits = query @ np.swapaxes(key, 1, 2)
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True) @ value


def project(layer, x):
    return x @ np.array(layer.kernel).reshape(x.shape[-1], -1)


def test_equals_numpy():
    x, layer = features(), SelfAttention(key_ratio=4, value_ratio=2)
    y = layer(x)
    flat = x.reshape(2, 24, 16)
    expected = attend(*(project(p, flat) for p in (layer.query, layer.key, layer.value)))
    np.testing.assert_allclose(y, expected.reshape(2, 6, 4, 8), rtol=1e-4, atol=1e-5)


def test_pooled_equals_numpy():
    """SAGAN's: keys and values are the maxima of 2×2 pixels."""
    x, layer = features(), SelfAttention(key_ratio=8, value_ratio=2, pool_size=2)
    y = layer(x)

    def pool(a):
        return a.reshape(2, 3, 2, 2, 2, -1).max(axis=(2, 4)).reshape(2, 6, -1)

    query = project(layer.query, x).reshape(2, 24, 2)
    key, value = pool(project(layer.key, x)), pool(project(layer.value, x))
    expected = attend(query, key, value).reshape(2, 6, 4, 8)
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)


def test_equals_keras():
    x, layer = features().reshape(2, 24, 16), SelfAttention()
    y = layer(x)
    theirs = keras.layers.MultiHeadAttention(1, 16, use_bias=False)
    theirs(x, x)
    kernels = [np.array(p.kernel).reshape(16, 1, 16) for p in (layer.query, layer.key, layer.value)]
    # Keras divides the logits by the root of the key's length.
    kernels[0] = kernels[0] * 4.0
    theirs.set_weights([*kernels, np.eye(16).reshape(1, 16, 16)])
    np.testing.assert_allclose(y, theirs(x, x), rtol=1e-4, atol=1e-5)


def test_images_and_positions_agree():
    x, images, positions = features(), SelfAttention(), SelfAttention()
    y = images(x)
    positions.build((None, 24, 16))
    kernels = [np.squeeze(kernel)[np.newaxis] for kernel in images.get_weights()]
    positions.set_weights(kernels)
    flat = positions(x.reshape(2, 24, 16))
    np.testing.assert_allclose(flat, np.reshape(y, (2, 24, 16)), rtol=1e-4, atol=1e-5)


def test_projections_of_the_users_own():
    value = keras.layers.Conv2D(5, 1, name="value")
    layer = SelfAttention(value=value)
    assert layer(features()).shape == (2, 6, 4, 5)
    assert tuple(layer.compute_output_shape((2, 6, 4, 16))) == (2, 6, 4, 5)
    assert layer.value is value
    copy = SelfAttention.from_config(layer.get_config())
    assert copy(features()).shape == (2, 6, 4, 5)


def test_attends_in_float32():
    x = 100 * features()  # logits beyond float16
    y = SelfAttention(dtype="mixed_float16")(x)
    assert y.dtype == tf.float16
    assert np.isfinite(y).all()


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (SelfAttention(pool_size=2), (2, 24, 16), r"shape=\(2, 24, 16\) with pool_size=2"),
        (SelfAttention(), (2, 16), "`inputs` must have shape"),
        (SelfAttention(pool_size=2), (2, 1, 4, 16), "`pool_size` must not exceed height and wid"),
        (SelfAttention(), (2, 6, 4, None), "must be known when the layer is built"),
    ],
)
def test_wrong_inputs(layer, shape, message):
    with pytest.raises(ValueError, match=message):
        layer.build(shape)


def test_integer_inputs():
    with pytest.raises(ValueError, match="`inputs` must be floating point.*dtype=uint8"):
        SelfAttention()(keras.Input([6, 4, 16], dtype="uint8"))


@pytest.mark.parametrize("name", ["key_ratio", "value_ratio", "pool_size"])
def test_wrong_arguments(name):
    with pytest.raises(ValueError, match=f"`{name}` must be an integer of at least 1"):
        SelfAttention(**{name: 0})


def test_what_is_no_layer():
    with pytest.raises(ValueError, match="`key` must be a Keras layer or None. Received: key=8"):
        SelfAttention(key=8)


def test_narrow_inputs_keep_one_channel():
    layer = SelfAttention(key_ratio=32, value_ratio=32)
    assert layer(features()).shape == (2, 6, 4, 1)
    assert tuple(layer.compute_output_shape((2, 6, 4, 16))) == (2, 6, 4, 1)


def test_sizes_are_checked_after_building_too():
    layer = SelfAttention(pool_size=2)
    layer(features())
    with pytest.raises(ValueError, match="`pool_size` must not exceed height and width"):
        layer(features()[:, :1])
    with pytest.raises(ValueError, match="with pool_size=2"):
        layer(features().reshape(2, 24, 16))
