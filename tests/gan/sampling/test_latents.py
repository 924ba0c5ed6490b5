"""Latents by seed: fixed values, the law of truncated ones, the arc between two."""

import math

import numpy as np
import pytest

from gan.sampling.latents import LatentError, draw_latent, interpolate_latents


def test_a_seed_is_the_same_for_ever():
    """Written out: images are addressed by these numbers."""
    expected = np.float32([1.7640524, 0.4001572, 0.978738, 2.2408931])
    np.testing.assert_array_equal(draw_latent(0, 4), expected)
    assert draw_latent(0, 4).dtype == np.float32
    assert not np.array_equal(draw_latent(2**32 - 1, 4), draw_latent(0, 4))


@pytest.mark.parametrize("truncation", [None, math.inf, 100.0])
def test_no_truncation(truncation):
    np.testing.assert_array_equal(draw_latent(3, 50, truncation), draw_latent(3, 50))


@pytest.mark.parametrize("truncation", [1e-300, 1e-6, 0.1, 0.7, 2.0])
def test_truncated_values(truncation):
    plain, latent = draw_latent(5, 400), draw_latent(5, 400, truncation)
    assert np.abs(latent).max() <= np.float32(truncation)
    np.testing.assert_array_equal(latent, draw_latent(5, 400, truncation))
    # What was within stays, so that the image resembles the untruncated one.
    within = np.abs(plain) <= truncation
    np.testing.assert_array_equal(latent[within], plain[within])
    assert len(np.unique(latent)) > 100 or truncation == 1e-300


def test_truncated_values_have_the_law_of_normal_ones():
    values = np.abs(draw_latent(1, 100_000, 2.0))
    for bound in (0.3, 1.0, 1.7):
        expected = math.erf(bound / math.sqrt(2)) / math.erf(2 / math.sqrt(2))
        # Four standard deviations of a share of 100,000 are 0.006.
        assert abs((values < bound).mean() - expected) < 0.006


def test_the_arc():
    start, end = np.float32([3, 0, 0]), np.float32([0, 3, 0])
    half = interpolate_latents(start, end, 0.5)
    np.testing.assert_allclose(half, 3 * np.sqrt(0.5) * np.float32([1, 1, 0]), rtol=1e-6)
    third = interpolate_latents(start, end, 1 / 3)
    np.testing.assert_allclose(third, [3 * np.sqrt(0.75), 1.5, 0], rtol=1e-6)
    assert third.dtype == np.float32
    np.testing.assert_array_equal(interpolate_latents(start, end, 0.0), start)
    np.testing.assert_array_equal(interpolate_latents(start, end, 1.0), end)


@pytest.mark.parametrize(
    ("start", "end", "half"),
    [
        ([1.0, 2.0], [1.0, 2.0], [1.0, 2.0]),
        ([1.0, 0.0], [3.0, 0.0], [2.0, 0.0]),
        ([0.0, 0.0], [2.0, 0.0], [1.0, 0.0]),
        ([1.0, 0.0], [-1.0, 0.0], [0.0, 0.0]),
    ],
)
def test_a_straight_line_where_there_is_no_arc(start, end, half):
    result = interpolate_latents(np.float32(start), np.float32(end), 0.5)
    np.testing.assert_allclose(result, half, atol=1e-6)


@pytest.mark.parametrize("truncation", [0.0, -1.0, math.nan])
def test_impossible_truncation(truncation):
    with pytest.raises(LatentError, match=f"truncation of {truncation:g} leaves no latents"):
        draw_latent(0, 4, truncation)


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_impossible_seed(seed):
    with pytest.raises(LatentError, match=f"no seed {seed}. Expected one from 0 to 4294967295."):
        draw_latent(seed, 4)
