"""A cache of resized images as a data set of tfds: its features and its description."""

import os

import numpy as np

from preprocessing.resized.layout import CacheKey


def cache_features(size: int, channels: int, store: str, source_features):
    """The features of a cache.

    Args:
        size: side of the images in pixels.
        channels: of the images, as the source stores them: 1 or 3.
        store: one of `choices.STORES`.
        source_features: `tfds.features.FeaturesDict` of the data set.

    Returns:
        A dictionary: `image`, `label` as the source has it, and `file_name` if it has that.
    """
    import tensorflow_datasets as tfds  # Takes long to import.

    shape = (size, size, channels)
    if store == "jpeg":
        image = tfds.features.Image(shape=shape, encoding_format="jpeg")
    else:
        # As a list of numbers tfds would store integers of 64 bits.
        encoding = "none" if store == "float32" else "bytes"
        image = tfds.features.Tensor(shape=shape, dtype=np.dtype(store), encoding=encoding)
    kept = {n: source_features[n] for n in ("label", "file_name") if n in source_features}
    return {"image": image, **kept}


def cache_info(key: CacheKey, source_info, data_dir: str):
    """The description of a cache, still without splits.

    Args:
        key: of the cache.
        source_info: `tfds.core.DatasetInfo` of the data set that it is made of.
        data_dir: folder of tfds data sets.

    Returns:
        `tfds.core.DatasetInfo`.
    """
    import tensorflow_datasets as tfds
    from tensorflow_datasets.core.dataset_info import DatasetIdentity

    source = source_info.features
    info = tfds.core.DatasetInfo(
        builder=DatasetIdentity(
            name=key.name,
            version=tfds.core.Version(key.version),
            data_dir=os.fspath(key.folder(data_dir)),
            module_name="",
            config_name=key.config,
        ),
        description=f"{key.dataset} {key.version}: the largest central squares, {key.resampling}, "
        f"{key.size} pixels wide, stored as {key.store}.",
        features=tfds.features.FeaturesDict(
            cache_features(key.size, source["image"].shape[-1], key.store, source)
        ),
        citation=source_info.citation,
    )
    info.set_file_format("tfrecord")
    return info
