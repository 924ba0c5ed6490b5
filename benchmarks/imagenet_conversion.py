"""ImageNet converted, against tfds: python -m benchmarks.imagenet_conversion --help.

One process, one run: synthetic photos in tars like ILSVRC2012's are converted by tfds and by
`preprocessing.imagenet`, in turns; the medians of images per second are printed with their
ratio to tfds. tfds shuffles through files on disk, as it must with all of ImageNet.
"""

import argparse
import contextlib
import functools
import io
import json
import os
import shutil
import statistics
import tarfile
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# Before this much, tfds shuffles in memory: by default 1 GB, a hundredth of ImageNet.
_TFDS_MEMORY_BYTES = 10 << 20
_TFDS = "tfds's builder"


def write_tars(folder, classes, per_class, validation):
    """Writes ILSVRC2012's two tars with synthetic photos; returns the number of images."""
    from benchmarks.synthetic_photos import synthetic_photos
    from preprocessing.class_names import class_names

    photos = synthetic_photos(100)
    names = class_names("imagenet2012", 1000)

    def add(archive, name, content):
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))

    with tarfile.open(os.path.join(folder, "ILSVRC2012_img_train.tar"), "w") as train:
        for label in range(classes):
            wordnet_id = names.wordnet_id(label)
            buffer = io.BytesIO()
            with tarfile.open(fileobj=buffer, mode="w") as images:
                for number in range(per_class):
                    photo = photos[(label + number) % len(photos)]
                    add(images, f"{wordnet_id}_{number}.JPEG", photo)
            add(train, f"{wordnet_id}.tar", buffer.getvalue())
    with tarfile.open(os.path.join(folder, "ILSVRC2012_img_val.tar"), "w") as images:
        for number in range(validation):
            add(images, f"ILSVRC2012_val_{number + 1:08d}.JPEG", photos[number % len(photos)])
    return classes * per_class + validation


def convert_by_tfds(source, data_dir):
    import tensorflow_datasets as tfds
    from tensorflow_datasets.core import shuffle

    shuffle.MAX_MEM_BUFFER_SIZE = _TFDS_MEMORY_BYTES
    tfds.disable_progress_bar()
    config = tfds.download.DownloadConfig(manual_dir=source)
    tfds.builder("imagenet2012", data_dir=data_dir).download_and_prepare(download_config=config)


def convert_by_us(source, data_dir, processes, check, size=None, store="float32"):
    from preprocessing.ilsvrc.original_data_set import (
        imagenet_info,
        original_conversion,
        original_target,
    )
    from preprocessing.ilsvrc.source import find_source
    from preprocessing.ilsvrc.split_plans import plan_splits
    from preprocessing.records.conversion import convert, with_processes
    from preprocessing.resized.cache_plan import cache_conversion, cache_key, cache_target

    info, data_dir = imagenet_info(data_dir)
    listings = find_source(source).scan(allow_partial=True)
    if size:
        key = cache_key(info, size, "bilinear", store)
        conversion = cache_conversion(
            info,
            key,
            cache_target(key, data_dir),
            lambda encoder: plan_splits(listings, key.name, encoder, False, {}),
        )
    else:
        target = original_target(info, data_dir)
        conversion = original_conversion(info, target, listings, check, False)
    convert(conversion, with_processes(processes))


def main():
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.imagenet_conversion",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--classes", type=int, default=40, help="default: 40")
    parser.add_argument("--per_class", type=int, default=100, help="images (default: 100)")
    parser.add_argument("--validation", type=int, default=200, help="images (default: 200)")
    parser.add_argument("--rounds", type=int, default=3, help="default: 3")
    parser.add_argument("--json", action="store_true", help="print figures as JSON")
    arguments = parser.parse_args()

    ways = {_TFDS: convert_by_tfds}
    for processes in (1, 2):
        plural = "process" if processes == 1 else "processes"
        for words, settings in (
            ("every image decoded", {"check": True}),
            ("--no_decode_check", {"check": False}),
            ("--size=128", {"check": True, "size": 128}),
        ):
            ways[f"{processes} {plural}, {words}"] = functools.partial(
                convert_by_us, processes=processes, **settings
            )
    seconds = {name: [] for name in ways}
    with tempfile.TemporaryDirectory() as folder:
        source = os.path.join(folder, "source")
        os.mkdir(source)
        tars = (arguments.classes, arguments.per_class, arguments.validation)
        images = write_tars(source, *tars)
        convert_by_us(source, os.path.join(folder, "warm"), 2, True)  # Starts the workers' parent.
        for _ in range(arguments.rounds):
            for name, convert in ways.items():
                data_dir = os.path.join(folder, "data")
                started = time.perf_counter()
                with contextlib.redirect_stdout(io.StringIO()):
                    convert(source, data_dir)
                seconds[name].append(time.perf_counter() - started)
                shutil.rmtree(data_dir)
    rates = {name: images / statistics.median(taken) for name, taken in seconds.items()}
    if arguments.json:
        print(json.dumps({"images": images, "images_per_second": rates}))
        return
    print(f"{images:,} images, {arguments.rounds} rounds\n")
    print(f"| conversion | images/s | against tfds |\n|{'---|' * 3}")
    for name, rate in rates.items():
        print(f"| {name} | {rate:,.0f} | {rate / rates[_TFDS]:.2f} |")


if __name__ == "__main__":
    main()
