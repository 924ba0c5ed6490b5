"""The evaluation protocol of a run: judge, figures of one checkpoint, their record."""

import os
from typing import Any

import numpy as np

from gan import estimator_training
from gan.config import ConfigError, ExperimentConfig
from gan.metrics.judge import Judge, train_judge
from gan.run_folder import RunFolder
from preprocessing.image_source import ImageSource

_LARGEST_JUDGED_IMAGE = 32  # pixels; a small classifier says nothing about photographs
_MOST_IMAGES = 20_000  # that the judge is trained on, or tested with


class Evaluation:
    """Judges checkpoints of one run, always in the same way.

    Makes the judge if the run has none. Needs the TF-GAN stack.

    Args:
        config: the job.
        run: its folder.
        source: the real images.

    Attributes:
        judge: the classifier.
        real_distance: Fréchet distance of the test split to as many training
            images: what a perfect generator could hope for.

    Raises:
        ConfigError: for images that the small classifier cannot judge.
        JudgeError: if the stored judge is damaged.
    """

    def __init__(self, config: ExperimentConfig, run: RunFolder, source: ImageSource):
        check_can_judge(config)
        self._config = config
        self._run = run
        self._source = source
        train = _arrays(source.split(config.data.train_split))
        test = _arrays(source.split(config.data.test_split))
        self.judge = self._load_or_train_judge(train, test)
        self.real_distance = self._measure_real_distance(train[0], test[0])

    def evaluate(self, step: int, checkpoint_path: str, seconds: float) -> dict[str, Any]:
        """Judges a checkpoint and appends the figures to `metrics.jsonl`.

        Args:
            step: of the checkpoint.
            checkpoint_path: its path prefix.
            seconds: of training so far, for the record.

        Returns:
            The record.
        """
        record = {
            "step": step,
            "images": step * self._config.training.batch_size,
            "seconds": round(seconds, 1),
            **estimator_training.evaluate(
                self._config, self._run, self._source, self.judge, checkpoint_path
            ),
            "frechet_distance_of_real_images": self.real_distance,
            "judge_accuracy": self.judge.accuracy,
            "evaluated_images": self._config.evaluation.eval_images,
        }
        self._run.add_metrics(record)
        return record

    def _load_or_train_judge(self, train, test):
        model = self._config.model
        if os.path.exists(self._run.judge_path):
            judge = Judge.load(self._run.judge_path)
            if judge.fits(model.image_size, model.image_channels, model.num_classes):
                return judge
        judge = train_judge(*train, *test, model.num_classes)
        judge.save(self._run.judge_path)
        return judge

    def _measure_real_distance(self, train_images, test_images):
        # As many as are generated, and the test split repeated as it is for them.
        count = self._config.evaluation.eval_images
        train_order = np.random.RandomState(0).permutation(len(train_images))
        return estimator_training.frechet_distance(
            self.judge(train_images[np.resize(train_order, count)])[0],
            self.judge(test_images[np.resize(np.arange(len(test_images)), count)])[0],
        )


def check_can_judge(config: ExperimentConfig):
    """Raises ConfigError if there is no judge for the images of this job."""
    if config.model.image_size > _LARGEST_JUDGED_IMAGE:
        raise ConfigError(
            f"--image_size={config.model.image_size}: the judge is a small classifier for images "
            f"of at most {_LARGEST_JUDGED_IMAGE} pixels, and evaluation by Inception is not "
            "built yet. Train with --mode=train."
        )


def _arrays(dataset):
    """Images and labels of a data set in memory, the first ones of a large set."""
    batches = list(dataset.take(_MOST_IMAGES).batch(1000).as_numpy_iterator())
    return tuple(np.concatenate([batch[key] for batch in batches]) for key in ("images", "labels"))
