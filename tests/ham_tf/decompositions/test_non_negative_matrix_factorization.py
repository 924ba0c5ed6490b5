"""NMF's own properties, and the paper's propositions on its gradients."""

import numpy as np
import pytest
import tensorflow as tf
from conftest import relative_error
from random_problems import random_problem, run_steps, value_and_gradient

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


def separable_problem():
    """A matrix near rank 2 with distinct parts: NMF converges fast on it."""
    random = np.random.RandomState(5)
    coefficients = np.zeros([1, 12, 2])
    coefficients[0, :6, 0] = 1 + random.rand(6)
    coefficients[0, 6:, 1] = 1 + random.rand(6)
    bases = np.array([[[1.0, 2, 1, 0.1, 0.1], [0.1, 0.1, 1, 2, 1]]])
    x = coefficients @ bases + 0.05 * random.rand(1, 12, 5)
    return (
        tf.constant(x),
        tf.constant(random.rand(1, 5, 2) + 0.1),
        tf.constant(random.randn(*x.shape)),
    )


def implicit_gradient(nmf, x, factors, dy):
    """`dy/dh (I - dF/dh)⁻¹ dF/dx` at a fixed point `h = F(h, x)`, by dense linear algebra.

    NMF's fixed points are not isolated (bases and coefficients may trade
    scale), so `I - dF/dh` is singular along directions that the reconstruction
    does not see; the pseudo-inverse leaves those out.
    """
    shapes = [factor.shape for factor in factors]
    sizes = [int(np.prod(shape)) for shape in shapes]

    def unflatten(h):
        return type(factors)(*(tf.reshape(p, s) for p, s in zip(tf.split(h, sizes), shapes)))

    def flatten(factors):
        return tf.concat([tf.reshape(factor, [-1]) for factor in factors], axis=0)

    h = flatten(factors)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch((h, x))
        step = flatten(nmf.step(x, unflatten(h)))
        at = unflatten(h)
        y = nmf.refine(x, at) @ at.bases
        loss = tf.reduce_sum(y * dy)
    step_h = tape.jacobian(step, h).numpy()
    step_x = tape.jacobian(step, x).numpy().reshape(len(h), -1)
    loss_h, loss_x = tape.gradient(loss, (h, x))
    through_h = loss_h.numpy() @ np.linalg.pinv(np.eye(len(h)) - step_h, rcond=1e-8) @ step_x
    return loss_x.numpy() + through_h.reshape(x.shape)


def test_unrolled_gradient_approaches_the_implicit_one_and_forgets_the_bases():
    """Propositions 1 to 3 of the paper."""
    x, bases, dy = separable_problem()
    nmf = NMF(2, epsilon=1e-12)
    converged = run_steps(nmf, x, bases, 3000)
    after = nmf.step(x, converged)
    assert relative_error(after.bases, converged.bases) < 1e-9  # a fixed point
    implicit = implicit_gradient(nmf, x, converged, dy)

    def gradients(steps):
        with tf.GradientTape() as tape:
            tape.watch((x, bases))
            y = factorize(nmf, x, bases, steps, "unrolled")[0]
        return tape.gradient(y, (x, bases), output_gradients=dy)

    distances, base_norms = [], []
    for steps in (1, 10, 100, 1000):
        d_x, d_bases = gradients(steps)
        distances.append(relative_error(d_x, implicit))
        base_norms.append(float(tf.norm(d_bases)))
    assert distances[-1] < 1e-9
    assert distances[2] < 0.1 * distances[0]
    assert base_norms[-1] < 1e-9 * base_norms[0]


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
