"""The evaluation protocol: generated images against real ones, repeated, on any TensorFlow."""

import threading
from typing import Any, Callable, Optional

import numpy as np
import tensorflow as tf

from gan.config import INFERRED, ExperimentConfig
from gan.evaluation.eager_thread import eagerly
from gan.evaluation.feature_networks import MOST_IMAGES
from gan.evaluation.real_statistics import real_statistics, repeated
from gan.evaluation.record import figure_names, pipeline_warning, summarize
from gan.input_pipeline import evaluation_inputs
from gan.metrics.classifier_score import classifier_score
from gan.metrics.feature_network import FeatureNetwork, NetworkRunner
from gan.metrics.frechet_distance import frechet_distance
from gan.metrics.inception import Inception
from gan.metrics.kernel_distance import kernel_distance
from gan.real_images import count_split
from preprocessing.data_error import DataError
from preprocessing.sources.labelled_images import ImageSource

_MOST_PIXELS = 2**20  # generated at once: 64 images at 128 pixels; full size then fits in 4 GB


class Evaluation:
    """Judges checkpoints of one job, always in the same way.

    `eval_images` generated images are compared with the test split in stored
    order, repeated up to the same number, as published. Only the kernel distance
    takes each real image once, because repeated ones bias it.

    Args:
        config: the job.
        source: the real images.
        network: gives features and logits.
        cache_dir: keeps the statistics of the real images.

    Attributes:
        names: the figures' plain names to their full ones.
        network: as given.
        conditions: what figures depend on and their names do not tell; in every record.
    """

    def __init__(
        self,
        config: ExperimentConfig,
        source: ImageSource,
        network: FeatureNetwork,
        cache_dir: str,
    ):
        data, images = config.data, config.evaluation.eval_images
        self._config = config
        self._interrupted = threading.Event()
        self.network = network
        self._run_network = NetworkRunner(network)
        self.conditions = {
            "dataset": data.dataset,
            "resampling": data.resampling,
            "sha256": network.sha256,
        }
        self.names = figure_names(network, data.test_split, images)
        self._real = real_statistics(
            network,
            source,
            data.test_split,
            images,
            cache_dir,
            # Running Inception over the training images takes longer than the evaluation.
            train_split=None if isinstance(network, Inception) else data.train_split,
            most_train_images=MOST_IMAGES,
        )

    def evaluate(
        self,
        load: Callable[[], tuple[Any, int]],
        repetitions: int,
        seconds: Optional[float] = None,
        images: Optional[int] = None,
    ) -> dict[str, Any]:
        """Judges a checkpoint.

        May be called while a TF1 graph is built or run in the calling thread: all
        work is then done in another one, where TensorFlow is eager.

        Args:
            load: gives the generator, as `generator([latents, labels], training=False)`
                is called, and its step; called where the work is done.
            repetitions: how often, each time from other latents and labels, which
                depend on nothing but the number of the repetition.
            seconds: of training up to this step, for the record.
            images: trained on up to this step, for the record; None if only the present
                batch size tells.

        Returns:
            The record; see `gan.evaluation.record`.

        Raises:
            MetricError: if the images are not finite.
        """

        def work():
            generator, step = load()
            generate = tf.function(lambda z, y: generator([z, y], training=False), autograph=False)
            figures = [self._figures(generate, r) for r in range(repetitions)]
            return self._record(step, figures, seconds, images)

        return eagerly(work, self._interrupted.set)

    def _figures(self, generate, repetition):
        """The figures of one repetition by their plain names."""
        config = self._config
        count = config.evaluation.eval_images
        latents, labels = evaluation_inputs(
            count, config.model.z_dim, config.model.num_classes, repetition
        )
        batches = self._images(generate, latents, labels)
        title = f"generated images, repetition {repetition + 1}"
        generated = self._run_network(batches, count, title)
        figures = {
            "frechet_distance": frechet_distance(
                repeated(self._real.features, count), generated.features
            ),
            "kernel_distance": kernel_distance(self._real.features, generated.features),
            "classifier_score": classifier_score(generated.logits),
        }
        if self.network.knows_labels:
            right = np.argmax(generated.logits, axis=1) == labels
            figures["class_accuracy"] = float(np.mean(right))
        return figures

    def _images(self, generate, latents, labels):
        pixels = self._config.model.image_size**2
        size = max(1, min(self._config.evaluation.eval_batch_size, _MOST_PIXELS // pixels))
        for first in range(0, len(latents), size):
            if self._interrupted.is_set():
                raise KeyboardInterrupt  # Nobody waits for the figures.
            batch = slice(first, first + size)
            yield generate(tf.constant(latents[batch]), tf.constant(labels[batch])).numpy()

    def _record(self, step, repetitions, seconds, images):
        config, data = self._config, self._config.data
        # Nothing tells the batch size of an authors' checkpoint without preset.
        if images is None and config.preset != INFERRED:
            images = step * config.training.batch_size
        record = {
            "step": step,
            "images": images,
            **self.conditions,
            "seconds": None if seconds is None else round(seconds, 1),
            "repetitions": len(repetitions),
            "evaluated_images": config.evaluation.eval_images,
            **summarize(self.names, repetitions),
            "classifier_score_of_real_images": self._real.score,
        }
        if self._real.distance is not None:
            record["frechet_distance_of_real_images"] = self._real.distance
        if self.network.knows_labels:
            record["judge_accuracy"] = self.network.accuracy
        warning = pipeline_warning(
            self.network,
            data.dataset,
            data.test_split,
            config.model.image_size,
            config.evaluation.eval_images,
            self._real.score,
        )
        return {**record, "warning": warning} if warning else record


def check_real_images(config: ExperimentConfig, source: ImageSource, for_judge: bool):
    """Checks before any work that there are real images to compare with.

    Args:
        config: the job.
        source: the real images.
        for_judge: whether a judge is to be trained, on the training split.

    Raises:
        DataError: if there is no such split, only rounded images of it, or fewer than two.
    """
    source.check_exact()
    split = config.data.test_split
    if (count := count_split(source, "test_split", split)) < 2:
        raise DataError(
            f"Data set {source.name!r}: split {split!r} has {count} images; "
            "an evaluation needs 2 or more."
        )
    if for_judge:
        count_split(source, "train_split", config.data.train_split)
