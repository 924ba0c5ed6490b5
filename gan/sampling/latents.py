"""Latents addressed by seed, truncated and interpolated; the same on every TensorFlow."""

import math
from typing import Optional

import numpy as np

SEEDS = 2**32  # that there are, counted from 0
_NEARLY_PARALLEL = 1e-6  # sine of an angle below which the arc is a straight line


class LatentError(ValueError):
    """A seed or a threshold that no latent has; the message says what is expected."""


def check_truncation(threshold: Optional[float]):
    """Checks a threshold of `draw_latent`.

    Raises:
        LatentError: if it is not above 0.
    """
    if threshold is not None and not threshold > 0:  # NaN is not, either.
        raise LatentError(
            f"a truncation of {threshold:g} leaves no latents. Expected a threshold above 0: "
            "0.5 for images that are typical and alike, 2 for nearly all variety."
        )


def draw_latent(seed: int, z_dim: int, truncation: Optional[float] = None) -> np.ndarray:
    """The latent of a seed: standard normal, or truncated at a threshold.

    The values of numpy's `RandomState` are fixed for ever, so that a seed is the same
    image today and later. Truncated, values within the threshold stay, and the others
    are drawn again until they are within: the image resembles the untruncated one.

    Args:
        seed: in `[0, 2**32)`.
        z_dim: length of a latent.
        truncation: largest magnitude of a value; None or infinity for none.

    Returns:
        float32 `[z_dim]`.

    Raises:
        LatentError: for another seed, or a threshold that is not above 0.

    Reference:
        Brock et al., "Large scale GAN training for high fidelity natural image
        synthesis", ICLR 2019, section 3.1.
    """
    if not 0 <= seed < SEEDS:
        raise LatentError(f"there is no seed {seed}. Expected one from 0 to {SEEDS - 1}.")
    check_truncation(truncation)
    random = np.random.RandomState(seed)
    latent = random.randn(z_dim)
    if truncation is None:
        return latent.astype(np.float32)
    outside = np.flatnonzero(np.abs(latent) > truncation)
    # Normal values within the threshold, exactly: uniform ones, kept as often as the
    # density says. Quick however small the threshold is, unlike drawing normal ones.
    while len(outside):
        values = random.uniform(-truncation, truncation, len(outside))
        kept = random.uniform(size=len(outside)) < np.exp(-(values**2) / 2)
        latent[outside[kept]] = values[kept]
        outside = outside[~kept]
    return latent.astype(np.float32)


def interpolate_latents(start: np.ndarray, end: np.ndarray, position: float) -> np.ndarray:
    """A latent between two, on the arc between them: as far from 0 as they are.

    Args:
        start: float32 `[z_dim]`, at position 0.
        end: the same, at position 1.
        position: in [0, 1].

    Returns:
        float32 `[z_dim]`; on the straight line where the two are nearly parallel.

    Reference:
        White, "Sampling generative networks", 2016, section 2.1.
    """
    if position in (0.0, 1.0):
        return np.array(end if position else start)  # exactly, without rounding
    a, b = np.float64(start), np.float64(end)
    lengths = np.linalg.norm(a) * np.linalg.norm(b)
    angle = math.acos(np.clip(a @ b / lengths, -1.0, 1.0)) if lengths > 0 else 0.0
    sine = math.sin(angle)
    if sine < _NEARLY_PARALLEL:
        return ((1 - position) * a + position * b).astype(np.float32)
    from_start, from_end = math.sin((1 - position) * angle), math.sin(position * angle)
    return ((from_start * a + from_end * b) / sine).astype(np.float32)
