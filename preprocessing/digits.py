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

    # Shuffled once and for all: a part of a split then has all classes, too.
    order = np.random.RandomState(_SPLIT_SEED).permutation(len(labels))
    rank_in_class = np.zeros(len(labels), int)
    for label in range(NUM_CLASSES):
        members = labels[order] == label
        rank_in_class[members] = np.arange(members.sum())
    is_test = rank_in_class < TEST_IMAGES_PER_CLASS
    return {
        name: Split(images[chosen], labels[chosen])
        for name, chosen in (("train", order[~is_test]), ("test", order[is_test]))
    }
