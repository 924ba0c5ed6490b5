"""The Fréchet distance of two sets of features; of Inception's pool_3, the FID.

Heusel et al., "GANs Trained by a Two Time-Scale Update Rule Converge to a Local
Nash Equilibrium" (2017), https://arxiv.org/abs/1706.08500, equation 6.
"""

import numpy as np

from gan.metrics.activations import checked_pair

_ROWS = 4096  # in float64 at once


def frechet_distance(a, b) -> float:
    """Squared Fréchet distance of the Gaussians with the moments of two sets of features.

    `|m_a - m_b|² + tr(S_a + S_b - 2 (S_a S_b)^½)` in float64, with unbiased covariances.

    Args:
        a, b: `[count, features]`; the counts may differ.

    Raises:
        MetricError: if the two cannot be compared.
    """
    a, b = checked_pair(a, b)
    mean_a, mean_b = (features.mean(axis=0, dtype=np.float64) for features in (a, b))
    if len(a) + len(b) <= a.shape[1]:
        a, b = _scaled(a, mean_a), _scaled(b, mean_b)
        traces, root_trace = np.sum(a**2) + np.sum(b**2), _trace_of_root_of_few(a, b)
    else:
        covariance_a, covariance_b = _covariance(a, mean_a), _covariance(b, mean_b)
        traces = np.trace(covariance_a) + np.trace(covariance_b)
        root_trace = _trace_of_root_of_product(covariance_a, covariance_b)
    distance = np.sum((mean_a - mean_b) ** 2) + traces - 2 * root_trace
    return float(max(distance, 0.0))  # Rounding can take equal sets below.


def _scaled(features, mean):
    """The matrix X for which the covariance is Xᵀ X."""
    return (features - mean) / np.sqrt(len(features) - 1)


def _trace_of_root_of_few(x, y):
    """tr((Xᵀ X Yᵀ Y)^½): the singular values of X Yᵀ, smaller than the covariances."""
    return np.sum(np.linalg.svd(x @ y.T, compute_uv=False))


def _covariance(features, mean):
    """The covariance, without a copy of all features in float64."""
    covariance = np.zeros([len(mean), len(mean)])
    for first in range(0, len(features), _ROWS):
        centred = features[first : first + _ROWS] - mean
        covariance += centred.T @ centred
    return covariance / (len(features) - 1)


def _trace_of_root_of_product(a, b):
    """tr((A B)^½) of positive semi-definite matrices.

    A B is not symmetric, but A^½ B A^½ is, and has the same eigenvalues. Those
    that rounding took below 0 are 0.
    """
    values, vectors = np.linalg.eigh(a)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    product = root @ b @ root
    values = np.linalg.eigvalsh((product + product.T) / 2)
    return np.sum(np.sqrt(np.maximum(values, 0)))
