"""From a data set of tfds to its cache of resized images, shard by shard."""

import dataclasses
import hashlib
import os
from typing import Callable

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError

from preprocessing.data_error import DataError
from preprocessing.records.conversion import Conversion, SplitPlan
from preprocessing.records.order import shard_name
from preprocessing.records.shard import ShardTask
from preprocessing.records.target import Target
from preprocessing.resized.encoding import Encoder
from preprocessing.resized.layout import CacheKey
from preprocessing.resized.metadata import cache_info

_VERIFY = "Run python -m preprocessing.verify for all that is wrong"
_NAME_LENGTH = 28  # bytes, of ImageNet's longest; only expected sizes depend on it


@dataclasses.dataclass(frozen=True)
class StoredImages:
    """The images of one shard of a data set.

    Attributes:
        path: of the TFRecord file.
        count: its number of records.
        digest: its length, which is another where the file was made anew.
    """

    path: str
    count: int
    digest: str

    def __len__(self):
        return self.count

    def read(self):
        """Yields name (or record's number), label and encoded image, in stored order.

        Raises:
            DataError: if the file is damaged or has another number of records.
        """
        number = 0
        try:
            for record in tf.data.TFRecordDataset(self.path).as_numpy_iterator():
                feature = tf.train.Example.FromString(record).features.feature
                names = feature["file_name"].bytes_list.value
                name = names[0].decode() if names else f"{self.path}, record {number}"
                yield (
                    name,
                    feature["label"].int64_list.value[0],
                    feature["image"].bytes_list.value[0],
                )
                number += 1
        except (tf.errors.DataLossError, DecodeError, ValueError) as error:
            raise DataError(f"{self.path}: record {number} is damaged. {_VERIFY}") from error
        if number != self.count:
            raise DataError(
                f"{self.path} has {number} records, and its dataset_info.json says {self.count}. "
                f"{_VERIFY}"
            )


def cache_key(source_info, size: int, resampling: str, store: str) -> CacheKey:
    """The key of a data set's cache, by its `tfds.core.DatasetInfo`."""
    name = source_info.full_name.rsplit("/", 1)[0]
    return CacheKey(name, str(source_info.version), size, resampling, store)


def cache_target(key: CacheKey, data_dir: str) -> Target:
    """Where a cache is written."""
    return Target(data_dir, f"{key.name}/{key.config}", key.version)


def cache_conversion(
    source_info, key: CacheKey, target: Target, plan_splits: Callable[[Encoder], dict]
) -> Conversion:
    """The cache of a data set, wherever the images come from.

    Args:
        source_info: `tfds.core.DatasetInfo` of the data set.
        key, target: of the cache.
        plan_splits: from the encoder to the plan of each split.
    """
    features = source_info.features
    channels, with_names = features["image"].shape[-1], "file_name" in features
    encoder = Encoder(key.size, key.resampling, key.store, channels, with_names)
    return Conversion(
        target,
        lambda: cache_info(key, source_info, target.data_dir),
        plan_splits(encoder),
        settings={"quality": encoder.quality} if key.store == "jpeg" else {},
    )


def plan_stored_splits(
    source_info, key: CacheKey, encoder: Encoder, skip: bool
) -> dict[str, SplitPlan]:
    """Plans a cache with the splits, the shards and the order of a prepared data set.

    Args:
        source_info: `tfds.core.DatasetInfo` of the data set.
        key: of the cache.
        encoder: makes its records.
        skip: whether to leave out what is no image.
    """
    return {
        split: _plan_split(key.name, split, info, encoder, skip)
        for split, info in source_info.splits.items()
    }


def _plan_split(name, split, info, encoder, skip):
    lengths = info.shard_lengths
    names = np.full(info.num_examples, b"x" * _NAME_LENGTH)
    sizes = encoder.record_sizes(names, np.zeros(len(names), np.int64), np.zeros(len(names)))
    tasks = [
        ShardTask(
            shard_name(name, split, index, len(lengths)),
            StoredImages(os.fspath(path), length, str(_length(os.fspath(path)))),
            encoder,
            skip,
        )
        for index, (path, length) in enumerate(zip(info.filepaths, lengths))
    ]
    digest = hashlib.sha256(repr(lengths).encode())
    return SplitPlan(tasks, int(sizes.sum()), digest.hexdigest()[:16])


def _length(path):
    try:
        return tf.io.gfile.stat(path).length
    except tf.errors.NotFoundError as error:
        raise DataError(f"{path} is missing. {_VERIFY}.") from error
