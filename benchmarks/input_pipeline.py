"""Reading training images, against tfds: python -m benchmarks.input_pipeline --help.

One process, one run: synthetic photos, stored as tfds stores ImageNet, come as shuffled batches
of 128 pixels through tfds's own reading, through ours, and from caches of resized images, all in
turns. What counts is processor time: where the images lie in memory already, as here, it decides
the rate. With --stream=N, instead, N images go by, and the memory is printed that it took.
"""

import argparse
import dataclasses
import functools
import json
import os
import resource
import statistics
import tempfile
import time

from preprocessing.choices import STORES

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

_NAME, _CLASSES = "photos", 1000
_SHARDS = 4
_BUFFER = 256  # records held for shuffling
_TFDS = "tfds, original size"
_WARM_UP = 3  # batches
_TIMES_IN_AN_EPOCH = 32  # that every image comes
_STREAM_SIDE = 64  # pixels


def write_photos(data_dir, photos, count, version="1.0.0"):
    """Writes a data set with ImageNet's features; returns its `tfds.core.DatasetInfo`.

    Args:
        data_dir: folder of tfds data sets.
        photos: JPEG files as bytes, taken in turns.
        count: number of records.
        version: of the data set.
    """
    import tensorflow as tf
    import tensorflow_datasets as tfds

    from preprocessing.ilsvrc.original_record import OriginalEncoder
    from preprocessing.records.metadata import write_metadata
    from preprocessing.records.order import shard_name
    from preprocessing.records.shard import ShardResult

    folder = os.path.join(data_dir, _NAME, version)
    os.makedirs(folder)
    encoder, results = OriginalEncoder(check=False), []
    for shard in range(_SHARDS):
        numbers = range(shard, count, _SHARDS)
        path = os.path.join(folder, shard_name(_NAME, "train", shard, _SHARDS))
        size = 0
        with tf.io.TFRecordWriter(path) as writer:
            for n in numbers:
                record = encoder.encode_image(photos[n % len(photos)], n % _CLASSES, f"{n}.JPEG")
                writer.write(record)
                size += len(record)
        results.append(ShardResult(len(numbers), size, os.path.getsize(path)))
    info = tfds.core.DatasetInfo(
        builder=tfds.core.dataset_info.DatasetIdentity(
            name=_NAME, version=tfds.core.Version(version), data_dir=folder, module_name=""
        ),
        features=tfds.features.FeaturesDict(
            {
                "image": tfds.features.Image(encoding_format="jpeg"),
                "label": tfds.features.ClassLabel(num_classes=_CLASSES),
                "file_name": tfds.features.Text(),
            }
        ),
    )
    info.set_file_format("tfrecord")
    write_metadata(folder, info, {"train": results})
    return info


def write_cache(data_dir, info, size, store):
    """Makes a cache of resized images; returns the bytes of its files."""
    from preprocessing.records.conversion import convert, write_and_note
    from preprocessing.resized.cache_plan import (
        cache_conversion,
        cache_key,
        cache_target,
        plan_stored_splits,
    )

    def engine(tasks, target, progress):
        for index, task in enumerate(tasks):
            yield index, write_and_note(task, progress, target)

    key = cache_key(info, size, "bilinear", store)
    plan = functools.partial(plan_stored_splits, info, key, skip=False)
    target = cache_target(key, data_dir)
    outcome = convert(
        cache_conversion(info, key, target, lambda encoder: plan(encoder=encoder)), engine
    )
    return sum(shard.file_bytes for shard in outcome.splits["train"])


def batches_by_tfds(data_dir, size, batch):
    """What one would write with tfds: shuffled files, decoded, cropped, batched."""
    import tensorflow as tf
    import tensorflow_datasets as tfds

    from preprocessing.central_crop import crop_and_resize

    def to_input(example):
        return crop_and_resize(example["image"], size), example["label"]

    images = tfds.load(_NAME, split="train", data_dir=data_dir, shuffle_files=True)
    images = images.repeat().map(to_input, num_parallel_calls=tf.data.AUTOTUNE)
    return images.batch(batch, drop_remainder=True).prefetch(tf.data.AUTOTUNE)


def batches_by_us(data_dir, size, batch, buffer=_BUFFER, resized="auto"):
    """The batches of `gan.train`."""
    import tensorflow as tf

    from preprocessing.image_source import open_images
    from preprocessing.sources.record_files import RecordFiles

    source = open_images(_NAME, size, 3, _CLASSES, data_dir, resized=resized)
    examples = source.examples("train", True)
    # As many files as a large data set has: at an epoch's end the shuffle buffer is filled anew.
    many = RecordFiles(examples.records.pieces * _TIMES_IN_AN_EPOCH)
    examples = dataclasses.replace(examples, records=many)
    return examples.shuffled_batches(batch, buffer, 0).prefetch(tf.data.AUTOTUNE)


def measure(dataset, batch, seconds):
    """Images per second, and processor seconds per image, of a fresh iterator."""
    iterator = iter(dataset)
    for _ in range(_WARM_UP):
        next(iterator)
    images, wall, cpu = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - wall < seconds:
        next(iterator)
        images += batch
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return images / wall, cpu / images


def compare(arguments, data_dir):
    """One row per way of reading."""
    from benchmarks.synthetic_photos import synthetic_photos

    photos = synthetic_photos(min(arguments.distinct, arguments.images))
    info = write_photos(data_dir, photos, arguments.images)
    sizes = {_TFDS: info.splits["train"].num_bytes, "ours, original size": None}
    sizes["ours, original size"] = sizes[_TFDS]
    what = (arguments.size, arguments.batch)
    ways = {
        _TFDS: batches_by_tfds(data_dir, *what),
        "ours, original size": batches_by_us(data_dir, *what, resized="never"),
    }
    for store in reversed(STORES):  # Training takes the best there is: that made last.
        sizes[f"cache, {store}"] = write_cache(data_dir, info, arguments.size, store)
        ways[f"cache, {store}"] = batches_by_us(data_dir, *what)
    rates = {name: [] for name in ways}
    for _ in range(arguments.rounds):
        for name, dataset in ways.items():
            rates[name].append(measure(dataset, arguments.batch, arguments.seconds))
    rows = []
    for name, measured in rates.items():
        rate, cpu = (statistics.median(values) for values in zip(*measured))
        rows.append(
            {
                "images from": name,
                "images/s": round(rate),
                "CPU µs per image": round(1e6 * cpu),
                "KiB per image": round(sizes[name] / arguments.images / 1024, 1),
                # Of each round: what else the machine does then slows both.
                "images per CPU second, of tfds's": round(
                    statistics.median(t[1] / m[1] for t, m in zip(rates[_TFDS], measured)), 1
                ),
            }
        )
    return rows


def stream(arguments, data_dir):
    """Memory while many images go by: one row a quarter."""
    from tensorflow import io

    from benchmarks.synthetic_photos import synthetic_photos

    small = [
        io.encode_jpeg(io.decode_jpeg(photo)[:_STREAM_SIDE, :_STREAM_SIDE]).numpy()
        for photo in synthetic_photos(50)
    ]
    write_photos(data_dir, small, min(arguments.stream, 20_000))
    batches = iter(batches_by_us(data_dir, arguments.size, arguments.batch))
    rows, images, started = [], 0, time.perf_counter()
    for quarter in range(5):
        while images < max(arguments.stream * quarter // 4, _WARM_UP * arguments.batch):
            next(batches)
            images += arguments.batch
        rows.append(
            {
                "images": images,
                "seconds": round(time.perf_counter() - started, 1),
                "peak memory, MB": round(
                    resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3  # Linux: KiB.
                ),
            }
        )
    return rows


def print_table(rows):
    """Rows of equal keys as a Markdown table."""
    print("| " + " | ".join(rows[0]) + " |")
    print("|" + "---|" * len(rows[0]))
    for row in rows:
        print(
            "| "
            + " | ".join(
                f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row.values()
            )
            + " |"
        )


def main(argv=None):
    """Measures, prints and returns the rows."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.input_pipeline",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--size", type=int, default=128, help="pixels (default: 128)")
    parser.add_argument("--batch", type=int, default=64, help="images per batch (default: 64)")
    parser.add_argument("--images", type=int, default=2048, help="of the data set (default: 2048)")
    parser.add_argument("--distinct", type=int, default=300, help="photos (default: 300)")
    parser.add_argument("--rounds", type=int, default=5, help="default: 5")
    parser.add_argument("--seconds", type=float, default=4.0, help="of each round (default: 4)")
    parser.add_argument("--stream", type=int, help="images to go by, instead")
    parser.add_argument("--json", action="store_true", help="print figures as JSON")
    arguments = parser.parse_args(argv)

    import tensorflow as tf

    with tempfile.TemporaryDirectory() as data_dir:
        rows = (stream if arguments.stream else compare)(arguments, data_dir)
    if arguments.json:
        print(json.dumps(rows, indent=1, ensure_ascii=False))
    else:
        print(
            f"TensorFlow {tf.__version__}, {os.cpu_count()} cores; {arguments.size} pixels, "
            f"batch {arguments.batch}\n"
        )
        print_table(rows)
    return rows


if __name__ == "__main__":
    main()
