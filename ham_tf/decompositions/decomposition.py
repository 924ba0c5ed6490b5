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
from typing import ClassVar, NamedTuple, Optional

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


_POSITIVE = {"epsilon", "inverse_temperature", "ridge"}


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

    # Which factor of the reconstruction is proportional to the input, by its field of `Factors`;
    # None for neither. Bases count only after a step.
    growing: ClassVar[Optional[str]] = "coefficients"

    def __post_init__(self):
        integral = isinstance(self.rank, numbers.Integral) and not isinstance(self.rank, bool)
        if not integral or self.rank < 1:
            raise ValueError(
                f"`rank` must be an integer of at least 1. Received: rank={self.rank!r}"
            )
        for name in {field.name for field in dataclasses.fields(self)} & _POSITIVE:
            value = getattr(self, name)
            number = isinstance(value, numbers.Real) and not isinstance(value, bool)
            if not number or not 0 < value < math.inf:
                raise ValueError(f"`{name}` must be a positive number. Received: {name}={value!r}")
            # A NumPy scalar would bring its own dtype into the arithmetic of tensors.
            object.__setattr__(self, name, float(value))

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

    def largest(self, x: tf.Tensor) -> tf.Tensor:
        """The largest magnitude in each problem of projected `x`, `[..., 1, 1]`."""
        return tf.maximum(
            tf.reduce_max(x, axis=[-2, -1], keepdims=True),
            -tf.reduce_min(x, axis=[-2, -1], keepdims=True),
        )

    @abc.abstractmethod
    def init(self, x: tf.Tensor, bases: tf.Tensor) -> Factors:
        """First factors from projected `x` and initial bases `[..., channels, rank]`."""

    def step(self, x: tf.Tensor, factors: Factors, mask: Optional[tf.Tensor] = None) -> Factors:
        """One alternation: coefficients, then bases.

        Args:
            x: projected input.
            factors: of the step before, or initial ones.
            mask: boolean `[..., positions, 1]`, False for padding, which counts for nothing.
        """
        coefficients = masked(self.assign(x, factors), mask)
        return Factors(self.update(x, coefficients, factors.bases), coefficients)

    def assign(self, x: tf.Tensor, factors: Factors) -> tf.Tensor:
        """The coefficients of a step, `[..., positions, rank]`. The default is `refine`."""
        return self.refine(x, factors)

    @abc.abstractmethod
    def update(self, x: tf.Tensor, coefficients: tf.Tensor, bases: tf.Tensor) -> tf.Tensor:
        """The bases of a step, `[..., rank, channels]`, from its coefficients and those before."""

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


def masked(x: tf.Tensor, mask: Optional[tf.Tensor]) -> tf.Tensor:
    """Zeros where the mask is False; None masks nothing."""
    return x if mask is None else tf.where(mask, x, tf.zeros([], x.dtype))


def l2_normalize(x: tf.Tensor, axis: int, minimum_norm: float) -> tf.Tensor:
    """Divides vectors along `axis` by their length, or by `minimum_norm` if they are shorter."""
    square = tf.reduce_sum(x * x, axis=axis, keepdims=True)
    # Not rsqrt, which rounds otherwise in the last places of a CPU's vector than in
    # the others: a sample's result would depend on its place in the batch.
    return x / tf.sqrt(tf.maximum(square, minimum_norm**2))


def unit_bases(bases: tf.Tensor) -> tf.Tensor:
    """Bases `[..., channels, rank]` scaled to columns of unit length."""
    return l2_normalize(bases, -2, 1e-6)
