"""Facts of the ImageNet challenge of 2012: classes, names, counts."""

import functools
import re
from typing import Optional

import numpy as np

from preprocessing import class_names

NUM_CLASSES = 1000
COUNTS = {"train": 1281167, "validation": 50000, "test": 100000}
LABELLED = ("train", "validation")  # the splits without which the data set is not whole
FEWEST_PER_CLASS, MOST_PER_CLASS = 732, 1300  # images of a class in the train split
NO_LABEL = -1  # what tfds stores where the class is unknown, as in the test split

# The official archives; those of task 3 (dogs) and the patch of the test set are others.
ARCHIVES = {
    "train": re.compile(r"ILSVRC2012_img_train\.tar"),
    "validation": re.compile(r"ILSVRC2012_img_val\.tar"),
    "test": re.compile(r"ILSVRC2012_img_test(_v[0-9]+)?\.tar"),
}
# The folders that people extract them to.
FOLDERS = {"train": ("train",), "validation": ("val", "validation"), "test": ("test",)}
EXAMPLES = {
    "train": "n01440764_10026.JPEG",
    "validation": "ILSVRC2012_val_00000001.JPEG",
    "test": "ILSVRC2012_test_00000001.JPEG",
}
WORDNET_ID = re.compile(r"n[0-9]{8}")
NAMES = {  # of images; what is in brackets tells the class
    "train": re.compile(rf"({WORDNET_ID.pattern})_[0-9]+\.JPEG"),
    "validation": re.compile(r"ILSVRC2012_val_([0-9]{8})\.JPEG"),
    "test": re.compile(r"ILSVRC2012_test_([0-9]{8})\.JPEG"),
}


@functools.lru_cache(maxsize=1)
def class_indices() -> dict[str, int]:
    """WordNet id to the index of the class, in tfds's order: that of the ids."""
    classes = class_names.class_names("imagenet2012", NUM_CLASSES)
    return {classes.wordnet_id(index): index for index in range(NUM_CLASSES)}


@functools.lru_cache(maxsize=1)
def wordnet_ids() -> tuple[str, ...]:
    """The WordNet id of each class."""
    return tuple(class_indices())


@functools.lru_cache(maxsize=1)
def validation_labels() -> np.ndarray:
    """Classes of the validation images by their official number, as tfds has them.

    Returns:
        int32 `[50000]`: the class of `ILSVRC2012_val_00000001.JPEG` at place 0.
    """
    import tensorflow_datasets as tfds  # Takes seconds to import.

    file = tfds.core.tfds_path("datasets/imagenet2012/validation_labels.txt")
    indices = class_indices()
    labels = [indices[wordnet_id] for wordnet_id in file.read_text().split()]
    if len(labels) != COUNTS["validation"]:
        raise RuntimeError(
            f"{file} has {len(labels)} labels. Expected {COUNTS['validation']}: tfds has changed."
        )
    return np.array(labels, np.int32)


def official_label(split: str, name: str) -> Optional[int]:
    """The class that the name of an image tells.

    Args:
        split: "train", "validation" or "test".
        name: base name of the image.

    Returns:
        Its index; `NO_LABEL` in the test split; None if this is no name of an image of
        the split, or of a class or number that the challenge does not have.
    """
    match = NAMES[split].fullmatch(name)
    if match is None:
        return None
    if split == "train":
        return class_indices().get(match[1])
    number = int(match[1])
    if not 1 <= number <= COUNTS[split]:
        return None
    return NO_LABEL if split == "test" else int(validation_labels()[number - 1])
