"""The kernel distance of two sets of features; of Inception's pool_3, the KID.

Bińkowski et al., "Demystifying MMD GANs" (2018), https://arxiv.org/abs/1801.01401.
"""

from typing import Optional

import numpy as np

from gan.metrics.activations import checked_pair


def kernel_distance(a, b, block_size: int = 1000, seed: Optional[int] = 0) -> float:
    """Squared maximum mean discrepancy with the kernel `(x·y / features + 1)³`.

    Unbiased, so it may be below 0; biased if an image occurs twice in a set. The
    mean over disjoint blocks, in which every image occurs once.

    Args:
        a, b: `[count, features]`; the counts may differ.
        block_size: most images of a block, unless the smaller set is too small for so many blocks.
        seed: of the order from which blocks are cut, because stored images may be
            sorted by class; None to keep the given order.

    Raises:
        MetricError: if the two cannot be compared.
    """
    a, b = checked_pair(a, b)
    if seed is not None:
        random = np.random.RandomState(seed)
        a, b = (features[random.permutation(len(features))] for features in (a, b))
    # Each block needs two images of both sets.
    blocks = max(1, min(-(-max(len(a), len(b)) // block_size), min(len(a), len(b)) // 2))
    pairs = zip(np.array_split(a, blocks), np.array_split(b, blocks))
    return float(np.mean([_squared_discrepancy(x, y) for x, y in pairs]))


def _squared_discrepancy(x, y):
    x, y = x.astype(np.float64), y.astype(np.float64)

    def kernel(u, v):
        return (u @ v.T / u.shape[1] + 1) ** 3

    def mean_of_different(u):
        values = kernel(u, u)
        return (values.sum() - np.trace(values)) / (len(u) * (len(u) - 1))

    return mean_of_different(x) + mean_of_different(y) - 2 * kernel(x, y).mean()
