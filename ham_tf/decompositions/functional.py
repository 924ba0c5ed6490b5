"""The decompositions as plain functions of tensors."""

import tensorflow as tf

from ham_tf.decompositions.concept_decomposition import CD
from ham_tf.decompositions.expectation_maximization import EM
from ham_tf.decompositions.factorization import factorize
from ham_tf.decompositions.non_negative_matrix_factorization import NMF
from ham_tf.decompositions.vector_quantization import VQ


def nmf(x, bases, steps=6, epsilon=1e-6, gradient="one_step"):
    """Non-negative matrix factorisation: the reconstruction of `relu(x)`.

    Args:
        x: float32 or float64 `[batch, positions, channels]`.
        bases: initial bases `[batch or 1, channels, rank]`, non-negative.
        steps: alternations, at least 0.
        epsilon: added to every denominator.
        gradient: `"one_step"`, `"last_step"` or `"unrolled"`; see `factorize`.

    Returns:
        The reconstruction `[batch, positions, channels]`, in the dtype of `x`.

    Raises:
        ValueError: for shapes, dtypes, steps or gradients that do not fit.

    Example:
        >>> x = tf.random.uniform([8, 1024, 256])
        >>> y = nmf(x, tf.random.uniform([1, 256, 32]))
    """
    return _reconstruct(lambda rank: NMF(rank, epsilon=epsilon), x, bases, steps, gradient)


def cd(x, bases, steps=6, inverse_temperature=100.0, ridge=0.01, gradient="one_step"):
    """Concept decomposition: spherical k-means, then ridge regression on its concepts.

    Args:
        x: float32 or float64 `[batch, positions, channels]`.
        bases: initial bases `[batch or 1, channels, rank]`; their length does not matter.
        steps: alternations, at least 0.
        inverse_temperature: what cosine similarities are multiplied by.
        ridge: added to the diagonal of the bases' Gram matrix, positive.
        gradient: `"one_step"`, `"last_step"` or `"unrolled"`; see `factorize`.

    Returns:
        The reconstruction `[batch, positions, channels]`, in the dtype of `x`.

    Raises:
        ValueError: for shapes, dtypes, steps or gradients that do not fit.
    """
    return _reconstruct(
        lambda rank: CD(rank, inverse_temperature, ridge), x, bases, steps, gradient
    )


def vq(x, bases, steps=6, inverse_temperature=100.0, gradient="one_step"):
    """Soft vector quantisation: each pixel as a mixture of codewords.

    Args:
        x: float32 or float64 `[batch, positions, channels]`.
        bases: initial codewords `[batch or 1, channels, rank]`.
        steps: alternations, at least 0.
        inverse_temperature: what cosine similarities are multiplied by.
        gradient: `"one_step"`, `"last_step"` or `"unrolled"`; see `factorize`.

    Returns:
        The reconstruction `[batch, positions, channels]`, in the dtype of `x`.

    Raises:
        ValueError: for shapes, dtypes, steps or gradients that do not fit.
    """
    return _reconstruct(lambda rank: VQ(rank, inverse_temperature), x, bases, steps, gradient)


def em(x, bases, steps=3, gradient="one_step"):
    """Expectation-maximisation attention.

    Args:
        x: float32 or float64 `[batch, positions, channels]`.
        bases: initial bases `[batch or 1, channels, rank]`; their length does not matter.
        steps: alternations, at least 0. EMANet uses 3.
        gradient: `"one_step"`, `"last_step"` or `"unrolled"`; see `factorize`.

    Returns:
        The reconstruction `[batch, positions, channels]`, in the dtype of `x`.

    Raises:
        ValueError: for shapes, dtypes, steps or gradients that do not fit.
    """
    return _reconstruct(EM, x, bases, steps, gradient)


def _reconstruct(make_decomposition, x, bases, steps, gradient):
    x, bases = tf.convert_to_tensor(x), tf.convert_to_tensor(bases)
    if x.dtype not in (tf.float32, tf.float64) or bases.dtype != x.dtype:
        raise ValueError(
            "`x` and `bases` must both be float32 or both float64. "
            f"Received: {x.dtype.name} and {bases.dtype.name}"
        )
    fits = len(x.shape) == 3 and len(bases.shape) == 3 and x.shape[-1] == bases.shape[-2]
    if not fits or not (bases.shape[0] == 1 or x.shape[:1].is_compatible_with(bases.shape[:1])):
        raise ValueError(
            "`x` must have shape [batch, positions, channels] and `bases` "
            "[batch or 1, channels, rank] with the same batch and channels. "
            f"Received: {tuple(x.shape)} and {tuple(bases.shape)}"
        )
    y, _ = factorize(make_decomposition(bases.shape[-1]), x, bases, steps, gradient)
    return y
