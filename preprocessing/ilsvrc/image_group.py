"""Images found in one place, before they have labels, and how their names are judged."""

import re
from collections.abc import Iterator
from typing import NamedTuple, Optional

import numpy as np

from preprocessing.data_error import DataError
from preprocessing.ilsvrc import challenge
from preprocessing.ilsvrc.notes import Notes

_OF_THE_SYSTEM = frozenset({".DS_Store", "Thumbs.db", "desktop.ini", "__MACOSX", "@eaDir"})
_MOST_NAMED = 5
_FULL = 10000


class ImageGroup(NamedTuple):
    """Images of one container, one row each.

    Attributes:
        container: path of an archive or a folder.
        names: base names, dtype 'S'.
        labels: int32.
        offsets: int64, of the first byte in the archive; -1 in a folder.
        sizes: int64, bytes.
    """

    container: str
    names: np.ndarray
    labels: np.ndarray
    offsets: np.ndarray
    sizes: np.ndarray


class GroupBuilder:
    """Collects the images of one container and judges their names.

    Args:
        split: "train", "validation" or "test".
        container: path of the archive or the folder.
        place: what the container is called in messages.
        notes: gets what is accepted but worth a line.
        noted_at: what the container is called there; `place` by default.
    """

    def __init__(self, split: str, container: str, place: str, notes: Notes, noted_at: str = ""):
        self._split, self._container = split, container
        self._place, self._notes, self._noted_at = place, notes, noted_at or place
        self._rows = []  # name, label, offset, size
        self._strays = []
        self._built = False

    @property
    def full(self) -> bool:
        """Whether `build` should be called before more is added, to keep memory small."""
        return len(self._rows) >= _FULL

    def add(self, name: str, folder: str, offset: int, size: int):
        """Adds a file.

        Args:
            name: its base name.
            folder: base name of the folder that it lies in; only WordNet ids count.
            offset: of its first byte in the archive, or -1.
            size: in bytes.

        Raises:
            DataError: if the name contradicts the folder or the file is empty.
        """
        label = self._label(name, folder)
        if label is None:
            self.add_stray(name)
        elif not size:
            raise DataError(f"{self._place}: {name} is empty (0 bytes). Fetch the image again.")
        else:
            self._rows.append((name, label, offset, size))

    def add_stray(self, name: str):
        """Adds something that is no image."""
        if of_the_system(name):
            self._notes.add(self._noted_at, "files of operating systems ignored", name)
        else:
            self._strays.append(name)

    def build(self) -> ImageGroup:
        """The images since the last call.

        Raises:
            DataError: if there were files that are no images of the challenge.
        """
        if self._strays:
            raise stray_error(self._place, self._strays, self._expected)
        names, labels, offsets, sizes = zip(*self._rows)
        self._rows, self._built = [], True
        return ImageGroup(
            self._container,
            np.array([name.encode() for name in names]),
            np.array(labels, np.int32),
            np.array(offsets, np.int64),
            np.array(sizes, np.int64),
        )

    def rest(self, needed: bool = True) -> Iterator[ImageGroup]:
        """The last group, if there are images left.

        Args:
            needed: whether there must have been an image.

        Raises:
            DataError: as `build`; also if there must have been one, and was none.
        """
        if self._rows or self._strays:
            yield self.build()
        elif needed and not self._built:
            raise DataError(
                f"{self._place}: no images in it. Expected {self._expected}; fetch or extract it "
                "again."
            )

    @property
    def _expected(self):
        return f"names like {challenge.EXAMPLES[self._split]}"

    def _label(self, name, folder) -> Optional[int]:
        """The class of an image, or None if it is no image's name."""
        if challenge.NAMES[self._split].fullmatch(name) is None:
            return None
        label = challenge.official_label(self._split, name)
        if label is None:
            if self._split == "train":
                raise unknown_class(f"{self._place}: {name}")
            count = challenge.COUNTS[self._split]
            raise DataError(
                f"{self._place}: {name} has no official number. Expected 1 to {count:,}."
            )
        if label == challenge.NO_LABEL:
            return label
        if challenge.WORDNET_ID.fullmatch(folder) and folder != challenge.wordnet_ids()[label]:
            raise DataError(
                f"{self._place}: {name} lies in {folder}, but is of class "
                f"{challenge.wordnet_ids()[label]}. Move it there."
            )
        return label


def of_the_system(name: str) -> bool:
    """Whether operating systems leave files of this name anywhere."""
    return name in _OF_THE_SYSTEM or name.startswith("._")


def unknown_class(what: str) -> DataError:
    """The error of a WordNet id that is none of the challenge's classes."""
    return DataError(
        f"{what} is of none of the challenge's 1,000 classes. Expected ILSVRC 2012, not the whole "
        "of ImageNet; remove it."
    )


def stray_error(place: str, names: list[str], expected: str) -> DataError:
    """The error of files that do not belong there."""
    named = ", ".join(_printable(name) for name in sorted(names)[:_MOST_NAMED])
    more = f" and {len(names) - _MOST_NAMED:,} more" if len(names) > _MOST_NAMED else ""
    hint = ""
    if any(re.search(r"\.jpe?g$", name, re.IGNORECASE) for name in names):
        hint = " (official names end in .JPEG)"
    return DataError(f"{place}: {named}{more} do not belong there. Expected {expected}{hint}.")


def _printable(name):
    return "".join(letter if letter.isprintable() else "?" for letter in name)
