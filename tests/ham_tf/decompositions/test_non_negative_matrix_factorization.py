"""NMF's own properties, and the paper's propositions on its gradients."""

import numpy as np
import pytest
import tensorflow as tf
from conftest import relative_error
from random_problems import random_problem, value_and_gradient

from benchmarks import propositions
from ham_tf import NMF, factorize


@pytest.mark.parametrize("normalize_bases", [False, True])
def test_objective_never_rises_and_factors_stay_non_negative(normalize_bases):
    x, bases, _ = random_problem()
    nmf = NMF(3, epsilon=1e-12, normalize_bases=normalize_bases)
    x = nmf.project(x)
    factors = nmf.init(x, bases)
    errors = []
    for _ in range(50):
        factors = nmf.step(x, factors)
        errors.append(float(tf.reduce_sum((x - factors.coefficients @ factors.bases) ** 2)))
        assert np.min(factors.bases) >= 0
        assert np.min(factors.coefficients) >= 0
    assert np.all(np.diff(errors) <= 1e-9 * errors[0])
    assert errors[-1] < 0.9 * errors[0]


def test_recovers_a_matrix_of_its_rank():
    random = np.random.RandomState(3)
    x = tf.constant(random.rand(1, 30, 2) @ random.rand(1, 2, 8))
    y, _ = factorize(NMF(2, epsilon=1e-12), x, tf.constant(random.rand(1, 8, 2)), 3000)
    assert relative_error(y, x) < 1e-2


def test_unrolled_gradient_approaches_the_implicit_one_and_forgets_the_bases():
    """Propositions 1 to 3 of the paper."""
    x, bases, _ = propositions.separable_problem()
    nmf = NMF(2, epsilon=1e-12)
    converged = propositions.fixed_point(nmf, x, bases)
    assert relative_error(nmf.step(x, converged).bases, converged.bases) < 1e-9

    rows = {(row["gradient"], row["steps"]): row for row in propositions.measure()}
    unrolled = [rows["unrolled", steps] for steps in (1, 100, 1000)]
    assert unrolled[0]["difference"] > 0.1
    assert unrolled[1]["difference"] < 0.01
    assert unrolled[2]["difference"] < 1e-9
    norms = [row["norm_at_bases"] for row in unrolled]
    assert norms[2] < 1e-9 * norms[0]
    assert norms[1] < 1e-2 * norms[0]
    # The truncated ones do not: more steps change the point, not the rule.
    for gradient in ("one_step", "last_step"):
        assert rows[gradient, 1000]["difference"] > 0.1
        assert rows[gradient, 1000]["cosine"] > 0.5


def test_unit_bases():
    x, bases, _ = random_problem()
    unit = bases / tf.norm(bases, axis=1, keepdims=True)
    expected, _ = factorize(NMF(3), x, unit, 6)
    y, _ = factorize(NMF(3, normalize_bases=True), x, bases, 6)
    assert relative_error(y, expected) < 1e-10


def test_without_relu_the_gradient_passes_at_zeros():
    x, bases, dy = random_problem()
    x = tf.nn.relu(x)
    y, masked = value_and_gradient(lambda x: factorize(NMF(3), x, bases, 6)[0], x, dy)
    same, passed = value_and_gradient(
        lambda x: factorize(NMF(3, relu=False), x, bases, 6)[0], x, dy
    )
    assert np.array_equal(y, same)
    zeros = x.numpy() == 0
    assert not masked.numpy()[zeros].any()
    assert passed.numpy()[zeros].any()
    assert relative_error(masked[~zeros], passed[~zeros]) < 1e-14
