"""A thousand random shapes, scales and kinds of input: none gives what is not finite."""

import numpy as np
import tensorflow as tf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from ham_tf.decompositions import CD, EM, GRADIENTS, NMF, VQ, factorize

ALGORITHMS = {"nmf": NMF, "cd": CD, "vq": VQ, "em": EM}


@settings(
    max_examples=1000, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
@given(
    algorithm=some.sampled_from(sorted(ALGORITHMS)),
    batch=some.integers(1, 3),
    positions=some.integers(1, 40),
    channels=some.integers(1, 24),
    rank=some.integers(1, 8),
    steps=some.integers(0, 7),
    exponent=some.floats(-15, 15),
    offset=some.sampled_from([0.0, 1.0, -1.0, 100.0]),
    zeros=some.sampled_from([0.0, 0.5, 0.95, 1.0]),
    shared=some.booleans(),
    seed=some.integers(0, 2**31 - 1),
    gradient=some.sampled_from(GRADIENTS),
)
def test_value_and_gradient_are_finite(
    algorithm,
    batch,
    positions,
    channels,
    rank,
    steps,
    exponent,
    offset,
    zeros,
    shared,
    seed,
    gradient,
):
    random = np.random.RandomState(seed)
    x = (random.randn(batch, positions, channels) + offset) * 10.0**exponent
    x *= random.rand(*x.shape) >= zeros
    x = tf.constant(x, tf.float32)
    decomposition = ALGORITHMS[algorithm](rank)
    bases = decomposition.draw_bases([1 if shared else batch, channels, rank], [seed, 0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y, factors = factorize(decomposition, x, bases, steps, gradient)
    d_x = tape.gradient(y, x, output_gradients=tf.constant(random.randn(*x.shape), tf.float32))
    assert y.shape == x.shape
    for result in (y, *factors, d_x):
        assert np.isfinite(result).all()
