"""Group normalisation against NumPy, and what Keras's lacks."""

import numpy as np
import pytest
import tensorflow as tf

from ham_tf.layers.group_normalization import GroupNormalization


def features(*shape, mean=0.0):
    return (np.random.RandomState(0).randn(*shape) + mean).astype(np.float32)


def normalized(x, groups, epsilon):
    grouped = x.astype(np.float64).reshape(len(x), -1, groups, x.shape[-1] // groups)
    mean = grouped.mean(axis=(1, 3), keepdims=True)
    variance = grouped.var(axis=(1, 3), keepdims=True)
    return ((grouped - mean) / np.sqrt(variance + epsilon)).reshape(x.shape)


@pytest.mark.parametrize("groups", [1, 3, 12])
@pytest.mark.parametrize("shape", [(2, 5, 7, 12), (3, 9, 12), (2, 3, 4, 5, 12)])
def test_is_the_formula(shape, groups):
    x, layer = features(*shape, mean=2.0), GroupNormalization(groups, epsilon=1e-5)
    layer.build(shape)
    gamma, beta = features(12), features(12, mean=1.0)
    layer.set_weights([gamma, beta])
    expected = normalized(x, groups, 1e-5) * gamma + beta
    np.testing.assert_allclose(layer(x), expected, rtol=1e-5, atol=1e-5)


def test_mean_of_many_standard_deviations():
    """As a ham's result has it."""
    x = features(2, 8, 8, 16, mean=500.0)
    np.testing.assert_allclose(
        GroupNormalization(4)(x), normalized(x, 4, 1e-3), rtol=1e-3, atol=1e-3
    )


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_moments_of_16_bits_are_wide(policy):
    """64·64 numbers about 30 overflow a sum in float16."""
    layer = GroupNormalization(4, dtype=policy)
    x = tf.cast(features(2, 64, 64, 16, mean=30.0), layer.compute_dtype)
    y = layer(x)
    assert y.dtype == layer.compute_dtype
    expected = normalized(np.array(tf.cast(x, tf.float32)), 4, 1e-3)
    np.testing.assert_allclose(tf.cast(y, tf.float32), expected, atol=0.02)


def test_a_sample_does_not_depend_on_its_batch():
    x, layer = features(5, 6, 6, 16), GroupNormalization(4)
    together = layer(x).numpy()
    for index in range(len(x)):
        assert np.array_equal(layer(x[index : index + 1])[0], together[index])


def test_unknown_sizes():
    x, layer = features(2, 6, 4, 16), GroupNormalization(4)
    expected = layer(x)
    call = tf.function(layer, input_signature=[tf.TensorSpec([None, None, None, 16])])
    np.testing.assert_allclose(call(x), expected, rtol=1e-5, atol=1e-6)
