"""Images by where they lie, and reading them."""

import dataclasses
import hashlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from preprocessing.data_error import DataError
from preprocessing.data_file import DataFile
from preprocessing.ilsvrc.image_group import ImageGroup
from preprocessing.ilsvrc.repair import repaired
from preprocessing.storage import broken_link


class NamedImage(NamedTuple):
    """An image as a data set stores it.

    Attributes:
        name: base name, as "n01440764_10026.JPEG".
        label: index of the class, -1 in the test split.
        encoded: JPEG.
    """

    name: str
    label: int
    encoded: bytes


@dataclasses.dataclass(frozen=True)
class Listing:
    """Images of one split, one row each.

    Attributes:
        containers: paths of archives and folders.
        names: base names, dtype 'S'.
        labels: int32, index of the class, -1 in the test split.
        container: int32, index in `containers`.
        offsets: int64, of the first byte in the archive; -1: the container is a folder,
            and the image its file of that name.
        sizes: int64, bytes.
    """

    containers: tuple[str, ...]
    names: np.ndarray
    labels: np.ndarray
    container: np.ndarray
    offsets: np.ndarray
    sizes: np.ndarray

    @classmethod
    def from_groups(cls, groups: Iterable[ImageGroup]) -> "Listing":
        """The images of at least one group, in their order."""
        groups = list(groups)
        indices = {}  # container -> index
        for group in groups:
            indices.setdefault(group.container, len(indices))
        return cls(
            tuple(indices),
            np.concatenate([group.names for group in groups]),
            np.concatenate([group.labels for group in groups]),
            np.repeat(
                np.array([indices[group.container] for group in groups], np.int32),
                [len(group.names) for group in groups],
            ),
            np.concatenate([group.offsets for group in groups]),
            np.concatenate([group.sizes for group in groups]),
        )

    def __len__(self):
        return len(self.names)

    @property
    def digest(self) -> str:
        """Of names and sizes, whatever they lie in: changes where an image is replaced."""
        digest = hashlib.sha256(self.names.tobytes() + self.sizes.tobytes())
        return digest.hexdigest()[:16]

    def path(self, index: int) -> str:
        """Where one image lies, for messages."""
        container, name = self.containers[self.container[index]], self.names[index].decode()
        return f"{container}/{name}" if self.offsets[index] < 0 else f"{container}: {name}"

    def select(self, indices: np.ndarray) -> "Listing":
        """Some of the images, in the order of `indices`, with the containers they need."""
        used, container = np.unique(self.container[indices], return_inverse=True)
        return Listing(
            tuple(self.containers[index] for index in used),
            self.names[indices],
            self.labels[indices],
            container.astype(np.int32),
            self.offsets[indices],
            self.sizes[indices],
        )

    def read(self) -> Iterator[NamedImage]:
        """Reads all images, one container after the other, and holds them in memory.

        Yields:
            The images in listed order; the 23 that are no RGB JPEG as tfds makes them.

        Raises:
            DataError: if an image cannot be read, or is not what it was when listed.
        """
        contents = [b""] * len(self)
        order = np.lexsort((self.names, self.offsets, self.container))
        starts = np.flatnonzero(np.diff(self.container[order], prepend=-1))
        for indices in np.split(order, starts[1:]):
            if len(indices):
                self._read_container(indices, contents)
        for index, name in enumerate(self.names):
            content, contents[index] = contents[index], b""
            name = name.decode()
            yield NamedImage(name, int(self.labels[index]), repaired(name, content))

    def _read_container(self, indices, contents):
        """Fills in the contents of images that lie in the same container."""
        container = self.containers[self.container[indices[0]]]
        place = container
        try:
            if self.offsets[indices[0]] >= 0:
                with DataFile(container) as file:
                    for index in indices:
                        contents[index] = self._read_image(file, index, int(self.offsets[index]))
                return
            for index in indices:
                place = self.path(index)
                with DataFile(place) as file:
                    if file.size != self.sizes[index]:
                        raise self._changed(index, file.size)
                    contents[index] = self._read_image(file, index, 0)
        except (OSError, tf.errors.OpError) as error:
            raise unreadable(place, error) from error

    def _read_image(self, file, index, offset):
        content = file.read_at(offset, int(self.sizes[index]))
        if len(content) != self.sizes[index]:
            raise self._changed(index, len(content))
        return content

    def _changed(self, index, size):
        return DataError(
            f"{self.path(index)} had {self.sizes[index]:,} bytes when it was found, now {size:,}. "
            "Leave the source as it is, and start again."
        )


def unreadable(path: str, error: Exception) -> DataError:
    """The error of a path that storage does not give."""
    target = broken_link(path)
    if target:
        return DataError(f"{path} is a link to {target}, where there is nothing. Put it right.")
    if isinstance(error, (FileNotFoundError, tf.errors.NotFoundError)):
        return DataError(f"{path} is gone since it was found. Put it back, and start again.")
    reason = getattr(error, "strerror", None) or getattr(error, "message", None) or str(error)
    return DataError(f"{path} cannot be read: {reason.splitlines()[0]}.")
