"""The kernel distance: by hand, the definition, unbiasedness, TF-GAN's."""

import numpy as np
import pytest
from conftest import needs_tfgan

from gan.metrics.kernel_distance import kernel_distance

RANDOM = np.random.RandomState(0)


def test_by_hand():
    # One value: k(x, y) = (xy + 1)³. Within a: (0·1+1)³ = 1; within b: (2·3+1)³ = 343;
    # across: 1, 1, 3³, 4³, mean 93 / 4.
    assert kernel_distance([[0.0], [1.0]], [[2.0], [3.0]]) == pytest.approx(344 - 93 / 2)


def test_equals_the_definition():
    """Sums over all pairs of different images, written as loops."""
    a, b = RANDOM.randn(7, 5), RANDOM.randn(9, 5) + 1

    def mean(pairs):
        return np.mean([(x @ y / 5 + 1) ** 3 for x, y in pairs])

    within = [
        mean((u[i], u[j]) for i in range(len(u)) for j in range(len(u)) if i != j) for u in (a, b)
    ]
    expected = sum(within) - 2 * mean((x, y) for x in a for y in b)
    assert kernel_distance(a, b) == pytest.approx(expected)
    assert kernel_distance(b, a) == pytest.approx(expected)


def test_is_unbiased():
    """Of two samples of one distribution it is 0 on average: sometimes below."""
    distances = [kernel_distance(RANDOM.randn(20, 4), RANDOM.randn(20, 4)) for _ in range(400)]
    error = np.std(distances) / 20
    assert abs(np.mean(distances)) < 4 * error
    assert min(distances) < -error
    assert kernel_distance(RANDOM.randn(200, 4), RANDOM.randn(200, 4) + 1) > 20 * error


def test_blocks():
    """The mean over blocks, each of which takes images from all over a sorted set."""
    a, b = RANDOM.randn(100, 3), RANDOM.randn(80, 3) + 0.5
    blocks = zip(np.split(a, 4), np.split(b, 4))
    expected = np.mean([kernel_distance(x, y) for x, y in blocks])
    assert kernel_distance(a, b, block_size=25, seed=None) == pytest.approx(expected)
    assert kernel_distance(a, b, block_size=25) != pytest.approx(expected)
    assert kernel_distance(a, b, block_size=25) == kernel_distance(a, b, block_size=25)
    # One set in two orders, sorted by class: blocks of a given order compare class with class.
    a = np.concatenate([RANDOM.randn(50, 3) - 4, RANDOM.randn(50, 3) + 4])
    in_order = kernel_distance(a, a[::-1], block_size=50, seed=None)
    assert abs(kernel_distance(a, a[::-1], block_size=50)) < in_order / 10


@needs_tfgan
@pytest.mark.parametrize("block_size", [1024, 50])
def test_equals_tf_gan(block_size):
    import tensorflow as tf
    import tensorflow_gan as tfgan

    a, b = np.float32(RANDOM.randn(200, 8)), np.float32(RANDOM.randn(160, 8) + 1)
    theirs = tfgan.eval.kernel_classifier_distance_from_activations(
        tf.constant(a), tf.constant(b), max_block_size=block_size, dtype=tf.float64
    )
    ours = kernel_distance(a, b, block_size=block_size, seed=None)
    assert ours == pytest.approx(float(theirs), rel=1e-6)


def test_too_few_for_the_blocks():
    """As many blocks as the smaller set has pairs for."""
    random = np.random.RandomState(0)
    a, b = random.randn(100, 3), random.randn(7, 3)
    pairs = zip(np.array_split(a, 3), np.array_split(b, 3))
    expected = np.mean([kernel_distance(x, y, seed=None) for x, y in pairs])
    assert kernel_distance(a, b, block_size=30, seed=None) == pytest.approx(expected)
