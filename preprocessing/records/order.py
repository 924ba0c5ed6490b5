"""Which image comes where: the order of a split and its shards, as tfds has them."""

from collections.abc import Sequence

import numpy as np

from preprocessing.data_error import DataError

_FRAME = 16  # bytes of a record that are length and checksums


def shuffled_order(names: Sequence[bytes], split: str) -> np.ndarray:
    """The order in which tfds stores the examples of a split: by a hash of their keys.

    Args:
        names: the key of each image.
        split: name of the split, by which the hash is salted.

    Returns:
        int64 `[count]`: the indices of the names in stored order.

    Raises:
        DataError: if two images have the same name.
    """
    from tensorflow_datasets.core.hashing import Hasher  # tfds takes long to import.

    hasher = Hasher(split)
    keys = [hasher.hash_key(name).to_bytes(16, "big") for name in names]
    order = np.argsort(np.array(keys, dtype="V16").view("S16"), kind="stable")
    for first, second in zip(order[:-1], order[1:]):
        if keys[first] == keys[second]:
            raise DataError(f"{split}: two images have the name {names[first].decode()}.")
    return order


def shard_count(num_images: int, record_bytes: int) -> int:
    """The number of shards that tfds gives a split.

    Args:
        num_images: images of the split, at least 1.
        record_bytes: summed length of its records.
    """
    from tensorflow_datasets.core.utils import shard_utils

    return shard_utils.ShardConfig().get_number_shards(record_bytes, num_images)


def shard_slices(num_images: int, num_shards: int) -> list[slice]:
    """Cuts a split into shards as tfds does."""
    from tensorflow_datasets.core.utils import shard_utils

    ends = shard_utils.get_shard_boundaries(num_images, num_shards)
    return [slice(start, end) for start, end in zip([0, *ends[:-1]], ends)]


def file_bytes(num_records: int, record_bytes: int) -> int:
    """Length of a TFRecord file."""
    return record_bytes + _FRAME * num_records


def shard_name(dataset: str, split: str, index: int, num_shards: int) -> str:
    """File name of a shard, as tfds has it."""
    return f"{dataset}-{split}.tfrecord-{index:05d}-of-{num_shards:05d}"
