"""The plain functions: golden numbers of the GAN code, and their errors."""

import numpy as np
import pytest
import tensorflow as tf
from conftest import relative_error
from random_problems import random_problem, value_and_gradient

import ham_tf
from ham_tf.decompositions import CD, EM, NMF, VQ, cd, em, factorize, nmf, vq


# Theirs is float32 too: sums in another order differ in the last places, and concept
# decomposition magnifies that by its temperature of 100.
@pytest.mark.parametrize("jit_compile", [False, True], ids=["graph", "xla"])
@pytest.mark.parametrize(
    ("case", "function", "tolerance"),
    [(f"{f.__name__}{i}", f, t) for f, t in ((nmf, 1e-5), (cd, 1e-4)) for i in range(3)],
)
def test_equals_original(golden, case, function, tolerance, jit_compile):
    stored = golden("ham_tf_gan.npz")
    x, bases, steps, y, dy, dx = (
        stored[f"{case}_{name}"] for name in ("x", "bases", "steps", "y", "dy", "dx")
    )

    @tf.function(jit_compile=jit_compile)
    def run(x, dy):
        return value_and_gradient(lambda x: function(x, bases, steps=int(steps)), x, dy)

    # The original has channels first.
    our_y, our_dx = run(*(tf.constant(np.swapaxes(a, 1, 2)) for a in (x, dy)))
    assert relative_error(np.swapaxes(our_y, 1, 2), y) < tolerance
    assert relative_error(np.swapaxes(our_dx, 1, 2), dx) < tolerance


@pytest.mark.parametrize(
    ("function", "decomposition", "steps"),
    [(nmf, NMF(3), 6), (cd, CD(3), 6), (vq, VQ(3), 6), (em, EM(3), 3)],
)
def test_defaults(function, decomposition, steps):
    x, bases, _ = random_problem()
    expected, _ = factorize(decomposition, x, bases, steps)
    assert np.array_equal(function(x, bases), expected)
    assert getattr(ham_tf, function.__name__) is function


def test_arguments_are_passed_on():
    x, bases, dy = random_problem()
    calls = [
        (lambda x: nmf(x, bases, 2, epsilon=0.1, gradient="last_step"), NMF(3, epsilon=0.1)),
        (lambda x: cd(x, bases, 2, 7.0, 0.2, gradient="last_step"), CD(3, 7.0, 0.2)),
        (lambda x: vq(x, bases, 2, 7.0, gradient="last_step"), VQ(3, 7.0)),
        (lambda x: em(x, bases, 2, gradient="last_step"), EM(3)),
    ]
    for function, decomposition in calls:
        expected = value_and_gradient(
            lambda x, d=decomposition: factorize(d, x, bases, 2, "last_step")[0], x, dy
        )
        for ours, theirs in zip(value_and_gradient(function, x, dy), expected):
            assert np.array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"bases": np.ones([1, 6, 3])},
            "with the same batch and channels. Received: .2, 12, 7. and .1, 6, 3.",
        ),
        ({"bases": np.ones([7, 3])}, "`bases` .batch or 1, channels, rank."),
        ({"bases": np.ones([1, 7, 3], np.float32)}, "both be float32 or both float64. Received"),
        ({"x": np.ones([2, 12, 7], np.int64)}, "Received: int64 and float64"),
        ({"bases": np.ones([3, 7, 3])}, "with the same batch and channels. Received: .2, 12, 7. a"),
        ({"x": np.ones([12, 7]), "bases": np.ones([7, 3])}, "must have shape .batch, positions, c"),
        ({"epsilon": -1.0}, "`epsilon` must be a positive number. Received: epsilon=-1.0"),
        ({"steps": -1}, "`steps` must be an integer of at least 0. Received: steps=-1"),
        ({"steps": 1.5}, "`steps` must be an integer of at least 0. Received: steps=1.5"),
        ({"gradient": "exact"}, "`gradient` must be one of .* Received: gradient='exact'"),
    ],
)
def test_wrong_arguments(change, message):
    x, bases, _ = random_problem()
    with pytest.raises(ValueError, match=message):
        nmf(**{"x": x, "bases": bases, **change})


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda x, b: cd(x, b, ridge=-1), "ridge"),
        (lambda x, b: cd(x, b, inverse_temperature=0), "inverse_temperature"),
        (lambda x, b: vq(x, b, inverse_temperature=float("nan")), "inverse_temperature"),
    ],
)
def test_wrong_constants(call, name):
    x, bases, _ = random_problem()
    with pytest.raises(ValueError, match=f"`{name}` must be a positive number. Received: {name}="):
        call(x, bases)


def test_steps_may_be_numpy_integers():
    x, bases, _ = random_problem()
    assert np.array_equal(nmf(x, bases, np.int64(2)), nmf(x, bases, 2))
