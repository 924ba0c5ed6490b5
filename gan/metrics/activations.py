"""Arrays of activations as the metrics take them."""

import numpy as np


class MetricError(ValueError):
    """Activations that no metric can be computed from; the message says why."""


def checked(activations, what: str) -> np.ndarray:
    """Returns activations `[count, values]` as an array.

    Raises:
        MetricError: if they are no matrix of two or more rows, or not finite.
    """
    activations = np.asarray(activations)
    if activations.ndim != 2 or len(activations) < 2:
        raise MetricError(
            f"{what} have shape {list(activations.shape)}: expected [count, values] of 2 images "
            "or more."
        )
    if not np.isfinite(activations).all():
        raise MetricError(
            f"{what} are not finite: the images they come from are broken. Evaluate another "
            "checkpoint."
        )
    return activations


def checked_pair(a, b) -> tuple[np.ndarray, np.ndarray]:
    """Returns two sets of features of one width.

    Raises:
        MetricError: if they cannot be compared.
    """
    a, b = checked(a, "Features"), checked(b, "Features")
    if a.shape[1] != b.shape[1]:
        raise MetricError(f"Features of {a.shape[1]} and {b.shape[1]} values: not of one network.")
    return a, b
