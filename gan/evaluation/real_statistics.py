"""What is measured of the real images: once, and kept in the cache folder."""

import dataclasses
import hashlib
import io
import json
import os
import re
import sys
import zipfile
import zlib
from typing import Optional

import numpy as np

from gan.atomic_file import write_atomically
from gan.metrics.classifier_score import classifier_score
from gan.metrics.feature_network import FeatureNetwork, NetworkRunner
from gan.metrics.frechet_distance import frechet_distance
from preprocessing.sources.labelled_images import ImageSource

_VERSION = 1  # of the file; to be raised when the same key comes to mean other numbers
_FIRST_IMAGES = 16
_LONGEST_NAME = 60  # of a data set in a file name


@dataclasses.dataclass(frozen=True)
class RealStatistics:
    """What generated images are compared with.

    Attributes:
        features: float32 `[images, values]` of the split in stored order: each image once.
        score: classifier score of the real images.
        distance: Fréchet distance of training images to the split, which a perfect
            generator could hope for; None where it was not asked for.
    """

    features: np.ndarray
    score: float
    distance: Optional[float]


def real_statistics(
    network: FeatureNetwork,
    source: ImageSource,
    split: str,
    count: int,
    cache_dir: str,
    train_split: Optional[str] = None,
    most_train_images: int = 20_000,
) -> RealStatistics:
    """Reads the statistics from the cache, or computes and keeps them.

    The file's name and content tell data set, split, sizes, counts, the first
    images themselves (another preprocessing, or another data set of the same
    name, is another file) and the network's weights.

    Args:
        network: gives features and logits.
        source: the real images.
        split: which of them.
        count: images that score and distance are computed of: the split in stored
            order, repeated up to as many.
        cache_dir: the cache folder.
        train_split: the split whose distance is measured; None for no distance.
        most_train_images: of that split that are looked at.
    """
    key = _key(network, source, split, count, train_split, most_train_images)
    path = _path(key, cache_dir)
    statistics = _read(path, key)
    if statistics is None:
        statistics = _compute(network, source, split, count, train_split, most_train_images)
        _write(path, key, statistics)
    return statistics


def repeated(rows: np.ndarray, count: int) -> np.ndarray:
    """The rows in their order, repeated from the start until there are `count`."""
    return rows[np.arange(count) % len(rows)]


def _compute(network, source, split, count, train_split, most_train_images):
    run = NetworkRunner(network)
    real = _activations(run, network.most_images, source, split, count)
    distance = None
    if train_split is not None:
        train = _activations(
            run, network.most_images, source, train_split, most_train_images
        ).features
        order = np.random.RandomState(0).permutation(len(train))
        distance = frechet_distance(train[repeated(order, count)], repeated(real.features, count))
    return RealStatistics(real.features, classifier_score(repeated(real.logits, count)), distance)


def _activations(run, at_once, source, split, most):
    count = min(most, source.count(split))
    batches = source.split(split).take(count).batch(at_once).as_numpy_iterator()
    with source.reading():
        return run((batch["images"] for batch in batches), count, f"real images of {split}")


def _key(network, source, split, count, train_split, most_train_images):
    with source.reading():
        examples = list(source.split(split).take(_FIRST_IMAGES).as_numpy_iterator())
    first = np.stack([example["images"] for example in examples])
    train = [train_split, source.count(train_split), most_train_images] if train_split else None
    return {
        "version": _VERSION,
        "dataset": source.name,
        "split": split,
        "split_images": source.count(split),
        "images": count,
        "image_shape": list(first.shape[1:]),
        "first_images_sha256": hashlib.sha256(first.tobytes()).hexdigest(),
        "train": train,
        "network": network.conditions,
        "network_sha256": network.sha256,
    }


def _path(key, cache_dir):
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
    size = key["image_shape"][0]
    dataset = key["dataset"][-_LONGEST_NAME:]
    words = (dataset, key["split"], f"{size}px", key["network"], digest[:16])
    name = re.sub(r"[^\w.-]", "-", "_".join(words))
    return os.path.join(cache_dir, "real_statistics", f"{name}.npz")


def _read(path, key):
    """The statistics in a file; None if there is none, or it is damaged."""
    if not os.path.exists(path):
        return None
    try:
        with open(path, "rb") as file, np.load(file) as arrays:
            if json.loads(str(arrays["key"])) != key:
                raise ValueError("it is of something else")
            features, score, distance = (arrays[n] for n in ("features", "score", "distance"))
            expected = min(key["images"], key["split_images"])
            if features.ndim != 2 or len(features) != expected or not np.isfinite(features).all():
                raise ValueError("its features are not as they were written")
            score, distance = float(score), float(distance)
            return RealStatistics(features, score, None if np.isnan(distance) else distance)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        print(f"{path} is damaged ({error}): computing it again.", file=sys.stderr)
        return None


def _write(path, key, statistics):
    buffer = io.BytesIO()
    distance = np.nan if statistics.distance is None else statistics.distance
    np.savez(
        buffer,
        key=json.dumps(key),
        features=statistics.features,
        score=statistics.score,
        distance=distance,
    )
    try:
        write_atomically(path, buffer.getvalue())
    except OSError as error:  # It only saves time.
        print(
            f"{path}: cannot be written ({error.strerror}); the statistics of the real images are "
            "not kept.",
            file=sys.stderr,
        )
