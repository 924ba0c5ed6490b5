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
from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf


class Factors(NamedTuple):
    """The two factors of `x ≈ coefficients @ bases`.

    Attributes:
        bases: `[..., rank, channels]`, one basis per row. The paper writes a
            basis per column; rows make every update of the bases a plain
            product `coefficientsᵀ x` without a transposition.
        coefficients: `[..., positions, rank]`.
    """

    bases: tf.Tensor
    coefficients: tf.Tensor


@dataclasses.dataclass(frozen=True)
class Decomposition(abc.ABC):
    """An alternating algorithm for `x ≈ coefficients @ bases`.

    Subclasses are final: frozen dataclasses whose fields are the constants of
    the algorithm. `ham_tf.one_step_gradient.factorize` owns the loop and the
    gradient, so a new decomposition writes these methods only.

    Attributes:
        rank: number of bases, at least 1.
    """

    rank: int

    def __post_init__(self):
        if not isinstance(self.rank, int) or isinstance(self.rank, bool) or self.rank < 1:
            raise ValueError(
                f"`rank` must be an integer of at least 1. Received: rank={self.rank!r}"
            )

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
    def reconstruct(self, x: tf.Tensor, factors: Factors) -> tf.Tensor:
        """Refines the coefficients once with `factors` constant, then multiplies.

        The one-step gradient of the paper (its equation 13) is by definition the
        gradient of this function in `x`.

        Returns:
            The reconstruction, of the shape of `x`.
        """

    def reconstruct_vjp(self, x: tf.Tensor, factors: Factors, dy: tf.Tensor) -> tf.Tensor:
        """Closed form of the gradient of `sum(dy * reconstruct(x, factors))` in `x`.

        Not to be overridden where automatic differentiation of `reconstruct` is as good.

        Returns:
            The gradient, of the shape of `x`.
        """
        raise NotImplementedError
