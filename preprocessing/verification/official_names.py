"""What the file name of an image of the ImageNet challenge says of its class."""

from typing import Optional

from preprocessing.ilsvrc import challenge

_TEST_FOLDER = "test/"  # which tfds keeps in the names of test images


def official_label(split: str, file_name: str) -> Optional[int]:
    """`challenge.official_label` of a name as tfds stores it."""
    name = file_name.removeprefix(_TEST_FOLDER) if split == "test" else file_name
    return challenge.official_label(split, name)


def is_official(split: str) -> bool:
    """Whether the challenge has a split of this name."""
    return split in challenge.NAMES


def describe_class(label: int) -> str:
    """A class for a message: its index and WordNet id."""
    if 0 <= label < challenge.NUM_CLASSES:
        return f"{label} ({challenge.wordnet_ids()[label]})"
    return str(label)
