"""Non-negative matrix factorisation by multiplicative updates."""

import dataclasses

import tensorflow as tf

from ham_tf.decompositions.cpu_products import product_with_bases
from ham_tf.decompositions.decomposition import Decomposition, Factors, unit_bases
from ham_tf.decompositions.random_draws import uniform


def _gram(rows):
    return tf.matmul(rows, rows, transpose_b=True)


@dataclasses.dataclass(frozen=True)
class NMF(Decomposition):
    """Multiplicative updates of Lee & Seung for `min ‖relu(x) - C B‖²`, `C, B ≥ 0`.

    With `S = relu(x)`, a step is `C ← C ∘ SBᵀ / (C BBᵀ + ε)`, then
    `B ← B ∘ CᵀS / (CᵀC B + ε)`; neither raises the objective. The Gram matrices
    come first: `C (BBᵀ)` costs `positions · rank²`, `(C B) Bᵀ` would cost
    `positions · channels · rank`.

    Attributes:
        rank: number of bases.
        epsilon: added to every denominator.
        normalize_bases: whether initial bases are scaled to unit length, as in
            the authors' segmentation code; their GAN code takes them as drawn.
        relu: whether `x` passes through a relu first. Where it is known not to
            be negative, False saves that and lets the gradient pass at zeros, as
            in the authors' segmentation code, which has the relu before.

    Reference:
        Geng et al., "Is Attention Better Than Matrix Decomposition?", ICLR 2021,
        section 2.2.2; Lee & Seung, "Algorithms for Non-negative Matrix
        Factorization", NIPS 2000.
    """

    epsilon: float = 1e-6
    normalize_bases: bool = False
    relu: bool = True

    def draw_bases(self, shape, seed, dtype=tf.float32):
        return uniform(shape, seed, dtype=dtype)

    def admit(self, bases):
        return tf.abs(bases)

    def revive(self, bases):
        # Multiplicative updates leave zeros what they are: a channel that was silent for some
        # batches would be lost for good. From this far below unit length one step brings it back.
        return tf.maximum(bases, 1e-6)

    def project(self, x):
        return tf.nn.relu(x) if self.relu else x

    def largest(self, x):
        return tf.reduce_max(x, axis=[-2, -1], keepdims=True) if self.relu else super().largest(x)

    def init(self, x, bases):
        bases = tf.linalg.matrix_transpose(unit_bases(bases) if self.normalize_bases else bases)
        return Factors(bases, tf.nn.softmax(product_with_bases(x, bases)))

    def update(self, x, coefficients, bases):
        gram = tf.matmul(coefficients, coefficients, transpose_a=True)
        return (
            bases
            * tf.matmul(coefficients, x, transpose_a=True)
            / (tf.matmul(gram, bases) + self.epsilon)
        )

    def refine(self, x, factors):
        return self._gain(factors) * product_with_bases(x, factors.bases)

    def refine_vjp(self, x, factors, coefficients, d_coefficients):
        # `refine` is linear in x: gain ∘ x Bᵀ. The gain is computed again, not kept.
        del x, coefficients
        return tf.matmul(self._gain(factors) * d_coefficients, factors.bases)

    def _gain(self, factors):
        """What a coefficient update multiplies `x Bᵀ` by: `[..., positions, rank]`."""
        scale = tf.matmul(factors.coefficients, _gram(factors.bases))
        return factors.coefficients / (scale + self.epsilon)
