"""Random problems and the gradients of functions on them."""

import numpy as np
import tensorflow as tf

from ham_tf.decompositions import CD, EM, NMF, VQ

DECOMPOSITIONS = {"nmf": NMF(3), "cd": CD(3), "vq": VQ(3), "em": EM(3)}


def random_problem(dtype=np.float64, batch=2, positions=12, channels=7, rank=3, seed=0):
    """Returns `x`, initial bases and an upstream gradient."""
    random = np.random.RandomState(seed)
    x = random.randn(batch, positions, channels).astype(dtype)
    bases = random.rand(batch, channels, rank).astype(dtype)
    dy = random.randn(*x.shape).astype(dtype)
    return tf.constant(x), tf.constant(bases), tf.constant(dy)


def value_and_gradient(function, x, dy):
    """Returns `function(x)` and the gradient of `sum(dy * function(x))` in `x`."""
    x = tf.convert_to_tensor(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = function(x)
    return y, tape.gradient(y, x, output_gradients=dy)


def run_steps(decomposition, x, bases, steps):
    """Factors after some steps, by the plain loop."""
    factors = decomposition.init(x, bases)
    for _ in range(steps):
        factors = decomposition.step(x, factors)
    return factors
