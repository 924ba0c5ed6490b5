"""Prepared data sets as tests want them: any records in any shards, with tfds's metadata."""

import functools

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from preprocessing.ilsvrc import challenge
from preprocessing.records.metadata import write_metadata
from preprocessing.records.order import shard_name
from preprocessing.records.shard import ShardResult

IMAGENET = "imagenet2012"


def imagenet_features(image=None):
    """ImageNet's features, or those of its cache with another image."""
    return {
        "image": image or tfds.features.Image(encoding_format="jpeg"),
        "label": tfds.features.ClassLabel(num_classes=challenge.NUM_CLASSES),
        "file_name": tfds.features.Text(),
    }


def write_data_set(data_dir, splits, name=IMAGENET, version="5.1.0", features=None):
    """Writes a data set.

    Args:
        data_dir: folder of tfds data sets.
        splits: split name to its shards, each a list of records.
        name: of the data set, with a configuration behind a slash if it has one.
        version: of it.
        features: by name; None for ImageNet's.

    Returns:
        Its folder, a `pathlib.Path`.
    """
    folder = data_dir / name / version
    folder.mkdir(parents=True)
    name, _, config = name.partition("/")
    info = tfds.core.DatasetInfo(
        builder=tfds.core.dataset_info.DatasetIdentity(
            name=name,
            version=tfds.core.Version(version),
            data_dir=str(folder),
            module_name="",
            config_name=config or None,
        ),
        features=tfds.features.FeaturesDict(features or imagenet_features()),
    )
    info.set_file_format("tfrecord")
    results = {}
    for split, shards in splits.items():
        results[split] = []
        for index, records in enumerate(shards):
            path = folder / shard_name(name, split, index, len(shards))
            with tf.io.TFRecordWriter(str(path)) as writer:
                for record in records:
                    writer.write(record)
            size = sum(map(len, records))
            results[split].append(ShardResult(len(records), size, path.stat().st_size))
    write_metadata(str(folder), info, results)
    return folder


def record(**values):
    """A serialized `tf.train.Example` of bytes, integers, or lists of floats."""
    features = {}
    for key, value in values.items():
        if isinstance(value, bytes):
            feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
        elif isinstance(value, int):
            feature = tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
        else:
            feature = tf.train.Feature(float_list=tf.train.FloatList(value=value))
        features[key] = feature
    example = tf.train.Example(features=tf.train.Features(feature=features))
    return example.SerializeToString(deterministic=True)


@functools.lru_cache(maxsize=64)
def jpeg(seed=0, height=20, width=24, channels=3):
    """A small JPEG, each seed another."""
    pixels = np.random.default_rng(seed).integers(0, 256, [height, width, channels], np.uint8)
    return tf.io.encode_jpeg(pixels).numpy()


def train_record(label, number, image=None):
    """A right record of ImageNet's train split."""
    name = f"{challenge.wordnet_ids()[label]}_{number}.JPEG"
    return record(image=image or jpeg(number % 16), label=label, file_name=name.encode())


def validation_record(number, label=None, name="ILSVRC2012_val_{:08d}.JPEG"):
    """A right record of the validation split, unless another label or name is given."""
    label = int(challenge.validation_labels()[number - 1]) if label is None else label
    return record(image=jpeg(number % 16), label=label, file_name=name.format(number).encode())
