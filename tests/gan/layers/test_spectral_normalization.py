"""Spectral normalisation: against singular values, and what call may not do."""

import contextlib

import numpy as np
import pytest
import tensorflow as tf
from conftest import tf_variable
from tensorflow import keras

from gan.layers.spectral_normalization import (
    SpectralNormConv2D,
    SpectralNormDense,
    SpectralNormEmbedding,
    normalized_once,
    spectral_norm,
)


def built(layer, inputs):
    layer(inputs)
    return layer


def layers():
    image = tf.ones([1, 5, 5, 3])
    return {
        "conv": built(SpectralNormConv2D(4, 3, at_most_one=False), image),
        "dense": built(SpectralNormDense(6, at_most_one=False), tf.ones([1, 5])),
        "embedding": built(SpectralNormEmbedding(7, 4, at_most_one=False), tf.constant([0])),
    }


def top_singular_value(weight):
    matrix = np.reshape(weight, [-1, weight.shape[-1]])
    return np.linalg.svd(matrix, compute_uv=False)[0]


def test_largest_singular_value_of_ones_is_two():
    assert float(spectral_norm(tf.ones([2, 2]), tf.ones([2, 1]))) == pytest.approx(2)


@pytest.mark.parametrize("kind", ["conv", "dense", "embedding"])
def test_converges_to_unit_norm_and_follows_the_weight(kind):
    layer = layers()[kind]
    for _ in range(200):
        layer.update_spectral_norm()
    assert top_singular_value(layer.normalized_weight()) == pytest.approx(1, abs=1e-4)
    weight = layer.embeddings if kind == "embedding" else layer.kernel
    weight.assign(np.random.RandomState(0).randn(*weight.shape))
    assert abs(top_singular_value(layer.normalized_weight()) - 1) > 1e-3
    for _ in range(200):
        layer.update_spectral_norm()
    assert top_singular_value(layer.normalized_weight()) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("scale", [0.01, 100.0])
def test_at_most_one_leaves_small_weights_alone(scale):
    layer = built(SpectralNormDense(6), tf.ones([1, 5]))
    layer.kernel.assign(scale * np.random.RandomState(0).randn(5, 6))
    for _ in range(100):
        layer.update_spectral_norm()
    expected = min(top_singular_value(np.array(layer.kernel)), 1)
    assert top_singular_value(layer.normalized_weight()) == pytest.approx(expected, rel=1e-4)


def test_call_never_writes():
    layer = built(SpectralNormConv2D(4, 3), tf.ones([1, 5, 5, 3]))
    before = [np.array(weight) for weight in layer.get_weights()]
    layer(tf.ones([1, 5, 5, 3]))
    assert all(np.array_equal(a, b) for a, b in zip(before, layer.get_weights()))
    layer.update_spectral_norm()
    assert not np.allclose(layer.get_weights()[-1], before[-1])


def test_gradient_passes_through_the_norm():
    """With u and v constant, d(sum(G W/σ)) = (G - <G, W/σ> u vᵀ) / σ."""
    layer = built(SpectralNormDense(6, at_most_one=False), tf.ones([1, 5]))
    upstream = np.random.RandomState(0).randn(5, 6).astype(np.float32)
    with tf.GradientTape() as tape:
        normalized = layer.normalized_weight()
        loss = tf.reduce_sum(normalized * upstream)
    gradient = tape.gradient(loss, tf_variable(layer.kernel))
    weight, u = np.array(layer.kernel), np.array(layer.u)
    v = weight.T @ u
    v /= np.linalg.norm(v)
    u = weight @ v
    u /= np.linalg.norm(u)
    sigma = (u.T @ weight @ v).item()
    expected = (upstream - np.sum(upstream * weight / sigma) * u @ v.T) / sigma
    np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=1e-5)


def test_normalized_once_is_shared_and_ends():
    """Calls within it take one tensor, gradients pass, and it ends even by an error."""
    layer = SpectralNormDense(4, at_most_one=False)
    model = keras.Sequential([layer])
    x = tf.constant(np.random.RandomState(0).normal(size=[5, 3]), tf.float32)
    expected = model(x)
    weight = tf_variable(layer.kernel)

    def gradient(context):
        with tf.GradientTape() as tape, context:
            loss = tf.reduce_sum(model(x) ** 2) + tf.reduce_sum(model(2 * x) ** 2)
        return tape.gradient(loss, weight)

    np.testing.assert_allclose(
        gradient(normalized_once(model)), gradient(contextlib.nullcontext()), rtol=1e-5
    )
    with pytest.raises(ZeroDivisionError), normalized_once(model):
        assert layer.normalized_weight() is layer.normalized_weight()
        weight.assign(2 * weight)
        np.testing.assert_array_equal(model(x), expected)  # Still of the old one.
        raise ZeroDivisionError
    weight.assign(-weight)
    np.testing.assert_allclose(model(x), -expected, rtol=1e-5)
