"""Vector quantisation with soft assignments."""

import dataclasses

import tensorflow as tf

from ham_tf.decompositions.cpu_products import product_with_bases
from ham_tf.decompositions.decomposition import Decomposition, Factors, l2_normalize, unit_bases
from ham_tf.decompositions.random_draws import normal
from ham_tf.decompositions.soft_clustering import cosine_assignments, weighted_means


@dataclasses.dataclass(frozen=True)
class VQ(Decomposition):
    """k-means with soft assignments by cosine: each pixel becomes a mixture of codewords.

    A step is `C = softmax(τ cos(X, B))`, `B ← mean of X weighted by C`; unlike
    concept decomposition the codewords keep their length. The reconstruction is
    `softmax(τ cos(X, B)) B`; its one-step gradient holds the length of each pixel constant.

    Attributes:
        rank: number of codewords.
        inverse_temperature: τ.

    Reference:
        Geng et al., "Is Attention Better Than Matrix Decomposition?", ICLR 2021,
        section 2.2.1 and appendix.
    """

    inverse_temperature: float = 100.0
    growing = "bases"

    def draw_bases(self, shape, seed, dtype=tf.float32):
        return unit_bases(normal(shape, seed, dtype=dtype))

    def init(self, x, bases):
        del x
        return Factors(tf.linalg.matrix_transpose(bases), None)

    def assign(self, x, factors):
        return cosine_assignments(x, factors.bases, self.inverse_temperature)

    def update(self, x, coefficients, bases):
        del bases
        return weighted_means(x, coefficients)

    def refine(self, x, factors):
        products = product_with_bases(x, _codeword_directions(factors))
        return tf.nn.softmax(self._scale(x) * products)

    def refine_vjp(self, x, factors, coefficients, d_coefficients):
        # Here, and not in `refine`, the pixels' length counts as constant.
        mean = tf.reduce_sum(coefficients * d_coefficients, axis=-1, keepdims=True)
        d_logits = coefficients * (d_coefficients - mean)
        return tf.matmul(self._scale(x) * d_logits, _codeword_directions(factors))

    def _scale(self, x):
        """τ over the length of each pixel: `[..., positions, 1]`."""
        square = tf.reduce_sum(x * x, axis=-1, keepdims=True)
        # A pixel of no length has no direction, and its gradient would be 1e8.
        tiny = square < 1e-12
        norm = tf.sqrt(tf.where(tiny, tf.ones_like(square), square))
        scale = self.inverse_temperature / (norm + 1e-6)
        return tf.where(tiny, tf.zeros_like(scale), scale)


def _codeword_directions(factors):
    return l2_normalize(factors.bases, -1, 1e-6)
