"""One training job from its configuration to its report, whatever the command."""

import os
import sys
import time
import warnings
from typing import Any

import tensorflow as tf

from checkpoints.checkpoint_files import (
    CheckpointError,
    find_checkpoint,
    find_steps,
    settle,
    verify,
)
from checkpoints.loading import load
from gan.config import ExperimentConfig
from gan.evaluation.cache_folder import cache_folder
from gan.evaluation.feature_networks import describe_network, open_inception, open_judge
from gan.evaluation.log import EvaluationLog
from gan.evaluation.protocol import Evaluation, check_real_images
from gan.evaluation.record import describe, find_record, table
from gan.input_pipeline import open_real_images
from gan.metrics.activations import MetricError
from gan.run_folder import RunFolder
from gan.training.final_report import describe_report, make_report
from gan.training.monitor import TrainingMonitor

_POLL_SECONDS = 2.0


class EngineError(ImportError):
    """The engine cannot run with what is installed."""


def import_engine():
    """Imports the module that needs TF-GAN, `gan.training.estimator_engine`.

    Raises:
        EngineError: if TF-GAN or a TensorFlow with estimators is missing.
    """
    if not hasattr(tf, "estimator"):
        raise EngineError(
            f"Training needs TF-GAN, which needs TensorFlow 2.15; this is TensorFlow "
            f"{tf.__version__}. Run `make setup STACK=tfgan` (Python 3.9 to 3.11) and use "
            ".venv-tfgan/bin/python. Sampling and evaluation work on every stack."
        )
    tf.compat.v1.logging.set_verbosity(tf.compat.v1.logging.ERROR)
    try:
        with warnings.catch_warnings():  # TF-GAN's tensorflow_hub warns of its own pkg_resources.
            warnings.simplefilter("ignore")
            from gan.training import estimator_engine
    except ModuleNotFoundError as error:
        raise EngineError(
            f"Training needs TF-GAN, and {error.name} is not installed. Run "
            "`make setup STACK=tfgan`."
        ) from error
    return estimator_engine


class Job:
    """Trains and evaluates in one run folder.

    What is wrong with the configuration, the data or the folder is found here,
    before anything is written; a damaged checkpoint when it is to be used.

    Args:
        config: the job.
        run: path of the run folder.

    Raises:
        DataError, RunFolderError, ConfigError; EngineError if it is to train.
    """

    def __init__(self, config: ExperimentConfig, run: str):
        self._config = config
        self._run = RunFolder(run)
        self._run.check(config)
        self._source = open_real_images(config)
        print(f"Real images: {self._source.description}", flush=True)

    def train(self, on_checkpoint=None):
        """Trains to `config.training.steps`, from the newest checkpoint if there is one.

        Args:
            on_checkpoint: called with step, path and monitor of every checkpoint
                written, while the clock stands.
        """
        engine = import_engine()
        self._source.count(self._config.data.train_split)
        if not os.path.exists(self._run.config_path):
            self._run.write_config(self._config)
        with self._run.locked():
            settle(self._run.checkpoint_dir)
            steps, done = self._config.training.steps, self._last_step()
            if find_steps(self._run.checkpoint_dir):
                verify(find_checkpoint(self._run.checkpoint_dir, done))
            if done < steps:
                self._run.write_config(self._config)
                self._train(engine, done, on_checkpoint)
            else:
                print(
                    f"{self._run.path} is already at step {done}; --steps={steps} asks for no more."
                )

    def evaluate(self) -> dict[str, Any]:
        """Evaluates the newest checkpoint, repeatedly; records and prints the figures."""
        inception = self._prepare_evaluation()
        path = find_checkpoint(self._run.checkpoint_dir)
        verify(path)
        evaluation = self._make_evaluation(inception)
        record = self._evaluate(evaluation, path, self._config.evaluation.eval_repetitions)
        print(table(record, evaluation.names))
        return record

    def evaluate_continuously(self, timeout: float):
        """Evaluates every checkpoint as it appears, up to the last step.

        Args:
            timeout: seconds without a new checkpoint after which to stop.
        """
        inception = self._prepare_evaluation()
        if not os.path.exists(self._run.config_path):
            self._run.write_config(self._config)  # Evaluation may start before training does.
        evaluation = self._make_evaluation(inception)
        waiting_since = time.monotonic()
        while time.monotonic() - waiting_since < timeout:
            steps = find_steps(self._run.checkpoint_dir)
            new = [step for step in steps if not self._recorded(evaluation, step)]
            if new:
                path = find_checkpoint(self._run.checkpoint_dir, new[0])
                try:
                    verify(path)
                except CheckpointError:
                    # The trainer may still be writing it, or have removed it: look again.
                    time.sleep(_POLL_SECONDS)
                    if new[0] not in find_steps(self._run.checkpoint_dir):
                        continue
                    verify(path)
                record = self._evaluate(evaluation, path)
                print(describe(record, evaluation.names), flush=True)
                waiting_since = time.monotonic()
            elif self._last_step() >= self._config.training.steps:
                return
            else:
                time.sleep(_POLL_SECONDS)
        print(f"No new checkpoint for {timeout:.0f} s: stopping.", file=sys.stderr)

    def train_and_evaluate(self) -> dict[str, Any]:
        """Trains, evaluating at the start, every `eval_every` steps and at the end.

        Returns:
            The report, which is printed and written to `report.json`.
        """
        started = time.monotonic()
        import_engine()
        inception = self._prepare_evaluation()
        if not os.path.exists(self._run.config_path):
            self._run.write_config(self._config)
        evaluation = self._make_evaluation(inception)
        every, last = self._config.evaluation.eval_every, self._config.training.steps
        repetitions = self._config.evaluation.eval_repetitions

        def evaluate_if_due(step, path, monitor):
            if step % every and step != last:
                return
            try:
                record = self._evaluate(
                    evaluation, path, repetitions if step == last else 1, monitor.seconds
                )
            except MetricError as error:  # No reason to stop training.
                monitor.message(f"step {step}: {error}")
            else:
                monitor.message(describe(record, evaluation.names))

        def figures(step, repetitions):
            record = self._recorded(evaluation, step, repetitions)
            if record is None and step in find_steps(self._run.checkpoint_dir):
                path = find_checkpoint(self._run.checkpoint_dir, step)
                record = self._evaluate(evaluation, path, repetitions)
            return record

        self.train(evaluate_if_due)
        first, final = figures(0, 1), figures(self._last_step(), repetitions)
        report = make_report(self._config, self._run, evaluation.names, first, final)
        self._run.write_report(report)
        print(describe_report(report, self._run, time.monotonic() - started))
        return report

    def _train(self, engine, done, on_checkpoint):
        self._run.forget_metrics_after(done if done else -1)
        if done:
            print(f"Going on from step {done} of {self._run.path}.", file=sys.stderr)
        monitor = TrainingMonitor(self._config, self._run, done, self._run.seconds_at(done))

        def checkpoint_written(step, path):
            monitor.pause()
            self._run.write_progress(step, monitor.seconds)
            if on_checkpoint is not None:
                on_checkpoint(step, path, monitor)
            monitor.start()

        try:
            engine.train(self._config, self._run, self._source, monitor, checkpoint_written)
        except KeyboardInterrupt:
            monitor.close()
            print(
                f"\nInterrupted. The same command goes on from step {self._last_step()}.",
                file=sys.stderr,
            )
            raise
        finally:
            monitor.close()

    def _prepare_evaluation(self):
        """Finds what is missing for an evaluation, before anything is written.

        Returns:
            Inception, if it judges this job, else None.
        """
        inception = open_inception(self._config)
        check_real_images(self._config, self._source, for_judge=inception is None)
        return inception

    def _make_evaluation(self, inception):
        network = inception or open_judge(self._config, self._source, self._run.judge_path)
        print(describe_network(network), flush=True)
        self._log = EvaluationLog(self._run.path)
        return Evaluation(self._config, self._source, network, cache_folder())

    def _last_step(self):
        return max(find_steps(self._run.checkpoint_dir), default=0)

    def _recorded(self, evaluation, step, repetitions=1):
        return find_record(
            self._run.metrics(),
            evaluation.names,
            self._config.data.dataset,
            evaluation.network.sha256,
            step,
            repetitions,
        )

    def _evaluate(self, evaluation, path, repetitions=1, seconds=None):
        step = int(path.rsplit("-", 1)[1])
        if seconds is None:
            seconds = self._run.seconds_at(step)

        def load_generator():
            models = load(self._run.path, step, discriminator=False)
            return models.generator, models.step

        record = evaluation.evaluate(load_generator, repetitions, seconds)
        self._log.add(record)
        return record
