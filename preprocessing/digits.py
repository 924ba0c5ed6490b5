"""Scikit-learn's handwritten digits: real scans that need no download.

1,797 scans of 8×8 pixels by 43 writers, values 0 to 16, ten classes; the test
part of the UCI data set "Optical Recognition of Handwritten Digits"
(Alpaydin & Kaynak, 1998).
"""

import functools
from typing import NamedTuple

import numpy as np
from PIL import Image

NUM_CLASSES = 10
TEST_IMAGES_PER_CLASS = 50
_SPLIT_SEED = 0


class Split(NamedTuple):
    """Images `[count, size, size, 1]`, float32 in [-1, 1], and labels `[count]`, int32."""

    images: np.ndarray
    labels: np.ndarray


@functools.lru_cache(maxsize=4)
def load_digits(image_size: int = 16):
    """Loads the digits, bilinearly enlarged, in a fixed stratified split.

    Args:
        image_size: side of the images in pixels, at least 8.

    Returns:
        `{"train": Split, "test": Split}`: 1,297 and 500 images, the latter 50 of
        each class. The split does not depend on the size.
    """
    from sklearn import datasets  # Takes seconds to import.

    scans = datasets.load_digits()
    images = np.stack(
        [
            np.asarray(
                Image.fromarray(scan.astype(np.float32)).resize(
                    (image_size, image_size), Image.BILINEAR
                )
            )
            for scan in scans.images
        ]
    )
    images = (images / 8.0 - 1.0).astype(np.float32)[..., None]
    labels = scans.target.astype(np.int32)

    order = np.random.RandomState(_SPLIT_SEED).permutation(len(labels))
    test = np.concatenate(
        [order[labels[order] == label][:TEST_IMAGES_PER_CLASS] for label in range(NUM_CLASSES)]
    )
    train = np.setdiff1d(order, test)
    return {"train": Split(images[train], labels[train]), "test": Split(images[test], labels[test])}
