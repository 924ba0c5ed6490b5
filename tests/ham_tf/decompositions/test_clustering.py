"""Concept decomposition, vector quantisation and expectation-maximisation in NumPy."""

import numpy as np
import pytest
import tensorflow as tf
from conftest import relative_error
from random_problems import random_problem, run_steps

from ham_tf import CD, EM, VQ, factorize


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def unit(x, axis):
    return x / np.linalg.norm(x, axis=axis, keepdims=True)


def numpy_means(x, assignments):
    weights = assignments / (assignments.sum(axis=1, keepdims=True) + 1e-6)
    return np.swapaxes(x, 1, 2) @ weights


def test_concept_decomposition_equals_numpy():
    x, bases, _ = (array.numpy() for array in random_problem())
    expected = unit(bases, 1)
    for _ in range(4):
        expected = unit(numpy_means(x, softmax(30.0 * unit(x, 2) @ expected)), 1)
    gram = np.swapaxes(expected, 1, 2) @ expected + 0.3 * np.eye(3)
    coefficients = x @ expected @ np.linalg.inv(gram)
    y, factors = factorize(CD(3, inverse_temperature=30.0, ridge=0.3), x, bases, 4)
    assert relative_error(np.swapaxes(factors.bases, 1, 2), expected) < 1e-10
    assert relative_error(factors.coefficients, coefficients) < 1e-10
    assert relative_error(y, coefficients @ np.swapaxes(expected, 1, 2)) < 1e-10


def test_vector_quantization_equals_numpy():
    x, bases, _ = (array.numpy() for array in random_problem())
    expected = bases
    for _ in range(4):
        expected = numpy_means(x, softmax(30.0 * unit(x, 2) @ unit(expected, 1)))
    length = np.linalg.norm(x, axis=2, keepdims=True) + 1e-6
    coefficients = softmax(30.0 * x / length @ unit(expected, 1))
    y, factors = factorize(VQ(3, inverse_temperature=30.0), x, bases, 4)
    assert relative_error(np.swapaxes(factors.bases, 1, 2), expected) < 1e-10
    assert relative_error(y, coefficients @ np.swapaxes(expected, 1, 2)) < 1e-10


def test_expectation_maximization_equals_numpy():
    x, bases, _ = (array.numpy() for array in random_problem())
    expected = unit(bases, 1)
    for _ in range(3):
        expected = unit(numpy_means(x, softmax(x @ expected)), 1)
    y, _ = factorize(EM(3), x, bases, 3)
    assert relative_error(y, softmax(x @ expected) @ np.swapaxes(expected, 1, 2)) < 1e-10


def test_small_ridge_with_spanning_bases_reproduces_the_input():
    x, _, _ = random_problem(channels=4)
    bases = tf.constant(np.linalg.qr(np.random.RandomState(0).randn(2, 4, 4))[0])
    y, _ = factorize(CD(4, ridge=1e-9), x, bases, 0)
    assert relative_error(y, x) < 1e-8


def test_ridge_regression_is_the_least_squares_solution():
    x, bases, _ = random_problem()
    decomposition = CD(3, ridge=0.05)
    factors = run_steps(decomposition, x, bases, 5)
    coefficients = decomposition.refine(x, factors)

    def objective(coefficients):
        residual = x - coefficients @ factors.bases
        return tf.reduce_sum(residual**2) + 0.05 * tf.reduce_sum(coefficients**2)

    with tf.GradientTape() as tape:
        tape.watch(coefficients)
        value = objective(coefficients)
    assert np.abs(tape.gradient(value, coefficients)).max() < 1e-12


def test_hard_assignment_is_the_nearest_codeword():
    x, bases, _ = random_problem()
    decomposition = VQ(3, inverse_temperature=1e6)
    y, factors = factorize(decomposition, x, bases, 4)
    codewords = factors.bases.numpy()
    nearest = np.argmax(unit(x.numpy(), 2) @ np.swapaxes(unit(codewords, 2), 1, 2), axis=2)
    expected = np.stack([codewords[b][nearest[b]] for b in range(2)])
    assert relative_error(y, expected) < 1e-6


@pytest.mark.parametrize("decomposition", [CD(3), VQ(3)], ids=["cd", "vq"])
def test_clusters_of_directions_are_found(decomposition):
    random = np.random.RandomState(4)
    directions = np.eye(3, 8)
    labels = np.arange(30) % 3
    lengths = 1 + random.rand(30, 1)
    x = tf.constant((directions[labels] * lengths + 0.01 * random.randn(30, 8))[np.newaxis])
    start = tf.constant((directions + 0.3 * random.randn(3, 8)).T[np.newaxis])
    _, factors = factorize(decomposition, x, start, 6)
    found = unit(factors.bases.numpy()[0], 1)
    assert np.all(np.max(found @ directions.T, axis=0) > 0.999)
    if isinstance(decomposition, VQ):  # keeps the length, concept decomposition does not
        assert np.all(np.linalg.norm(factors.bases[0], axis=1) > 1.2)
    else:
        np.testing.assert_allclose(np.linalg.norm(factors.bases[0], axis=1), 1)
