"""The laws of the draws, and that every mode of TensorFlow makes the same ones."""

import math

import numpy as np
import pytest
import tensorflow as tf

from ham_tf.decompositions.random_draws import normal, truncated_normal, uniform


def test_uniform_equals_tensorflow():
    expected = tf.random.stateless_uniform([1000], [3, 4], alg="philox")
    assert np.array_equal(uniform([1000], [3, 4]), expected)


def test_laws():
    draws = np.sort(uniform([100_000], [0, 1], -1.0, 3.0))
    assert -1 <= draws[0] < draws[-1] < 3
    assert np.abs(draws - np.linspace(-1, 3, len(draws))).max() < 4 * 2 / math.sqrt(len(draws))
    draws = normal([100_000], [0, 2], 1.0, 2.0).numpy()
    assert abs(draws.mean() - 1) < 0.03
    assert abs(draws.std() - 2) < 0.03
    assert abs(np.mean(np.abs(draws - 1) < 2) - 0.6827) < 0.01
    draws = truncated_normal([100_000], [0, 3], 1.0, 2.0).numpy()
    assert np.abs(draws - 1).max() <= 4.0001
    assert abs(draws.std() / 2 - 0.8796) < 0.01


@pytest.mark.parametrize("draw", [uniform, normal, truncated_normal])
def test_is_finite_and_equal_in_every_mode(draw):
    seed = tf.constant([1, 2])
    eager = draw([10_000], seed).numpy()
    assert np.isfinite(eager).all()
    compiled = tf.function(lambda seed: draw([10_000], seed), jit_compile=True)(seed)
    np.testing.assert_allclose(compiled, eager, rtol=2e-5, atol=1e-6)
    assert not np.allclose(draw([10_000], [2, 2]), eager)
    assert not np.allclose(draw([10_000], [1, 3]), eager)


def test_float64_draws_are_those_of_float32():
    wide = normal([50], [5, 6], dtype=tf.float64)
    assert wide.dtype == tf.float64
    assert np.array_equal(tf.cast(wide, tf.float32), normal([50], [5, 6]))
