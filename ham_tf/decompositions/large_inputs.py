"""Inputs so large that the products of an algorithm would exceed the range of floats.

A problem with a number beyond 2³⁰ is shrunk to it and factorised, and what grows with the
input is enlarged again. All others stay what they are, bit for bit.
"""

from typing import NamedTuple

import tensorflow as tf
from tensorflow.python.ops import control_flow_util  # No public name tells a graph for XLA.

# Far below the fourth root of what float32 holds: sums and small bases need room, too.
_LARGEST = 2.0**30


class Factor(NamedTuple):
    """What a tensor is multiplied by, and what its gradient: both `[..., 1, 1]`.

    They differ, since the gradient of shrinking and that of enlarging would cancel, but
    what lies between might not be finite.
    """

    value: tf.Tensor
    gradient: tf.Tensor


class Shrinkage:
    """How far each problem is shrunk, and what follows from that for its results.

    Args:
        largest: the largest magnitude in each problem, `[..., 1, 1]`.
    """

    def __init__(self, largest: tf.Tensor):
        most = min(_LARGEST, largest.dtype.max)
        self._by = most / tf.maximum(tf.stop_gradient(largest), most)
        self._ones = tf.ones_like(self._by)
        self._any = _known(tf.reduce_any(self._by < 1))

    @property
    def of_input(self) -> Factor:
        """For the input."""
        return Factor(self._by, self._ones)

    @property
    def of_initial_bases(self) -> Factor:
        """For the initial bases, which are not shrunk and whose gradient comes from a result."""
        return Factor(self._ones, 1 / self._by)

    @property
    def of_constant(self) -> Factor:
        """For a result that does not grow with the input."""
        return Factor(self._ones, self._by)

    def of_growing(self, coefficients: tf.Tensor, bases: tf.Tensor) -> Factor:
        """For a result that does: as before, unless the factors' product would not be finite."""
        # Before the condition: in a TF1 graph what passes through it would count as differentiable.
        coefficients, bases = tf.stop_gradient(coefficients), tf.stop_gradient(bases)

        def enlargement():
            longest = tf.reduce_max(tf.abs(bases), axis=-1, keepdims=True)
            bound = tf.reduce_max(tf.matmul(tf.abs(coefficients), longest), -2, keepdims=True)
            fitting = tf.minimum(1 / self._by, 0.99 * bases.dtype.max / bound)
            return tf.where(self._by < 1, fitting, self._ones)

        value = self._if_any(enlargement, lambda: self._ones)
        return Factor(value, value * self._by)

    def multiply(self, x: tf.Tensor, factor: Factor) -> tf.Tensor:
        """`x` times a factor, within the range of its dtype."""

        if self._any is False:
            return x

        def multiplied(x, by):
            if by is self._ones:
                return x
            return self._if_any(lambda: limit(x * by, x.dtype.max), lambda: x)

        @tf.custom_gradient
        def multiply(x):
            return multiplied(x, factor.value), lambda d_x: multiplied(d_x, factor.gradient)

        return multiply(x)

    def _if_any(self, shrunk, none_shrunk):
        if isinstance(self._any, bool):
            return shrunk() if self._any else none_shrunk()
        return tf.cond(self._any, shrunk, none_shrunk)


def _known(condition):
    """A condition as True or False where that is known, or is better assumed."""
    if tf.executing_eagerly():
        return bool(condition)
    # XLA fuses the multiplications; elsewhere they would be passes of their own.
    in_xla = control_flow_util.GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph())
    return True if in_xla else condition


def limit(x: tf.Tensor, largest: float) -> tf.Tensor:
    """`x` within ±`largest`. Unlike a clip, which loses it under XLA, this keeps NaN."""
    return tf.where(tf.abs(x) > largest, tf.sign(x) * largest, x)
