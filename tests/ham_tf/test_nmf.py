"""NMF and its one-step gradient: reference numbers, three gradients, properties."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from conftest import relative_error

from ham_tf import NMF, Decomposition, Factors, factorize


@dataclasses.dataclass(frozen=True)
class AutodiffNMF(NMF):
    """NMF without its closed form."""

    reconstruct_vjp = Decomposition.reconstruct_vjp


def random_problem(dtype=np.float64, batch=2, positions=12, channels=7, rank=3):
    random = np.random.RandomState(0)
    x = random.randn(batch, positions, channels).astype(dtype)
    bases = random.rand(batch, channels, rank).astype(dtype)
    dy = random.randn(*x.shape).astype(dtype)
    return tf.constant(x), tf.constant(bases), tf.constant(dy)


def input_gradient(function, x, dy):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = function(x)
    return y, tape.gradient(y, x, output_gradients=dy)


# float32 against the original's float32: sums in another order differ in the last places.
@pytest.mark.parametrize("jit_compile", [False, True], ids=["graph", "xla"])
@pytest.mark.parametrize("case", ["nmf0", "nmf1", "nmf2"])
def test_equals_original(golden, case, jit_compile):
    stored = golden("ham_tf_gan.npz")
    x, bases, steps, y, dy, dx = (
        stored[f"{case}_{name}"] for name in ("x", "bases", "steps", "y", "dy", "dx")
    )
    nmf = NMF(rank=bases.shape[-1])

    @tf.function(jit_compile=jit_compile)
    def run(x, dy):
        return input_gradient(lambda x: factorize(nmf, x, bases, int(steps))[0], x, dy)

    # The original has channels first.
    our_y, our_dx = run(*(tf.constant(np.swapaxes(a, 1, 2)) for a in (x, dy)))
    assert relative_error(np.swapaxes(our_y, 1, 2), y) < 1e-5
    assert relative_error(np.swapaxes(our_dx, 1, 2), dx) < 1e-5


def test_closed_form_equals_autodiff():
    x, bases, dy = random_problem()
    _, closed = input_gradient(lambda x: factorize(NMF(3), x, bases, 6)[0], x, dy)
    _, automatic = input_gradient(lambda x: factorize(AutodiffNMF(3), x, bases, 6)[0], x, dy)
    assert relative_error(closed, automatic) < 1e-14


def test_closed_form_equals_finite_differences():
    x, bases, dy = random_problem()
    nmf = NMF(3)
    _, factors = factorize(nmf, x, bases, 6)
    _, gradient = input_gradient(lambda x: factorize(nmf, x, bases, 6)[0], x, dy)
    direction = tf.constant(np.random.RandomState(1).randn(*x.shape))
    step = 1e-6

    def objective(x):
        return tf.reduce_sum(nmf.reconstruct(nmf.project(x), factors) * dy)

    difference = (objective(x + step * direction) - objective(x - step * direction)) / (2 * step)
    assert float(difference) == pytest.approx(float(tf.reduce_sum(gradient * direction)), rel=1e-7)


def test_second_order_equals_autodiff():
    """Gradient penalties differentiate the gradient."""
    x, bases, dy = random_problem()

    def penalty_gradients(nmf):
        with tf.GradientTape() as outer:
            outer.watch((x, dy))
            with tf.GradientTape() as inner:
                inner.watch(x)
                # Squared, so that the gradient depends on x through more than dy.
                y = factorize(nmf, x, bases, 6)[0] ** 2
            penalty = tf.reduce_sum(inner.gradient(y, x, output_gradients=dy) ** 2)
        return outer.gradient(penalty, (x, dy))

    for closed, automatic in zip(penalty_gradients(NMF(3)), penalty_gradients(AutodiffNMF(3))):
        assert np.abs(automatic).max() > 0
        assert relative_error(closed, automatic) < 1e-12


def test_gradient_is_one_step_not_unrolled():
    x, bases, dy = random_problem()
    nmf = NMF(3)

    def unrolled(x):
        x = nmf.project(x)
        factors = nmf.init(x, bases)
        for _ in range(6):
            factors = nmf.step(x, factors)
        return nmf.reconstruct(x, factors)

    y_unrolled, unrolled_gradient = input_gradient(unrolled, x, dy)
    y, one_step_gradient = input_gradient(lambda x: factorize(nmf, x, bases, 6)[0], x, dy)
    assert relative_error(y, y_unrolled) < 1e-14
    assert relative_error(one_step_gradient, unrolled_gradient) > 1e-2


def test_no_gradient_reaches_the_bases():
    x, bases, _ = random_problem()
    with tf.GradientTape() as tape:
        tape.watch(bases)
        y, factors = factorize(NMF(3), x, bases, 6)
    assert tape.gradient([y, *factors], bases) is None


def test_objective_never_rises_and_factors_stay_non_negative():
    x, bases, _ = random_problem()
    nmf = NMF(3, epsilon=1e-12)
    x = nmf.project(x)
    factors = nmf.init(x, bases)
    errors = []
    for _ in range(30):
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


def test_permuting_positions_permutes_the_output():
    x, bases, _ = random_problem()
    order = np.random.RandomState(2).permutation(x.shape[1])
    y, _ = factorize(NMF(3), x, bases, 6)
    permuted, _ = factorize(NMF(3), tf.gather(x, order, axis=1), bases, 6)
    assert relative_error(permuted, tf.gather(y, order, axis=1)) < 1e-12


def test_shared_bases_equal_repeated_ones():
    x, bases, _ = random_problem()
    shared, _ = factorize(NMF(3), x, bases[:1], 6)
    repeated, _ = factorize(NMF(3), x, tf.repeat(bases[:1], 2, axis=0), 6)
    assert relative_error(shared, repeated) < 1e-14


def test_shapes_of_factors():
    x, bases, _ = random_problem()
    y, factors = factorize(NMF(3), x, bases, 1)
    assert isinstance(factors, Factors)
    assert (y.shape, factors.bases.shape, factors.coefficients.shape) == (
        (2, 12, 7),
        (2, 3, 7),
        (2, 12, 3),
    )


@pytest.mark.parametrize("scale", [0.0, 1e-15, 1.0, 1e15])
def test_finite_at_any_scale(scale):
    x, bases, dy = random_problem(np.float32)
    y, gradient = input_gradient(lambda x: factorize(NMF(3), x, bases, 6)[0], x * scale, dy)
    assert np.isfinite(y).all()
    assert np.isfinite(gradient).all()


def test_draws_are_equal_in_eager_graph_and_xla():
    def draw():
        return NMF(3).draw_bases([2, 5, 3], [7, 1])

    eager = draw().numpy()
    assert np.array_equal(eager, tf.function(draw)())
    assert np.array_equal(eager, tf.function(draw, jit_compile=True)())
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        assert np.array_equal(eager, session.run(draw()))
    assert 0 <= eager.min() < eager.max() < 1


@pytest.mark.parametrize("rank", [0, -1, 2.0, True])
def test_rank_out_of_range(rank):
    with pytest.raises(ValueError, match="`rank` must be an integer of at least 1. Received"):
        NMF(rank=rank)
