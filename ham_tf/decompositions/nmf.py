"""Non-negative matrix factorisation by multiplicative updates."""

import dataclasses

import tensorflow as tf

from ham_tf.decompositions.decomposition import Decomposition, Factors


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

    Reference:
        Geng et al., "Is Attention Better Than Matrix Decomposition?", ICLR 2021,
        section 2.2.2; Lee & Seung, "Algorithms for Non-negative Matrix
        Factorization", NIPS 2000.
    """

    epsilon: float = 1e-6

    def draw_bases(self, shape, seed, dtype=tf.float32):
        # Philox by name: the default algorithm differs between XLA and the rest.
        return tf.random.stateless_uniform(shape, seed, dtype=dtype, alg="philox")

    def project(self, x):
        return tf.nn.relu(x)

    def init(self, x, bases):
        bases = tf.linalg.matrix_transpose(bases)
        return Factors(bases, tf.nn.softmax(tf.matmul(x, bases, transpose_b=True)))

    def step(self, x, factors):
        coefficients = self._gain(factors) * tf.matmul(x, factors.bases, transpose_b=True)
        gram = tf.matmul(coefficients, coefficients, transpose_a=True)
        bases = (
            factors.bases
            * tf.matmul(coefficients, x, transpose_a=True)
            / (tf.matmul(gram, factors.bases) + self.epsilon)
        )
        return Factors(bases, coefficients)

    def reconstruct(self, x, factors):
        coefficients = self._gain(factors) * tf.matmul(x, factors.bases, transpose_b=True)
        return tf.matmul(coefficients, factors.bases)

    def reconstruct_vjp(self, x, factors, dy):
        # `reconstruct` is linear in x: y = (gain ∘ xBᵀ) B.
        del x
        d_coefficients = tf.matmul(dy, factors.bases, transpose_b=True)
        return tf.matmul(self._gain(factors) * d_coefficients, factors.bases)

    def _gain(self, factors):
        """What a coefficient update multiplies `x Bᵀ` by: `[..., positions, rank]`."""
        scale = tf.matmul(factors.coefficients, _gram(factors.bases))
        return factors.coefficients / (scale + self.epsilon)
