"""The loop and its three gradients, for every decomposition."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from conftest import relative_error
from random_problems import DECOMPOSITIONS, random_problem, run_steps, value_and_gradient

from ham_tf.decompositions import (
    CD,
    EM,
    GRADIENTS,
    NMF,
    VQ,
    Decomposition,
    Factors,
    cpu_products,
    factorize,
)

every_decomposition = pytest.mark.parametrize(
    "decomposition", DECOMPOSITIONS.values(), ids=DECOMPOSITIONS
)
every_gradient = pytest.mark.parametrize("gradient", GRADIENTS)


@dataclasses.dataclass(frozen=True)
class AutodiffNMF(NMF):
    """NMF without its closed form."""

    refine_vjp = Decomposition.refine_vjp


@dataclasses.dataclass(frozen=True)
class AutodiffCD(CD):
    """Concept decomposition without its closed form."""

    refine_vjp = Decomposition.refine_vjp


@dataclasses.dataclass(frozen=True)
class AutodiffVQ(VQ):
    """VQ with the pixels' length held constant by `stop_gradient` instead of by hand."""

    refine_vjp = Decomposition.refine_vjp

    def _scale(self, x):
        return super()._scale(tf.stop_gradient(x))


def directional_difference(objective, x, direction, step=1e-6):
    difference = objective(x + step * direction) - objective(x - step * direction)
    return float(difference) / (2 * step)


def random_direction(x):
    return tf.constant(np.random.RandomState(1).randn(*x.shape))


@every_decomposition
def test_value_is_that_of_the_plain_loop_for_every_gradient(decomposition):
    x, bases, _ = random_problem()
    projected = decomposition.project(x)
    factors = run_steps(decomposition, projected, bases, 6)
    expected = decomposition.refine(projected, factors) @ factors.bases
    for gradient in GRADIENTS:
        y, _ = factorize(decomposition, x, bases, 6, gradient)
        assert relative_error(y, expected) < 1e-13, gradient


@every_decomposition
@every_gradient
def test_result_is_the_product_of_the_factors(decomposition, gradient):
    x, bases, _ = random_problem()
    y, factors = factorize(decomposition, x, bases, 2, gradient)
    assert isinstance(factors, Factors)
    assert factors.bases.shape == (2, 3, 7)
    assert factors.coefficients.shape == (2, 12, 3)
    assert relative_error(factors.coefficients @ factors.bases, y) < 1e-14


@every_decomposition
def test_one_step_gradient_equals_finite_differences_with_constant_factors(decomposition):
    x, bases, dy = random_problem()
    factors = run_steps(decomposition, decomposition.project(x), bases, 6)
    norm = tf.norm(x, axis=-1, keepdims=True)

    def objective(moved):
        if isinstance(decomposition, VQ):  # holds the length of each pixel constant
            moved = moved / tf.norm(moved, axis=-1, keepdims=True) * norm
        projected = decomposition.project(moved)
        return tf.reduce_sum(decomposition.refine(projected, factors) @ factors.bases * dy)

    _, gradient = value_and_gradient(lambda x: factorize(decomposition, x, bases, 6)[0], x, dy)
    direction = random_direction(x)
    if isinstance(decomposition, VQ):
        # At constant length only movements across x count.
        unit = x / norm
        direction -= unit * tf.reduce_sum(unit * direction, axis=-1, keepdims=True)
    expected = directional_difference(objective, x, direction)
    # VQ divides by the length plus 1e-6, which the projection above does not undo.
    tolerance = 1e-4 if isinstance(decomposition, VQ) else 1e-7
    assert float(tf.reduce_sum(gradient * direction)) == pytest.approx(expected, rel=tolerance)


@every_decomposition
def test_last_step_gradient_equals_finite_differences_of_the_last_step(decomposition):
    x, bases, dy = random_problem()
    before_last = run_steps(decomposition, decomposition.project(x), bases, 5)

    def objective(moved):
        projected = decomposition.project(moved)
        factors = decomposition.step(projected, before_last)
        return tf.reduce_sum(decomposition.refine(projected, factors) @ factors.bases * dy)

    _, gradient = value_and_gradient(
        lambda x: factorize(decomposition, x, bases, 6, "last_step")[0], x, dy
    )
    direction = random_direction(x)
    expected = directional_difference(objective, x, direction)
    assert float(tf.reduce_sum(gradient * direction)) == pytest.approx(expected, rel=1e-5)


@every_decomposition
def test_unrolled_gradient_equals_finite_differences(decomposition):
    x, bases, dy = random_problem()

    def reconstruct(x, bases):
        return factorize(decomposition, x, bases, 3, "unrolled")[0]

    with tf.GradientTape() as tape:
        tape.watch((x, bases))
        y = reconstruct(x, bases)
    gradients = tape.gradient(y, (x, bases), output_gradients=dy)
    direction = random_direction(x)
    expected = directional_difference(
        lambda moved: tf.reduce_sum(reconstruct(moved, bases) * dy), x, direction
    )
    assert float(tf.reduce_sum(gradients[0] * direction)) == pytest.approx(expected, rel=1e-5)
    direction = random_direction(bases)
    expected = directional_difference(
        lambda moved: tf.reduce_sum(reconstruct(x, moved) * dy), bases, direction
    )
    assert float(tf.reduce_sum(gradients[1] * direction)) == pytest.approx(expected, rel=1e-5)


@every_decomposition
def test_the_three_gradients_differ(decomposition):
    x, bases, dy = random_problem()
    gradients = [
        value_and_gradient(lambda x, g=g: factorize(decomposition, x, bases, 6, g)[0], x, dy)[1]
        for g in GRADIENTS
    ]
    for first, second in ((0, 1), (0, 2), (1, 2)):
        assert relative_error(gradients[first], gradients[second]) > 1e-4


@every_decomposition
def test_without_steps_there_is_no_last_step(decomposition):
    x, bases, dy = random_problem()
    gradients = {
        g: value_and_gradient(lambda x, g=g: factorize(decomposition, x, bases, 0, g)[0], x, dy)[1]
        for g in GRADIENTS
    }
    assert np.isfinite(gradients["last_step"]).all()
    if not isinstance(decomposition, VQ):  # whose length is constant in one of them only
        assert relative_error(gradients["last_step"], gradients["one_step"]) < 1e-13


@pytest.mark.parametrize("gradient", ["one_step", "last_step"])
@every_decomposition
def test_no_gradient_reaches_the_bases_unless_unrolled(decomposition, gradient):
    x, bases, _ = random_problem()
    with tf.GradientTape() as tape:
        tape.watch(bases)
        y, factors = factorize(decomposition, x, bases, 6, gradient)
    assert tape.gradient([y, *factors], bases) is None


@pytest.mark.parametrize(
    ("closed", "automatic"),
    [(NMF(3), AutodiffNMF(3)), (CD(3), AutodiffCD(3)), (VQ(3), AutodiffVQ(3))],
    ids=["nmf", "cd", "vq"],
)
class TestClosedForm:
    def test_equals_autodiff(self, closed, automatic):
        x, bases, dy = random_problem()
        _, by_hand = value_and_gradient(lambda x: factorize(closed, x, bases, 6)[0], x, dy)
        _, expected = value_and_gradient(lambda x: factorize(automatic, x, bases, 6)[0], x, dy)
        assert relative_error(by_hand, expected) < 1e-13

    def test_gradients_of_the_gradient_exist(self, closed, automatic):
        """Gradient penalties differentiate the gradient; in NMF that is exact."""
        x, bases, dy = random_problem()

        def penalty_gradients(decomposition):
            with tf.GradientTape() as outer:
                outer.watch((x, dy))
                with tf.GradientTape() as inner:
                    inner.watch(x)
                    # Squared, so that the gradient depends on x through more than dy.
                    y = factorize(decomposition, x, bases, 6)[0] ** 2
                penalty = tf.reduce_sum(inner.gradient(y, x, output_gradients=dy) ** 2)
            return outer.gradient(penalty, (x, dy))

        for by_hand, expected in zip(penalty_gradients(closed), penalty_gradients(automatic)):
            assert np.abs(expected).max() > 0
            if isinstance(closed, NMF):
                assert relative_error(by_hand, expected) < 1e-12
            else:
                assert np.isfinite(by_hand).all()

    def test_in_a_graph_and_under_xla(self, closed, automatic):
        x, bases, dy = random_problem(np.float32)

        def run(x):
            return value_and_gradient(lambda x: factorize(closed, x, bases, 6)[0], x, dy)[1]

        _, expected = value_and_gradient(lambda x: factorize(automatic, x, bases, 6)[0], x, dy)
        assert relative_error(tf.function(run)(x), expected) < 1e-5
        # τ = 100 magnifies the rounding of the cosines: by 3e-3 on one processor for VQ.
        tolerance = 1e-2 if isinstance(closed, VQ) else 1e-4
        assert relative_error(tf.function(run, jit_compile=True)(x), expected) < tolerance


@every_decomposition
def test_permuting_positions_permutes_the_output(decomposition):
    x, bases, _ = random_problem()
    order = np.random.RandomState(2).permutation(x.shape[1])
    y, _ = factorize(decomposition, x, bases, 6)
    permuted, _ = factorize(decomposition, tf.gather(x, order, axis=1), bases, 6)
    assert relative_error(permuted, tf.gather(y, order, axis=1)) < 1e-10


@every_decomposition
def test_permuting_bases_changes_nothing(decomposition):
    x, bases, _ = random_problem()
    y, _ = factorize(decomposition, x, bases, 6)
    permuted, _ = factorize(decomposition, x, tf.gather(bases, [2, 0, 1], axis=2), 6)
    assert relative_error(permuted, y) < 1e-10


@every_decomposition
def test_shared_bases_equal_repeated_ones(decomposition):
    x, bases, _ = random_problem()
    shared, _ = factorize(decomposition, x, bases[:1], 6)
    repeated, _ = factorize(decomposition, x, tf.repeat(bases[:1], 2, axis=0), 6)
    assert relative_error(shared, repeated) < 1e-14


@every_decomposition
def test_unknown_sizes(decomposition):
    x, bases, _ = random_problem()
    signature = [
        tf.TensorSpec([None, None, 7], tf.float64),
        tf.TensorSpec([None, 7, 3], tf.float64),
    ]
    run = tf.function(lambda x, b: factorize(decomposition, x, b, 2)[0], input_signature=signature)
    assert relative_error(run(x, bases[:1]), factorize(decomposition, x, bases[:1], 2)[0]) < 1e-12


@every_decomposition
@every_gradient
def test_nan_stays_in_its_sample(decomposition, gradient):
    x, bases, dy = random_problem(np.float32, batch=3)
    broken = x.numpy()
    broken[1, 4, 2] = np.nan
    y, dx = value_and_gradient(
        lambda x: factorize(decomposition, x, bases[:1], 6, gradient)[0], broken, dy
    )
    healthy, healthy_dx = value_and_gradient(
        lambda x: factorize(decomposition, x, bases[:1], 6, gradient)[0], x, dy
    )
    assert np.isnan(y[1]).all()
    for sample in (0, 2):
        np.testing.assert_allclose(y[sample], healthy[sample], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(dx[sample], healthy_dx[sample], rtol=1e-3, atol=1e-4)


@every_decomposition
@every_gradient
@pytest.mark.parametrize("kind", ["zero", "constant", "tiny", "huge", "one_hot"])
def test_finite_for_degenerate_inputs(decomposition, gradient, kind):
    if (kind, gradient, decomposition) == ("huge", "unrolled", EM(3)):
        pytest.skip("EM's unrolled gradient truly grows past float32, step by step")
    x, bases, dy = random_problem(np.float32)
    x = {
        "zero": tf.zeros_like(x),
        "constant": tf.ones_like(x),
        "tiny": x * 1e-15,
        "huge": x * 1e15,
        "one_hot": tf.one_hot(tf.zeros(x.shape[:2], tf.int32), x.shape[2]),
    }[kind]
    y, dx = value_and_gradient(lambda x: factorize(decomposition, x, bases, 6, gradient)[0], x, dy)
    assert np.isfinite(y).all()
    assert np.isfinite(dx).all()


@every_decomposition
def test_draws_are_equal_in_eager_graph_and_xla(decomposition):
    # A tensor, not a constant, which would be folded before XLA sees it.
    seed = tf.constant([7, 1])

    def draw(seed):
        return decomposition.draw_bases([2, 5, 3], seed)

    eager = draw(seed).numpy()
    # The normal law's quantiles may round otherwise.
    np.testing.assert_allclose(tf.function(draw)(seed), eager, rtol=1e-5)
    np.testing.assert_allclose(tf.function(draw, jit_compile=True)(seed), eager, rtol=1e-5)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        np.testing.assert_allclose(session.run(draw(tf.constant([7, 1]))), eager, rtol=1e-5)
    assert len(np.unique(eager)) == eager.size


def test_unknown_gradient():
    x, bases, _ = random_problem()
    with pytest.raises(ValueError, match="`gradient` must be one of .* gradient='two_step'"):
        factorize(NMF(3), x, bases, 6, "two_step")


@pytest.mark.parametrize("rank", [0, -1, 2.0, True])
def test_rank_out_of_range(rank):
    with pytest.raises(ValueError, match="`rank` must be an integer of at least 1. Received"):
        NMF(rank=rank)


@pytest.mark.parametrize(("channels", "rank"), [(7, 2), (6, 3)])
def test_bases_that_do_not_fit(channels, rank):
    x, _, _ = random_problem()
    with pytest.raises(ValueError, match=r"here \[7, 3\]. Received: \(2, \d, \d\) for x of"):
        factorize(NMF(3), x, np.ones([2, channels, rank]), 6)


@every_decomposition
@every_gradient
@pytest.mark.parametrize(("leading", "copied"), [((1,), False), ((2, 2), False), ((2, 2), True)])
def test_separate_problems_are_the_same_problems(
    monkeypatch, decomposition, gradient, leading, copied
):
    """One plain product per problem, as a CPU's graph has it, or a batched one."""
    random = np.random.RandomState(0)
    x = tf.constant(random.uniform(0.1, 1, [*leading, 12, 8]))
    bases = tf.constant(random.uniform(0.1, 1, [*leading, 8, decomposition.rank]))
    monkeypatch.setattr(cpu_products, "_LEAST_SEPARATE_PRODUCT", 1)
    if copied:  # Bases from some size on: `x Bᵀ` alone is then a batch of one.
        least = dict.fromkeys(("positions", "channels", "rank"), 1)
        monkeypatch.setattr(cpu_products, "_LEAST_COPIED", least)

    def compute(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y, factors = factorize(decomposition, x, bases, 2, gradient)
        return (y, *factors, tape.gradient(y, x, tf.sin(x)))

    graph = tf.function(compute).get_concrete_function(x)
    operations = {operation.type for operation in graph.graph.get_operations()}
    assert ("BatchMatMulV2" in operations) == copied
    for separate, batched in zip(graph(x), compute(x)):
        assert separate.shape == batched.shape
        assert relative_error(separate, batched) < 1e-9  # rounding of float64, amplified by τ


def test_problems_stay_together_in_the_graph_for_a_tpu():
    """Its coordinator sees no TPU; a batched product is what suits one."""

    def compute(x):
        return factorize(NMF(3), x, tf.ones([1, 8, 3]), 2)[0]

    with tf.Graph().as_default() as graph:
        x = tf.ones([1, 12, 8])
        compute(x)
        separate = {operation.type for operation in graph.get_operations()}
    with tf.Graph().as_default() as graph:
        tf.compat.v1.tpu.rewrite(compute, [tf.ones([1, 12, 8])])
        together = {operation.type for operation in graph.get_operations()}
    assert "BatchMatMulV2" not in separate
    assert "BatchMatMulV2" in together
