"""The classifier score of generated images; of Inception's logits, the Inception score.

Salimans et al., "Improved Techniques for Training GANs" (2016),
https://arxiv.org/abs/1606.03498.
"""

import numpy as np

from gan.metrics.activations import checked


def classifier_score(logits) -> float:
    """`exp(mean_x KL(p(y|x) ‖ p(y)))`, of all images at once, in float64.

    1 if the classifier says the same of all images, the number of classes if it
    is sure of each and they are spread evenly.

    Args:
        logits: `[count, classes]`.

    Raises:
        MetricError: if they are no finite matrix.
    """
    logits = checked(logits, "Logits").astype(np.float64)
    logits -= logits.max(axis=1, keepdims=True)
    log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    p = np.exp(log_p)
    marginal = p.mean(axis=0)
    # A class of probability 0 adds nothing: 0 log 0 = 0.
    log_marginal = np.log(np.where(marginal > 0, marginal, 1.0))
    return float(np.exp(np.sum(p * (log_p - log_marginal), axis=1).mean()))
