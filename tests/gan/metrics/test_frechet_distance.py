"""The Fréchet distance: cases by hand, closed forms, other implementations."""

import numpy as np
import pytest
import scipy.linalg
from conftest import needs_tfgan

from gan.metrics.activations import MetricError
from gan.metrics.frechet_distance import frechet_distance

RANDOM = np.random.RandomState(0)


def with_moments(count, mean, covariance):
    """Points whose sample mean and unbiased covariance are exactly these."""
    points = RANDOM.randn(count, len(mean))
    points -= points.mean(axis=0)
    whitening = np.linalg.inv(np.linalg.cholesky(np.cov(points.T)))
    return points @ whitening.T @ np.linalg.cholesky(covariance).T + mean


def test_by_hand():
    # Both variances 2, means 0 and 3: only the means differ.
    assert frechet_distance([[-1.0], [1.0]], [[2.0], [4.0]]) == pytest.approx(9)
    # Standard deviations √2 and 3√2: (3√2 - √2)² = 8.
    assert frechet_distance([[-1.0], [1.0]], [[-3.0], [3.0]]) == pytest.approx(8)


def test_closed_form_of_gaussians_with_a_common_basis():
    """Covariances that commute: the sum over axes of squared differences of deviations."""
    rotation = np.linalg.qr(RANDOM.randn(4, 4))[0]
    deviations = np.array([1.0, 2.0, 0.5, 3.0]), np.array([2.0, 2.0, 1.5, 1.0])
    a, b = (
        with_moments(50, mean, rotation @ np.diag(d**2) @ rotation.T)
        for mean, d in zip(([0, 0, 0, 0], [1, 2, 0, -1]), deviations)
    )
    assert frechet_distance(a, b) == pytest.approx(6 + 1 + 0 + 1 + 4)


@pytest.mark.parametrize("counts", [(300, 200), (10, 300), (6, 9), (5000, 4097)])
def test_equals_the_definition(counts):
    """With scipy's root of the product, which is not symmetric; also of too few images for full
    rank, and of more than one block."""
    a, b = (
        np.float32(RANDOM.randn(count, 16) @ RANDOM.randn(16, 16) + RANDOM.randn(16))
        for count in counts
    )
    covariances = [np.cov(np.float64(x).T) for x in (a, b)]
    product = covariances[0] @ covariances[1]
    root_trace = np.sqrt(np.maximum(scipy.linalg.eigvals(product).real, 0)).sum()
    means = np.float64(a).mean(0) - np.float64(b).mean(0)
    expected = means @ means + np.trace(covariances[0] + covariances[1]) - 2 * root_trace
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-5)
    assert frechet_distance(b, a) == pytest.approx(expected, rel=1e-5)


def test_of_a_set_to_itself_is_nothing():
    a = np.float32(RANDOM.randn(100, 32) * 100)
    assert 0 <= frechet_distance(a, a) < 1e-6
    assert frechet_distance(np.zeros([5, 3]), np.zeros([4, 3])) == 0


@needs_tfgan
def test_equals_tf_gan():
    import tensorflow as tf
    import tensorflow_gan as tfgan

    a, b = RANDOM.randn(200, 8).astype(np.float32), 2 * RANDOM.randn(150, 8).astype(np.float32) + 1
    theirs = tfgan.eval.frechet_classifier_distance_from_activations(tf.constant(a), tf.constant(b))
    assert frechet_distance(a, b) == pytest.approx(float(theirs), rel=1e-4)


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (np.zeros([5, 3]), np.zeros([5, 4]), "Features of 3 and 4 values: not of one network."),
        (np.zeros([1, 3]), np.zeros([5, 3]), r"Features have shape \[1, 3\]: expected"),
        (np.zeros([5]), np.zeros([5, 3]), r"Features have shape \[5\]: expected"),
        (np.full([5, 3], np.nan), np.zeros([5, 3]), "Features are not finite: the images"),
    ],
)
def test_errors(a, b, message):
    with pytest.raises(MetricError, match=message):
        frechet_distance(a, b)
