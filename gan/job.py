"""One training job from its configuration to its report, whatever the command."""

import contextlib
import errno
import os
import sys
import time
from collections.abc import Collection
from typing import Any

import numpy as np

from checkpoints.checkpoint_files import (
    CheckpointError,
    find_checkpoint,
    find_steps,
    settle,
    verify,
)
from checkpoints.loading import load
from gan.config import ExperimentConfig, field_names
from gan.evaluation.feature_networks import open_inception
from gan.evaluation.protocol import check_real_images
from gan.evaluation.record import table
from gan.job_description import describe_job
from gan.metrics.activations import MetricError
from gan.networks import weights_by_path
from gan.real_images import as_it_began, count_split, open_and_choose
from gan.run_evaluation import RunEvaluation
from gan.run_folder import RunFolder
from gan.training.engine import make_engine
from gan.training.final_report import describe_report, make_report
from gan.training.interruption import Interrupted, Interruption
from gan.training.monitor import TrainingMonitor
from gan.training.training_error import TrainingError

_POLL_SECONDS = 2.0
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Job:
    """Trains and evaluates in one run folder.

    What is wrong with the configuration, the data or the folder is found here,
    before anything is written; a damaged checkpoint when it is to be used.

    Args:
        config: the job.
        run: path of the run folder.
        trains: whether it is to train; else it only evaluates, and needs no engine.
        given: names of the settings that a person has given; of the others the splits are
            chosen by what is in the data, or are those of the run.

    Raises:
        DataError, RunFolderError, ConfigError; EngineError, StrategyError, ClusterError
            or TrainingError if it cannot train here.
    """

    def __init__(
        self,
        config: ExperimentConfig,
        run: str,
        trains: bool = True,
        given: Collection[str] = (),
    ):
        self._run = RunFolder(run)
        config = as_it_began(config, self._run, given)
        self._run.check(config)
        # Several workers find each other before TensorFlow does anything.
        self._engine = make_engine(config) if trains else None
        is_new = not find_steps(self._run.checkpoint_dir)
        self._source, self._config, description = open_and_choose(config, given, is_new)
        if trains:
            count_split(self._source, "train_split", self._config.data.train_split)
            self._engine.config = self._config
        engine = self._engine.description if trains else None
        print(describe_job(self._config, run, description, engine), flush=True)

    def train(self):
        """Trains to `config.training.steps`, from the newest checkpoint if there is one.

        Raises:
            Interrupted: after SIGTERM, SIGHUP or Ctrl-C, when the present step is saved.
        """
        with self._interruptible() as interruption:
            self._train(interruption, self._initial_weights())

    def evaluate(self) -> dict[str, Any]:
        """Evaluates the newest checkpoint, repeatedly; records and prints the figures."""
        inception = self._prepare_evaluation()
        verify(find_checkpoint(self._run.checkpoint_dir))
        evaluation = self._make_evaluation(inception)
        record = evaluation.evaluate(self._last_step(), self._config.evaluation.eval_repetitions)
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
        waiting_since, broken = time.monotonic(), set()
        while time.monotonic() - waiting_since < timeout:
            steps = find_steps(self._run.checkpoint_dir)
            new = [s for s in steps if s not in broken and not evaluation.recorded(s)]
            if new:
                try:
                    record = evaluation.evaluate_unless_removed(new[0])
                except MetricError as error:  # The next ones may be better.
                    broken.add(new[0])
                    print(f"step {new[0]}: {error}", file=sys.stderr, flush=True)
                else:
                    if record is None:
                        continue
                    print(evaluation.describe(record), flush=True)
                waiting_since = time.monotonic()
            elif self._last_step() >= self._config.training.steps:
                return
            else:
                time.sleep(_POLL_SECONDS)
        print(f"No new checkpoint for {timeout:.0f} s: stopping.", file=sys.stderr)

    def train_and_evaluate(self) -> dict[str, Any]:
        """Trains, evaluating at the start, every `eval_every` steps and at the end.

        Checkpoints whose evaluation was due and was cut short are evaluated first.

        Returns:
            The report, which is printed and written to `report.json`.

        Raises:
            Interrupted: after SIGTERM, SIGHUP or Ctrl-C, when the present step is saved.
        """
        if not self._engine.is_chief:
            return self.train()
        with self._interruptible() as interruption:
            return self._train_and_evaluate(interruption)

    def _train_and_evaluate(self, interruption):
        started = time.monotonic()
        with interruption.nothing_to_save():
            initial_weights = self._initial_weights()
            inception = self._prepare_evaluation()
            if not os.path.exists(self._run.config_path):
                self._run.write_config(self._config)
            evaluation = self._make_evaluation(inception)
        every, last = self._config.evaluation.eval_every, self._config.training.steps
        repetitions = self._config.evaluation.eval_repetitions

        def evaluate_if_due(step, monitor):
            if step % every and step != last:
                return
            try:
                record = evaluation.evaluate(step, repetitions if step == last else 1)
            except (MetricError, CheckpointError) as error:  # No reason to stop training.
                monitor.message(f"step {step}: {error}")
            else:
                monitor.message(evaluation.describe(record))

        def evaluate_missed(monitor):
            for step in find_steps(self._run.checkpoint_dir):
                if step != last and not evaluation.recorded(step):
                    evaluate_if_due(step, monitor)

        self._train(interruption, initial_weights, evaluate_if_due, evaluate_missed)
        with interruption.nothing_to_save():
            first = evaluation.record_of(0, 1)
            final = evaluation.record_of(self._last_step(), repetitions)
        report = make_report(self._config, self._run, evaluation.names, first, final)
        self._run.write_report(report)
        print(describe_report(report, self._run, time.monotonic() - started))
        return report

    @contextlib.contextmanager
    def _interruptible(self):
        """Inside, a signal ends the job as soon as nothing is lost, and what to do is said."""
        with Interruption().open() as interruption:
            try:
                yield interruption
            except Interrupted:
                print(
                    f"\nInterrupted ({interruption.requested}). The same command goes on from step "
                    f"{self._last_step()}.",
                    file=sys.stderr,
                )
                raise

    def _train(self, interruption, initial_weights, on_checkpoint=None, before_training=None):
        """Trains to the last step or a signal.

        Args:
            interruption: says whether one came.
            initial_weights: of a new run, as of `_initial_weights`.
            on_checkpoint: called with step and monitor of every checkpoint written, while
                the clock stands.
            before_training: called with the monitor when nothing but training is to come.
        """
        steps, run = self._config.training.steps, self._run
        with contextlib.ExitStack() as stack:
            if self._engine.is_chief:
                if not os.path.exists(run.config_path):
                    run.write_config(self._config)
                stack.enter_context(run.locked())
                run.remove_unfinished()
                for note in settle(run.checkpoint_dir):
                    print(f"warning: {note}", file=sys.stderr)
            self._engine.wait_for_all()
            done = self._last_step()
            self._engine.check_same_start(run, done)
            if done >= steps:
                print(f"{run.path} is already at step {done}; --steps={steps} asks for no more.")
                return
            if self._engine.is_chief:
                run.write_config(self._config)
                run.forget_metrics_after(done if done else -1)
                run.forget_training_log_after(done if done else -1)
                if done:
                    print(f"Going on from step {done} of {run.path}.", file=sys.stderr)
            self._train_from(done, initial_weights, interruption, on_checkpoint, before_training)
        interruption.raise_if_requested()

    def _train_from(self, done, initial_weights, interruption, on_checkpoint, before_training):
        run, engine = self._run, self._engine
        monitor = TrainingMonitor(
            self._config, run, done, run.seconds_at(done), run.images_at(done), engine.is_chief
        )

        def checkpoint_written(step, path):
            del path
            monitor.pause()
            run.write_progress(step, monitor.seconds, monitor.images)
            if on_checkpoint is not None:
                with interruption.nothing_to_save():
                    on_checkpoint(step, monitor)
            monitor.start()

        try:
            if before_training is not None:
                with interruption.nothing_to_save():
                    before_training(monitor)
            engine.train(
                run, self._source, monitor, checkpoint_written, interruption, initial_weights
            )
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise
            raise TrainingError(
                f"{run.path}: cannot be written ({error.strerror}). The newest checkpoint is of "
                f"step {self._last_step()}. Make room, and give the same command again."
            ) from error
        finally:
            monitor.close()

    def _initial_weights(self):
        """The weights that a new run starts from, by network and path; None for fresh ones.

        Raises:
            CheckpointError: if they cannot be read, or are of other networks.
        """
        name = self._config.training.warm_start
        if not name or find_steps(self._run.checkpoint_dir):
            return None
        models = load(name, averaged=False)
        theirs, ours = models.config.model, self._config.model
        if theirs != ours:
            field = next(
                field
                for field in field_names("model")
                if getattr(theirs, field) != getattr(ours, field)
            )
            raise CheckpointError(
                f"--warm_start={name}: {field} is {getattr(theirs, field)} there, and "
                f"{getattr(ours, field)} in this job."
            )
        return {
            network: {path: np.array(w) for path, w in weights_by_path(model).items()}
            for network, model in (
                ("generator", models.generator),
                ("discriminator", models.discriminator),
            )
            if model is not None
        }

    def _prepare_evaluation(self):
        """Finds what is missing for an evaluation, before anything is written.

        Returns:
            Inception, if it judges this job, else None.
        """
        inception = open_inception(self._config)
        check_real_images(self._config, self._source, for_judge=inception is None)
        return inception

    def _make_evaluation(self, inception):
        return RunEvaluation(self._config, self._run, self._source, inception)

    def _last_step(self):
        return max(find_steps(self._run.checkpoint_dir), default=0)
