"""What the file name of an image of the ImageNet challenge says of its class."""

import re
from typing import Optional

from preprocessing.ilsvrc import challenge

_PATTERNS = {
    "train": re.compile(rf"({challenge.WORDNET_ID.pattern})_[0-9]+\.JPEG"),
    "validation": re.compile(r"ILSVRC2012_val_([0-9]{8})\.JPEG"),
    "test": re.compile(r"(?:test/)?ILSVRC2012_test_([0-9]{8})\.JPEG"),  # As tfds names them.
}


def official_label(split: str, file_name: str) -> Optional[int]:
    """The class of an image.

    Args:
        split: "train", "validation" or "test".
        file_name: as stored.

    Returns:
        Its index; -1 in the test split, None if this is no name of an image of the split.
    """
    found = _PATTERNS[split].fullmatch(file_name)
    if not found:
        return None
    if split == "train":
        return challenge.class_indices().get(found[1])
    number = int(found[1])
    if not 1 <= number <= challenge.COUNTS[split]:
        return None
    return challenge.NO_LABEL if split == "test" else int(challenge.validation_labels()[number - 1])


def is_official(split: str) -> bool:
    """Whether the challenge has a split of this name."""
    return split in _PATTERNS


def describe_class(label: int) -> str:
    """A class for a message: its index and WordNet id."""
    if 0 <= label < challenge.NUM_CLASSES:
        return f"{label} ({challenge.wordnet_ids()[label]})"
    return str(label)
