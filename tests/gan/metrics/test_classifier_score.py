"""The classifier score: cases by hand, the definition, TF-GAN's."""

import numpy as np
import pytest
import scipy.special
from conftest import needs_tfgan

from gan.metrics.activations import MetricError
from gan.metrics.classifier_score import classifier_score


def test_by_hand():
    assert classifier_score(np.zeros([7, 4])) == pytest.approx(1)
    # Sure of every image, and of all five classes equally often.
    assert classifier_score(1000.0 * np.eye(5)[[0, 1, 2, 3, 4, 4, 3, 2, 1, 0]]) == pytest.approx(5)
    # Sure, but of one class only.
    assert classifier_score(1000.0 * np.eye(5)[[2, 2, 2]]) == pytest.approx(1)
    # p = (3/4, 1/4) and (1/4, 3/4): ln 2 + 3/4 ln 3/4 + 1/4 ln 1/4.
    logits = np.log([[3.0, 1.0], [1.0, 3.0]])
    assert classifier_score(logits) == pytest.approx(2 * 0.75**0.75 * 0.25**0.25)


def test_equals_the_definition():
    logits = np.float32(3 * np.random.RandomState(0).randn(200, 10))
    p = scipy.special.softmax(np.float64(logits), axis=1)
    divergence = scipy.special.rel_entr(p, p.mean(axis=0)).sum(axis=1)
    assert classifier_score(logits) == pytest.approx(np.exp(divergence.mean()))
    assert classifier_score(logits + 1e4) == pytest.approx(classifier_score(logits), rel=1e-3)


@needs_tfgan
def test_equals_tf_gan():
    import tensorflow as tf
    import tensorflow_gan as tfgan

    logits = np.float32(3 * np.random.RandomState(0).randn(200, 1008))
    theirs = tfgan.eval.classifier_score_from_logits(tf.constant(logits))
    assert classifier_score(logits) == pytest.approx(float(theirs), rel=1e-4)


def test_broken_images():
    with pytest.raises(MetricError, match="Logits are not finite: the images they come from"):
        classifier_score(np.full([5, 3], np.inf))
