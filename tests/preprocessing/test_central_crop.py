"""The published crop, eagerly and inside tf.data, against the original."""

import numpy as np
import pytest
import tensorflow as tf

from preprocessing.central_crop import central_square_box, crop_and_resize


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
