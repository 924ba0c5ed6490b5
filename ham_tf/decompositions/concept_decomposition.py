"""Concept decomposition: spherical k-means, then ridge regression."""

import dataclasses

import tensorflow as tf

from ham_tf.decompositions.cpu_products import product_with_bases
from ham_tf.decompositions.decomposition import Decomposition, Factors, l2_normalize, unit_bases
from ham_tf.decompositions.random_draws import normal
from ham_tf.decompositions.soft_clustering import cosine_assignments, weighted_means


@dataclasses.dataclass(frozen=True)
class CD(Decomposition):
    """Spherical k-means with soft assignments, and least squares on its concepts.

    A step is `C = softmax(τ cos(X, B))`, `B ← normalise(mean of X weighted by C)`.
    The reconstruction solves `min ‖X - C' B‖² + β ‖C'‖²`:
    `C' = X Bᵀ (B Bᵀ + β I)⁻¹`, linear in `X`.

    Attributes:
        rank: number of bases.
        inverse_temperature: τ.
        ridge: β, positive. 0.01 in the authors' GAN code, 0.1 in their
            segmentation code. Far below 1e-3 the system may not be positive
            definite in float32, which is an error on the CPU.

    Reference:
        Geng et al., "Is Attention Better Than Matrix Decomposition?", ICLR 2021,
        section 2.2.1 and appendix; Dhillon & Modha, "Concept Decompositions for
        Large Sparse Text Data Using Clustering", Machine Learning, 2001.
    """

    inverse_temperature: float = 100.0
    ridge: float = 0.01

    def draw_bases(self, shape, seed, dtype=tf.float32):
        return unit_bases(normal(shape, seed, dtype=dtype))

    def init(self, x, bases):
        del x
        return Factors(tf.linalg.matrix_transpose(unit_bases(bases)), None)

    def assign(self, x, factors):
        return cosine_assignments(x, factors.bases, self.inverse_temperature)

    def update(self, x, coefficients, bases):
        del bases
        return l2_normalize(weighted_means(x, coefficients), -1, 1e-6)

    def refine(self, x, factors):
        return product_with_bases(x, self._projection(factors.bases))

    def refine_vjp(self, x, factors, coefficients, d_coefficients):
        del x, coefficients
        return tf.matmul(d_coefficients, self._projection(factors.bases))

    def _projection(self, bases):
        """What maps pixels to coefficients: `(B Bᵀ + β I)⁻¹ B`, `[..., rank, channels]`."""
        # The system is solved for the bases, which are few, not for the pixels.
        gram = tf.matmul(bases, bases, transpose_b=True)
        identity = tf.eye(self.rank, dtype=gram.dtype)
        # A factorisation that fails stops the whole batch: NaN stays in its sample.
        finite = tf.reduce_all(tf.math.is_finite(gram), axis=[-2, -1], keepdims=True)
        gram = tf.where(finite, gram, identity) + self.ridge * identity
        return tf.linalg.cholesky_solve(tf.linalg.cholesky(gram), bases)
