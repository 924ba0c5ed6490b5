"""Which network judges the images of a job: the small judge, or Inception."""

import hashlib
import json
import os
from typing import Optional

import numpy as np

from gan.config import DataConfig, ExperimentConfig
from gan.evaluation.figure_text import number
from gan.metrics.feature_network import FeatureNetwork
from gan.metrics.inception import HANDLE, Inception
from gan.metrics.judge import Judge, train_judge
from preprocessing.sources.labelled_images import ImageSource

LARGEST_JUDGED_IMAGE = 32  # pixels; a small classifier says nothing about photographs
MOST_IMAGES = 20_000  # that the judge is trained on, or tested with
_LONGEST_NAME = 60  # of a data set in a file name


def open_inception(config: ExperimentConfig) -> Optional[Inception]:
    """Loads Inception if it judges this job; None if the small judge does.

    Inception judges images of more than 32 pixels, and smaller ones where
    `--inception` is given.

    Raises:
        InceptionError: if it cannot be had.
    """
    given = config.evaluation.inception
    if given or config.model.image_size > LARGEST_JUDGED_IMAGE:
        return Inception(given or HANDLE)
    return None


def open_judge(config: ExperimentConfig, source: ImageSource, path: str) -> Judge:
    """Loads the judge, or trains it and writes it.

    Args:
        config: the job.
        source: the real images.
        path: its file.

    Raises:
        JudgeError: if the stored judge is damaged.
    """
    model, data = config.model, config.data
    if os.path.exists(path):
        judge = Judge.load(path)
        if judge.fits(model.image_size, model.image_channels, model.num_classes):
            return judge
    with source.reading():
        train, test = (_arrays(source.split(s)) for s in (data.train_split, data.test_split))
    judge = train_judge(*train, *test, model.num_classes)
    judge.save(path)
    return judge


def shared_judge_path(config: ExperimentConfig, cache_dir: str) -> str:
    """The file of a judge that belongs to no run: one for each data set and image size."""
    model, data = config.model, config.data
    splits = f"{data.train_split}_{data.test_split}"
    shape = f"{model.image_size}x{model.image_size}x{model.image_channels}"
    dataset = data.dataset[-_LONGEST_NAME:]
    name = f"{dataset}_{splits}_{shape}_{model.num_classes}_classes"
    if data.resampling != DataConfig.resampling:
        name += f"_{data.resampling}"
    folder = data.dataset if os.path.isdir(data.dataset) else data.data_dir
    if folder:  # Another folder may hold other images of the same name.
        identity = os.fsencode(os.path.abspath(folder))
        if folder == data.dataset and config.found.class_names:  # It may have had other classes.
            identity += json.dumps(config.found.class_names).encode()
        name += "_" + hashlib.sha256(identity).hexdigest()[:8]
    name += ".npz"
    return os.path.join(cache_dir, "judges", name.replace(os.sep, "_"))


def describe_network(network: FeatureNetwork) -> str:
    """One line for a person: what judges, and exactly which weights."""
    if isinstance(network, Inception):
        return f"Judged by Inception from {network.folder}, SHA-256 {network.sha256}"
    return (
        f"Judged by a small classifier ({number(network.accuracy, percent=True)} of held-out real "
        f"images right), SHA-256 {network.sha256}"
    )


def _arrays(dataset):
    """Images and labels of a data set in memory, the first ones of a large set."""
    batches = list(dataset.take(MOST_IMAGES).batch(1000).as_numpy_iterator())
    return tuple(np.concatenate([batch[key] for batch in batches]) for key in ("images", "labels"))
