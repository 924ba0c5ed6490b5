"""The contract between a matrix decomposition and everything that uses one.

A feature map of `positions` pixels with `channels` features is a matrix `x`
`[..., positions, channels]`. A decomposition approximates it by
`coefficients @ bases` of rank `rank` with an alternating algorithm. All methods
are pure functions of tensors: no Keras, no variables, no random state. Leading
axes (batch, channel groups) are independent problems; those of the bases may be
1 where the problems share their starting point.
"""

import abc
import dataclasses
import math
import numbers
from collections.abc import Sequence
from typing import NamedTuple, Optional

import tensorflow as tf


class Factors(NamedTuple):
    """The two factors of `x ≈ coefficients @ bases`.

    Attributes:
        bases: `[..., rank, channels]`, one basis per row. The paper writes a
            basis per column; rows make every update of the bases a plain
            product `coefficientsᵀ x` without a transposition.
        coefficients: `[..., positions, rank]`; None before the first step of an
            algorithm that takes nothing from earlier coefficients.
    """

    bases: tf.Tensor
    coefficients: Optional[tf.Tensor]


@dataclasses.dataclass(frozen=True)
class Decomposition(abc.ABC):
    """An alternating algorithm for `x ≈ coefficients @ bases`.

    Subclasses are final: frozen dataclasses whose fields are the constants of
    the algorithm. `ham_tf.decompositions.factorize` owns the loop and the
    gradient, so a new decomposition writes these methods only.

    Attributes:
        rank: number of bases, at least 1.
    """

    rank: int

    def __post_init__(self):
        integral = isinstance(self.rank, numbers.Integral) and not isinstance(self.rank, bool)
        if not integral or self.rank < 1:
            raise ValueError(
                f"`rank` must be an integer of at least 1. Received: rank={self.rank!r}"
            )
        for name in ("epsilon", "inverse_temperature", "ridge"):
            value = getattr(self, name, 1.0)
            if not isinstance(value, numbers.Real) or not 0 < value < math.inf:
                raise ValueError(f"`{name}` must be a positive number. Received: {name}={value!r}")

    @abc.abstractmethod
    def draw_bases(self, shape: Sequence, seed, dtype=tf.float32) -> tf.Tensor:
        """Draws initial bases.

        Args:
            shape: `[..., channels, rank]`, integers or scalar tensors.
            seed: `[2]` integers; the same seed gives the same numbers in eager
                mode, graphs and XLA.
            dtype: floating point type of the result.

        Returns:
            Bases as the paper writes them, one per column: `[..., channels, rank]`.
        """

    def admit(self, bases: tf.Tensor) -> tf.Tensor:
        """Maps initial bases of any other law into the algorithm's domain.

        The default is the identity.
        """
        return bases

    def revive(self, bases: tf.Tensor) -> tf.Tensor:
        """Maps bases that are averages of final ones to such as can still become any others.

        The default is the identity.
        """
        return bases

    def project(self, x: tf.Tensor) -> tf.Tensor:
        """Maps `x` into the algorithm's domain; the other methods take its result.

        It is differentiated like any other operation. The default is the identity.
        """
        return x

    @abc.abstractmethod
    def init(self, x: tf.Tensor, bases: tf.Tensor) -> Factors:
        """First factors from projected `x` and initial bases `[..., channels, rank]`."""

    @abc.abstractmethod
    def step(self, x: tf.Tensor, factors: Factors) -> Factors:
        """One alternation: coefficients, then bases."""

    @abc.abstractmethod
    def refine(self, x: tf.Tensor, factors: Factors) -> tf.Tensor:
        """The coefficients `[..., positions, rank]` that the reconstruction is made with.

        The one-step gradient, as the authors' code computes it, is that of
        `refine(x, factors) @ factors.bases` in `x`, with `factors` constant.
        """

    def refine_vjp(
        self,
        x: tf.Tensor,
        factors: Factors,
        coefficients: tf.Tensor,
        d_coefficients: tf.Tensor,
    ) -> tf.Tensor:
        """The one-step gradient of `sum(d_coefficients * refine(x, factors))` in `x`.

        To be overridden only where it differs from automatic differentiation of
        `refine`, or saves time or memory against it.

        Args:
            x: projected input.
            factors: the constant factors.
            coefficients: what `refine(x, factors)` returned.
            d_coefficients: the gradient that arrives at them.

        Returns:
            The gradient, of the shape of `x`.
        """
        raise NotImplementedError


def l2_normalize(x: tf.Tensor, axis: int, minimum_norm: float) -> tf.Tensor:
    """Divides vectors along `axis` by their length, or by `minimum_norm` if they are shorter."""
    square = tf.reduce_sum(x * x, axis=axis, keepdims=True)
    # Not rsqrt, which rounds otherwise in the last places of a CPU's vector than in
    # the others: a sample's result would depend on its place in the batch.
    return x / tf.sqrt(tf.maximum(square, minimum_norm**2))


def unit_bases(bases: tf.Tensor) -> tf.Tensor:
    """Bases `[..., channels, rank]` scaled to columns of unit length."""
    return l2_normalize(bases, -2, 1e-6)
