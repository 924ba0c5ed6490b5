"""Expectation-maximisation attention, to compare with."""

import dataclasses

import tensorflow as tf

from ham_tf.decompositions.cpu_products import product_with_bases
from ham_tf.decompositions.decomposition import Decomposition, Factors, l2_normalize, unit_bases
from ham_tf.decompositions.random_draws import normal
from ham_tf.decompositions.soft_clustering import weighted_means


@dataclasses.dataclass(frozen=True)
class EM(Decomposition):
    """The unit of EMANet: soft k-means by inner product instead of cosine.

    A step is `C = softmax(X Bᵀ)`, `B ← normalise(mean of X weighted by C)`, the
    reconstruction `softmax(X Bᵀ) B`. The original reconstructs with the last
    step's coefficients and sends no gradient into them; here the common contract
    holds: one more, differentiable, assignment.

    Attributes:
        rank: number of bases.

    Reference:
        Li et al., "Expectation-Maximization Attention Networks for Semantic
        Segmentation", ICCV 2019.
    """

    growing = None

    def draw_bases(self, shape, seed, dtype=tf.float32):
        return unit_bases(normal(shape, seed, dtype=dtype))

    def init(self, x, bases):
        del x
        return Factors(tf.linalg.matrix_transpose(unit_bases(bases)), None)

    def update(self, x, coefficients, bases):
        del bases
        return l2_normalize(weighted_means(x, coefficients), -1, 1e-6)

    def refine(self, x, factors):
        return tf.nn.softmax(product_with_bases(x, factors.bases))
