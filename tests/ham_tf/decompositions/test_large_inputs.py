"""Everything a float holds gives finite results, and what is ordinary stays as it was."""

import numpy as np
import pytest
import tensorflow as tf
from conftest import relative_error
from random_problems import DECOMPOSITIONS, random_problem

from ham_tf import NMF, NMFLayer, VQLayer, factorize
from ham_tf.decompositions.large_inputs import Shrinkage

FLOAT32 = np.finfo(np.float32).max
every_decomposition = pytest.mark.parametrize(
    "decomposition", DECOMPOSITIONS.values(), ids=DECOMPOSITIONS
)


def problem(dtype=np.float32):
    """Six samples between -1 and 1, initial bases, an upstream gradient."""
    x, bases, dy = (np.array(tensor) for tensor in random_problem(dtype, batch=6))
    return x / np.abs(x).max(), bases[:1], dy


def in_mode(function, mode):
    if mode == "eager":
        return function
    return tf.function(function, jit_compile=mode == "xla", autograph=False)


def pass_of(decomposition, bases, steps, gradient, mode):
    """Results and gradient of `x` and an upstream gradient."""

    def run(x, dy):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y, factors = factorize(decomposition, x, bases, steps, gradient)
        return y, *factors, tape.gradient(y, x, dy)

    return in_mode(run, mode)


@every_decomposition
@pytest.mark.parametrize(
    ("mode", "steps", "gradient"),
    [
        ("eager", 0, "one_step"),
        ("eager", 6, "last_step"),
        ("graph", 6, "one_step"),
        ("xla", 6, "one_step"),
    ],
)
def test_finite_for_all_of_float32(decomposition, mode, steps, gradient):
    x, bases, dy = problem()
    run = pass_of(decomposition, bases, steps, gradient, mode)
    random = np.random.RandomState(1)
    batches = [
        # One magnitude per sample: huge, tiny and ordinary ones in a batch.
        x * np.array([1e30, 1, 1e-30, FLOAT32, 1e-44, 1e15], np.float32)[:, None, None],
        x * 10.0 ** random.uniform(-38, 38, [6, 12, 1]),  # per pixel
        x * 10.0 ** random.uniform(-38, 38, x.shape),  # per number
        np.full_like(x, FLOAT32),
        np.full_like(x, -FLOAT32),
        np.sign(x) * FLOAT32,
    ]
    for batch in batches:
        for upstream in (dy, dy * 1e30 * (np.abs(batch) > 1e30)):
            for result in run(*(tf.constant(a, tf.float32) for a in (batch, upstream)))[:3]:
                assert np.isfinite(result).all()
        assert np.isfinite(run(tf.constant(batch, tf.float32), tf.constant(dy))[3]).all()


@pytest.mark.parametrize("mode", ["eager", "graph"])
@pytest.mark.parametrize("scale", [1e12, 1e37])
@pytest.mark.parametrize("name", ["nmf", "cd", "vq"])
def test_what_grows_with_the_input_keeps_growing(name, scale, mode):
    x, bases, dy = problem()
    x, dy = tf.constant(x), tf.constant(dy)
    run = pass_of(DECOMPOSITIONS[name], bases, 6, "one_step", mode)
    if name == "nmf":  # whose first coefficients are a softmax of products with the input
        run = pass_of(ScaleFree(3), bases, 6, "one_step", mode)
    y, _, _, gradient = run(x, dy)
    large_y, _, _, large_gradient = run(x * scale, dy)
    assert relative_error(large_y / scale, y) < 1e-3
    if name != "vq":  # whose assignments are so hard here that its gradient is rounding
        assert relative_error(large_gradient, gradient) < 1e-3


class ScaleFree(NMF):
    """NMF that starts alike whatever the scale of its input."""

    def init(self, x, bases):
        return super().init(tf.zeros_like(x), bases)


@every_decomposition
@pytest.mark.parametrize("mode", ["eager", "xla"])
def test_product_of_the_factors(decomposition, mode):
    x, bases, dy = problem()
    run = pass_of(decomposition, bases, 2, "one_step", mode)
    y, final_bases, coefficients, _ = run(tf.constant(x * 1e30), tf.constant(dy))
    assert relative_error(tf.matmul(coefficients, final_bases), y) < 1e-5


@every_decomposition
@pytest.mark.parametrize("mode", ["graph", "xla"])
def test_a_sample_leaves_the_others_as_they_are(decomposition, mode):
    x, bases, dy = problem()
    run = pass_of(decomposition, bases, 1, "one_step", mode)
    expected = run(tf.constant(x), tf.constant(dy))
    for bad in (np.inf, np.nan, 1e30):
        x[2, 4, 1] = bad
        for result, alone in zip(run(tf.constant(x), tf.constant(dy)), expected):
            assert np.array_equal(np.delete(result, 2, 0), np.delete(alone, 2, 0))
            assert np.isfinite(result[2]).all() == np.isfinite(bad)


@pytest.mark.parametrize("decomposition", [DECOMPOSITIONS["nmf"], DECOMPOSITIONS["vq"]])
@pytest.mark.parametrize("gradient", ["last_step", "unrolled"])
def test_derivatives_are_those_of_a_wider_float(decomposition, gradient):
    """All of them: of each result, in the input and in the initial bases."""
    x, bases, _ = problem()

    def some(like):
        return tf.cast(np.random.RandomState(3).randn(*like.shape), like.dtype)

    def derivatives(dtype):
        inputs = [tf.constant(array, dtype) for array in (x * 1e12, bases * 1e-3)]
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(inputs)
            y, factors = factorize(decomposition, *inputs, 1, gradient)
            # Not plain sums: those of VQ's coefficients are 1.
            sums = [tf.reduce_sum(result * some(result)) for result in (y, *factors)]
        return [tape.gradient(total, inputs) for total in sums]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ham_tf.decompositions.large_inputs._LARGEST", 2.0**60)
        expected = derivatives(tf.float64)
    for ours, theirs in zip(derivatives(tf.float32), expected):
        for a, b in zip(ours, theirs):
            assert (a is None) == (b is None)
            if a is not None and np.abs(b).max() > 0:
                assert relative_error(tf.cast(a, tf.float64), b) < 1e-2


def test_ordinary_inputs_are_not_touched():
    x = tf.constant([[[2.0**30, -3.0]]])
    shrinkage = Shrinkage(NMF(1).largest(x))
    assert shrinkage.multiply(x, shrinkage.of_input) is x
    assert np.array_equal(shrinkage.of_input.value, [[[1.0]]])


@pytest.mark.parametrize("make", [NMFLayer, VQLayer])
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float64"])
def test_layers_in_other_precisions(make, policy):
    x, _, _ = problem()
    for scale in (1e-30, 1e30, FLOAT32):
        inputs = tf.constant(x * np.float32(scale))
        layer = make(2, dtype=policy)
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            y = layer(inputs, training=True)
            total = tf.reduce_mean(tf.cast(y, tf.float64))
        assert np.isfinite(tf.cast(y, tf.float64)).all()
        assert np.isfinite(tape.gradient(total, inputs)).all()


def test_each_group_has_its_own_scale():
    """A channel group of ordinary numbers beside one of huge ones."""
    x = np.random.RandomState(0).rand(1, 12, 8).astype(np.float32)
    expected = NMFLayer(2, groups=2)(x).numpy()
    x[..., 4:] *= 1e30
    y = NMFLayer(2, groups=2)(x).numpy()
    assert np.array_equal(y[..., :4], expected[..., :4])
    assert relative_error(y[..., 4:], x[..., 4:]) < 1
