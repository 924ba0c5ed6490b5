"""Conditional batch norm against NumPy."""

import numpy as np
import pytest
import tensorflow as tf

from gan.layers.conditional_batch_norm import ConditionalBatchNorm


def images(seed=0):
    return (3 * np.random.RandomState(seed).randn(6, 4, 4, 5) + 2).astype(np.float32)


def test_training_normalises_and_applies_the_class():
    layer, x, labels = ConditionalBatchNorm(3), images(), np.array([0, 1, 2, 0, 1, 2])
    layer(x, labels)
    gamma = np.random.RandomState(1).rand(3, 1, 1, 5).astype(np.float32)
    beta = np.random.RandomState(2).rand(3, 1, 1, 5).astype(np.float32)
    layer.gamma.assign(gamma)
    layer.beta.assign(beta)
    y = layer(x, labels, training=True)
    mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
    expected = (x - mean) / np.sqrt(variance + 1e-3) * gamma[labels] + beta[labels]
    np.testing.assert_allclose(y, expected, atol=1e-5)


def test_moving_averages():
    layer, x = ConditionalBatchNorm(decay=0.9), images()
    layer(x)
    np.testing.assert_allclose(layer.moving_mean, np.zeros(5))
    layer(x, training=True)
    mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
    np.testing.assert_allclose(layer.moving_mean, 0.1 * mean, rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance, 0.9 + 0.1 * variance, rtol=1e-5)
    y = layer(x, training=False)
    expected = (x - 0.1 * mean) / np.sqrt(0.9 + 0.1 * variance + 1e-3)
    np.testing.assert_allclose(y, expected, atol=1e-5)


def test_moving_averages_run_inside_a_tf_function():
    layer, x = ConditionalBatchNorm(decay=0.9), images()
    layer(x)
    tf.function(lambda x: layer(x, training=True))(x)
    np.testing.assert_allclose(layer.moving_mean, 0.1 * x.mean((0, 1, 2)), rtol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"num_classes": 0}, "`num_classes` must be"), ({"decay": 1.0}, "`decay` must be in")],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        ConditionalBatchNorm(**arguments)
