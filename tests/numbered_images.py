"""Small data sets in which the label is the image's number: every one can be told apart."""

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from prepared_records import write_data_set

from preprocessing.records.conversion import convert, write_and_note
from preprocessing.resized.cache_plan import (
    cache_conversion,
    cache_key,
    cache_target,
    plan_stored_splits,
)
from preprocessing.sources.tfds_source import open_prepared

NAME = "numbered"
SHARDS = {"train": (5, 4, 2), "test": (3, 2)}
TRAIN, TEST = (sum(SHARDS[split]) for split in ("train", "test"))
SIZE = 16


def picture(number, channels=3):
    """A PNG of soft random colours, 20 to 40 pixels high and wide."""
    random = np.random.RandomState(number)
    colours = random.randint(0, 256, [5, 5, channels])
    pixels = tf.image.resize(colours, random.randint(20, 41, 2))
    return tf.io.encode_png(tf.cast(pixels, tf.uint8)).numpy()


def record(number, image):
    """A serialized example."""
    example = tf.train.Example()
    feature = example.features.feature
    feature["image"].bytes_list.value.append(image)
    feature["label"].int64_list.value.append(number)
    feature["file_name"].bytes_list.value.append(b"image %d" % number)
    return example.SerializeToString()


def write_numbered(data_dir, channels=3, damaged=None, version="1.0.0"):
    """Writes the data set `NAME`; returns its folder.

    Args:
        data_dir: folder of data sets, a `pathlib.Path`.
        channels: of its images.
        damaged: number of an image of the training split that is none.
        version: of the data set.
    """
    splits = {}
    for split, lengths in SHARDS.items():
        numbers = iter(range(sum(lengths)))
        splits[split] = [
            [
                record(n, b"no image" if (split, n) == ("train", damaged) else picture(n, channels))
                for n in (next(numbers) for _ in range(length))
            ]
            for length in lengths
        ]
    features = {
        "image": tfds.features.Image(shape=(None, None, channels)),
        "label": tfds.features.ClassLabel(num_classes=TRAIN),
        "file_name": tfds.features.Text(),
    }
    return write_data_set(data_dir, splits, NAME, version, features)


def write_cache(data_dir, size=SIZE, resampling="bilinear", store="float32", skip=0):
    """Makes the cache of `NAME` as `preprocessing.resize` does, in this process; its folder."""

    def engine(tasks, target, progress):
        for index, task in enumerate(tasks):
            yield index, write_and_note(task, progress, target)

    info, root = open_prepared(NAME, str(data_dir))
    key = cache_key(info, size, resampling, store)
    conversion = cache_conversion(
        info,
        key,
        cache_target(key, root),
        lambda encoder: plan_stored_splits(info, key, encoder, skip > 0),
    )
    convert(conversion, engine, skip)
    return key.folder(root)
