"""What the clustering decompositions share: soft assignment of pixels to bases."""

import tensorflow as tf

from ham_tf.decompositions.cpu_products import product_with_bases
from ham_tf.decompositions.decomposition import l2_normalize


def cosine_assignments(x, bases, inverse_temperature):
    """Softmax over the bases of the scaled cosine similarity.

    Args:
        x: `[..., positions, channels]`.
        bases: `[..., rank, channels]` of any length.
        inverse_temperature: what the cosines are multiplied by.

    Returns:
        `[..., positions, rank]`; each row sums to 1.
    """
    # One scale per pixel instead of a normalised copy of x and a pass for the temperature.
    norm = tf.sqrt(tf.maximum(tf.reduce_sum(x * x, -1, keepdims=True), 1e-24))
    products = product_with_bases(x, l2_normalize(bases, -1, 1e-6))
    return tf.nn.softmax(products * (inverse_temperature / norm))


def weighted_means(x, assignments):
    """The mean of the pixels of each basis: `[..., rank, channels]`.

    Dividing the product by the weights' sum equals normalising the assignments
    over the pixels, and touches `rank · channels` numbers.
    """
    total = tf.expand_dims(tf.reduce_sum(assignments, axis=-2), axis=-1)
    return tf.matmul(assignments, x, transpose_a=True) / (total + 1e-6)
