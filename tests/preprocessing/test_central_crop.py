"""The published crop, eagerly and inside tf.data, against the original."""

import functools
import os

import numpy as np
import pytest
import tensorflow as tf

from preprocessing.central_crop import (
    central_square_box,
    crop_and_resize,
    resized_pixels,
    scaled,
)
from preprocessing.choices import RESAMPLINGS


@pytest.mark.parametrize("image", ["img3", "img5"])
@pytest.mark.parametrize("inside", ["eager", "tf.data"])
def test_equals_original(golden, image, inside):
    stored = golden("preprocess.npz")
    expected = stored[image.replace("img", "out") + "_64"]
    if inside == "eager":
        result = crop_and_resize(stored[image], 64)
    else:
        dataset = tf.data.Dataset.from_tensors(stored[image]).map(lambda x: crop_and_resize(x, 64))
        result = next(iter(dataset))
    assert result.shape == (64, 64, 3)
    np.testing.assert_allclose(result, expected, atol=1e-5)


GOLDEN = os.environ.get("HAM_TF_GOLDEN")


@pytest.mark.skipif(not GOLDEN, reason="HAM_TF_GOLDEN names no folder with the large references")
@pytest.mark.parametrize("inside", ["eager", "tf.data"])
def test_equals_original_at_every_size(inside):
    stored = dict(np.load(os.path.join(GOLDEN, "preprocess.npz")))
    outputs = [name for name in stored if name.startswith("out")]
    assert len(outputs) == 9
    for name in outputs:
        number, size = name[3:].split("_")
        image, size = stored[f"img{number}"], int(size)
        if inside == "eager":
            result = crop_and_resize(image, size)
        else:
            dataset = tf.data.Dataset.from_tensors(image)
            result = next(iter(dataset.map(functools.partial(crop_and_resize, size=size))))
        np.testing.assert_allclose(result, stored[name], atol=1e-5, err_msg=name)


@pytest.mark.parametrize(
    ("height", "width", "top_left", "bottom_right"),
    [(4, 4, (0, 0), (3, 3)), (7, 4, (2, 0), (5, 3)), (4, 6, (0, 1), (3, 4))],
)
def test_box_in_pixels(height, width, top_left, bottom_right):
    box = central_square_box(tf.constant(height), tf.constant(width))[0]
    pixels = box * [height - 1, width - 1, height - 1, width - 1]
    np.testing.assert_allclose(pixels, [*top_left, *bottom_right], atol=1e-5)


def test_square_of_the_right_size_is_only_scaled():
    image = np.random.RandomState(0).randint(0, 256, [8, 8, 1]).astype(np.uint8)
    np.testing.assert_allclose(crop_and_resize(image, 8), image / 127.5 - 1, atol=1e-5)


def antialiased(image, inside, size=8):
    if inside == "eager":
        return resized_pixels(image, size, "antialiased")
    dataset = tf.data.Dataset.from_tensors(image)
    return next(iter(dataset.map(lambda x: resized_pixels(x, size, "antialiased"))))


@pytest.mark.parametrize("inside", ["eager", "tf.data"])
def test_antialiased_is_a_triangle_filter(inside):
    image = np.random.RandomState(0).randint(0, 256, [32, 41, 3]).astype(np.uint8)
    square = image[:, 5:37].astype(np.float64)  # The odd surplus is before the crop.
    centres, pixels = 4 * np.arange(8) + 2, np.arange(32) + 0.5
    weights = np.maximum(0, 1 - np.abs(centres[:, None] - pixels) / 4)
    weights /= weights.sum(axis=1, keepdims=True)
    expected = np.einsum("yi,xj,ijc->yxc", weights, weights, square)
    result = antialiased(image, inside)
    assert result.dtype == tf.float32
    np.testing.assert_allclose(result, expected, atol=1e-3)
    assert np.abs(expected - resized_pixels(image, 8)).mean() > 10


def test_antialiased_stays_in_range():
    white = np.full([97, 61, 3], 255, np.uint8)
    assert antialiased(white, "eager", 16).numpy().max() <= 255


@pytest.mark.parametrize("resampling", RESAMPLINGS)
def test_scaled_last(resampling):
    image = np.random.RandomState(0).randint(0, 256, [20, 30, 3]).astype(np.uint8)
    pixels = resized_pixels(image, 9, resampling)
    assert np.array_equal(scaled(pixels), crop_and_resize(image, 9, resampling))
