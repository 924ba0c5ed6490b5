"""Random numbers that are the same in eager mode, graphs, TF1 graphs and XLA.

`tf.random.stateless_uniform` and `stateless_normal` make other numbers under XLA
than elsewhere, with any algorithm, unless their seed is a constant that is folded
before XLA sees it. Raw Philox bits agree everywhere, so the floats are made from
those here.
"""

import math

import tensorflow as tf


def uniform(shape, seed, minimum=0.0, maximum=1.0, dtype=tf.float32):
    """Draws from [minimum, maximum), in steps of 2⁻²³ of the range.

    Args:
        shape: integers or scalar tensors.
        seed: `[2]` int32.
        minimum: included.
        maximum: not included.
        dtype: floating point type of the result.
    """
    draw = tf.cast(_bits(shape, seed), tf.float32) * 2.0**-23
    return tf.cast(draw * (maximum - minimum) + minimum, dtype)


def normal(shape, seed, mean=0.0, stddev=1.0, dtype=tf.float32):
    """Draws from a normal law, at most 5.3 standard deviations from the mean.

    Args:
        shape: integers or scalar tensors.
        seed: `[2]` int32.
        mean: of the law.
        stddev: its standard deviation.
        dtype: floating point type of the result.
    """
    # Not uniform's own draw: 0 would become minus infinity.
    draw = (tf.cast(_bits(shape, seed), tf.float32) + 0.5) * 2.0**-23
    return tf.cast(_quantile(draw) * stddev + mean, dtype)


def truncated_normal(shape, seed, mean=0.0, stddev=1.0, dtype=tf.float32):
    """Draws from a normal law without what lies beyond 2 standard deviations.

    Args:
        shape: integers or scalar tensors.
        seed: `[2]` int32.
        mean: of the law.
        stddev: its standard deviation before truncation.
        dtype: floating point type of the result.
    """
    tail = 0.5 * math.erfc(math.sqrt(2.0))
    draw = (tf.cast(_bits(shape, seed), tf.float32) + 0.5) * 2.0**-23
    return tf.cast(_quantile(tail + (1 - 2 * tail) * draw) * stddev + mean, dtype)


def _bits(shape, seed):
    """Integers in [0, 2²³): all that a float32 can tell apart in [1, 2)."""
    bits = tf.random.stateless_uniform(
        shape, seed, minval=None, maxval=None, dtype=tf.uint32, alg="philox"
    )
    return tf.bitcast(bits, tf.int32) & (2**23 - 1)


def _quantile(probability):
    """The inverse of the standard normal law's distribution function."""
    return math.sqrt(2.0) * tf.math.erfinv(2 * probability - 1)
