"""Where pre-resized images lie, beside the data set that they are made of."""

import dataclasses
from typing import Optional

import tensorflow as tf

from preprocessing.choices import STORES
from preprocessing.records.metadata import INFO_FILE
from preprocessing.storage import join, names_in


@dataclasses.dataclass(frozen=True)
class CacheKey:
    """What tells one cache from another.

    Attributes:
        dataset: name of the data set, with a configuration behind a slash if it has one.
        version: of the data set.
        size: side of the images in pixels.
        resampling: one of `choices.RESAMPLINGS`.
        store: one of `choices.STORES`.
    """

    dataset: str
    version: str
    size: int
    resampling: str
    store: str

    @property
    def name(self) -> str:
        """Name of the cache as a tfds data set."""
        return self.dataset.replace("/", "_") + "_resized"

    @property
    def config(self) -> str:
        """Its configuration: what `tfds.load` takes behind the slash."""
        return f"{self.size}_{self.resampling}_{self.store}"

    def folder(self, data_dir: str) -> str:
        """The folder of its records."""
        return join(data_dir, self.name, self.config, self.version)


def find_cache(
    data_dir: str, dataset: str, version: str, size: int, resampling: str, stores=STORES
) -> Optional[CacheKey]:
    """Finds the best cache of a data set.

    Args:
        data_dir: folder of tfds data sets.
        dataset, version, size, resampling: as in `CacheKey`.
        stores: which are wanted, the best first.

    Returns:
        The first that is there and whole, or None.
    """
    for store in stores:
        key = CacheKey(dataset, version, size, resampling, store)
        if tf.io.gfile.exists(join(key.folder(data_dir), INFO_FILE)):
            return key
    return None


def cached_versions(data_dir: str, dataset: str, size: int, resampling: str) -> list[str]:
    """The versions of a data set of which there is any cache, in alphabetical order."""
    found = set()
    for store in STORES:
        parent = CacheKey(dataset, "", size, resampling, store).folder(data_dir)
        if tf.io.gfile.isdir(parent):
            found.update(
                name
                for name in names_in(parent)
                if tf.io.gfile.exists(join(parent, name, INFO_FILE))
            )
    return sorted(found)
