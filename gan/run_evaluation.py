"""The evaluations of one run's checkpoints: recorded, described, the best one kept."""

import time
from typing import Any, Optional

from checkpoints.checkpoint_files import CheckpointError, find_checkpoint, find_steps, verify
from checkpoints.loading import load_run
from gan.config import ExperimentConfig
from gan.evaluation.cache_folder import cache_folder
from gan.evaluation.feature_networks import describe_network, open_judge
from gan.evaluation.log import EvaluationLog
from gan.evaluation.protocol import Evaluation
from gan.evaluation.record import describe, find_record
from gan.metrics.inception import Inception
from gan.run_folder import RunFolder
from gan.training.best_checkpoint import keep_if_best
from preprocessing.sources.labelled_images import ImageSource

_LOOK_AGAIN_SECONDS = 2.0


class RunEvaluation:
    """Evaluates checkpoints of a run, and says which network judges them.

    Args:
        config: the job.
        run: its folder.
        source: the real images.
        inception: judges, if not None; else the run's small judge, trained if it is new.

    Attributes:
        names: of the figures; see `gan.evaluation.record.figure_names`.
    """

    def __init__(
        self,
        config: ExperimentConfig,
        run: RunFolder,
        source: ImageSource,
        inception: Optional[Inception],
    ):
        network = inception or open_judge(config, source, run.judge_path)
        print(describe_network(network), flush=True)
        self._run = run
        self._log = EvaluationLog(run.path)
        self._evaluation = Evaluation(config, source, network, cache_folder())
        self.names = self._evaluation.names

    def recorded(self, step: int, repetitions: int = 1) -> Optional[dict[str, Any]]:
        """The newest record of a step under the present conditions, repeated at least so often."""
        return find_record(
            self._run.metrics(), self.names, self._evaluation.conditions, step, repetitions
        )

    def evaluate(self, step: int, repetitions: int = 1) -> dict[str, Any]:
        """Evaluates a checkpoint and records it.

        Returns:
            The record.

        Raises:
            CheckpointError: if it is missing or damaged.
            MetricError: if its images are not finite.
        """

        def load_generator():
            models = load_run(self._run.path, step, discriminator=False)
            return models.generator, models.step

        seconds, images = self._run.seconds_at(step), self._run.images_at(step)
        record = self._evaluation.evaluate(load_generator, repetitions, seconds, images)
        self._log.add(record)
        figure = self.names["frechet_distance"]
        keep_if_best(self._run, step, figure, record[figure], self._evaluation.conditions)
        return record

    def evaluate_unless_removed(self, step: int) -> Optional[dict[str, Any]]:
        """Evaluates a checkpoint while another process trains the run.

        Returns:
            The record; None if the trainer has removed the checkpoint meanwhile.

        Raises:
            CheckpointError: if it is there and damaged.
            MetricError: if its images are not finite.
        """
        try:
            return self._verify_and_evaluate(step)
        except CheckpointError:
            time.sleep(_LOOK_AGAIN_SECONDS)  # It may still be being written.
        try:
            return self._verify_and_evaluate(step)
        except CheckpointError:
            if step in find_steps(self._run.checkpoint_dir):
                raise
            return None

    def record_of(self, step: int, repetitions: int) -> Optional[dict[str, Any]]:
        """The record of a step, evaluated now if need be; None if its checkpoint is gone, too."""
        record = self.recorded(step, repetitions)
        if record is None and step in find_steps(self._run.checkpoint_dir):
            record = self.evaluate(step, repetitions)
        return record

    def describe(self, record: dict[str, Any]) -> str:
        """One line about an evaluation, which says if it is the best one."""
        best = self._run.best()
        is_best = best is not None and best["step"] == record["step"]
        return describe(record, self.names) + (" (the best so far)" if is_best else "")

    def _verify_and_evaluate(self, step):
        verify(find_checkpoint(self._run.checkpoint_dir, step))
        return self.evaluate(step)
