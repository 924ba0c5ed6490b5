"""One training job from its configuration to its report, whatever the command."""

import os
import sys
import time
import warnings
from typing import Any, Optional

import tensorflow as tf

from checkpoints.checkpoint_files import (
    CheckpointError,
    find_checkpoint,
    find_steps,
    settle,
    verify,
)
from gan.config import ExperimentConfig
from gan.run_folder import RunFolder
from gan.training_monitor import TrainingMonitor
from preprocessing.image_source import open_images

_POLL_SECONDS = 2.0


class EngineError(ImportError):
    """The engine cannot run with what is installed."""


def import_engine():
    """Imports the modules that need TF-GAN.

    Returns:
        `gan.estimator_training` and `gan.evaluation`.

    Raises:
        EngineError: if TF-GAN or a TensorFlow with estimators is missing.
    """
    if not hasattr(tf, "estimator"):
        raise EngineError(
            f"Training and evaluation need TF-GAN, which needs TensorFlow 2.15; this is "
            f"TensorFlow {tf.__version__}. Run `make setup STACK=tfgan` (Python 3.9 to 3.11) and "
            "use .venv-tfgan/bin/python. Sampling works on every stack."
        )
    tf.compat.v1.logging.set_verbosity(tf.compat.v1.logging.ERROR)
    try:
        with warnings.catch_warnings():  # TF-GAN's tensorflow_hub warns of its own pkg_resources.
            warnings.simplefilter("ignore")
            from gan import estimator_training, evaluation
    except ModuleNotFoundError as error:
        raise EngineError(
            f"Training and evaluation need TF-GAN, and {error.name} is not installed. Run "
            "`make setup STACK=tfgan`."
        ) from error
    return estimator_training, evaluation


class Job:
    """Trains and evaluates in one run folder.

    What is wrong with the configuration, the data or the folder is found here,
    before anything is written; a damaged checkpoint when it is to be used.

    Args:
        config: the job.
        run: path of the run folder.

    Raises:
        EngineError, DataError, RunFolderError, ConfigError.
    """

    def __init__(self, config: ExperimentConfig, run: str):
        self._training, self._evaluation = import_engine()
        self._config = config
        self._run = RunFolder(run)
        self._run.check(config)
        model, data = config.model, config.data
        self._source = open_images(
            data.dataset, model.image_size, model.image_channels, model.num_classes, data.data_dir
        )
        self._source.count(data.train_split)

    def train(self, on_checkpoint=None):
        """Trains to `config.training.steps`, from the newest checkpoint if there is one.

        Args:
            on_checkpoint: called with step, path and monitor of every checkpoint
                written, while the clock stands.
        """
        if not os.path.exists(self._run.config_path):
            self._run.write_config(self._config)
        with self._run.locked():
            settle(self._run.checkpoint_dir)
            steps, done = self._config.training.steps, self._last_step()
            if find_steps(self._run.checkpoint_dir):
                verify(find_checkpoint(self._run.checkpoint_dir, done))
            if done < steps:
                self._run.write_config(self._config)
                self._train(done, on_checkpoint)
            else:
                print(
                    f"{self._run.path} is already at step {done}; --steps={steps} asks for no more."
                )

    def evaluate(self, step: Optional[int] = None) -> dict[str, Any]:
        """Evaluates one checkpoint, the newest by default, and records the figures."""
        path = find_checkpoint(self._run.checkpoint_dir, step)
        verify(path)
        return self._evaluate(self._make_evaluation(), path)

    def evaluate_continuously(self, timeout: float):
        """Evaluates every checkpoint as it appears, up to the last step.

        Args:
            timeout: seconds without a new checkpoint after which to stop.
        """
        self._evaluation.check_can_judge(self._config)
        if not os.path.exists(self._run.config_path):
            self._run.write_config(self._config)  # Evaluation may start before training does.
        evaluation = self._make_evaluation()
        waiting_since = time.monotonic()
        while time.monotonic() - waiting_since < timeout:
            new = [s for s in find_steps(self._run.checkpoint_dir) if not self._recorded(s)]
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
                print(describe(self._evaluate(evaluation, path)), flush=True)
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
        self._evaluation.check_can_judge(self._config)
        self._source.count(self._config.data.test_split)
        if not os.path.exists(self._run.config_path):
            self._run.write_config(self._config)
        evaluation = self._make_evaluation()
        every, last = self._config.evaluation.eval_every, self._config.training.steps

        def evaluate_if_due(step, path, monitor):
            if step % every == 0 or step == last:
                monitor.message(describe(self._evaluate(evaluation, path, monitor.seconds)))

        def figures(step):
            if step in find_steps(self._run.checkpoint_dir) and not self._recorded(step):
                self._evaluate(evaluation, find_checkpoint(self._run.checkpoint_dir, step))
            return self._recorded(step)

        self.train(evaluate_if_due)
        first, final = figures(0), figures(self._last_step())
        report = self._report(first, final)
        self._run.write_report(report)
        print(describe_report(report, self._run, time.monotonic() - started))
        return report

    def _train(self, done, on_checkpoint):
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
            self._training.train(self._config, self._run, self._source, monitor, checkpoint_written)
        except KeyboardInterrupt:
            monitor.close()
            print(
                f"\nInterrupted. The same command goes on from step {self._last_step()}.",
                file=sys.stderr,
            )
            raise
        finally:
            monitor.close()

    def _make_evaluation(self):
        return self._evaluation.Evaluation(self._config, self._run, self._source)

    def _last_step(self):
        return max(find_steps(self._run.checkpoint_dir), default=0)

    def _recorded(self, step):
        """The newest record of a step with as many images as are asked for now."""
        images = self._config.evaluation.eval_images
        return next(
            (
                record
                for record in reversed(self._run.metrics())
                if record["step"] == step and record["evaluated_images"] == images
            ),
            None,
        )

    def _evaluate(self, evaluation, path, seconds=None):
        step = int(path.rsplit("-", 1)[1])
        return evaluation.evaluate(
            step, path, self._run.seconds_at(step) if seconds is None else seconds
        )

    def _report(self, first, final):
        seconds = self._run.seconds_at(final["step"])
        trained = final["step"] * self._config.training.batch_size
        rate = trained / seconds if seconds else None
        return {
            "class_accuracy": final["class_accuracy"],
            "judge_accuracy": final["judge_accuracy"],
            "frechet_distance": final["frechet_distance"],
            "frechet_distance_at_start": first["frechet_distance"] if first else None,
            "frechet_distance_of_real_images": final["frechet_distance_of_real_images"],
            "classifier_score": final["classifier_score"],
            "evaluated_images": final["evaluated_images"],
            "images_per_second": round(rate, 1) if rate else None,
            "seconds": round(seconds, 1),
            "steps": final["step"],
            "seed": self._config.training.seed,
        }


def describe(record: dict[str, Any]) -> str:
    """One line about one evaluation."""
    return (
        f"step {record['step']}: class accuracy {record['class_accuracy']:.1%}, Fréchet distance "
        f"{record['frechet_distance']:.2f} (real against real "
        f"{record['frechet_distance_of_real_images']:.2f}), classifier score "
        f"{record['classifier_score']:.2f}, by {record['evaluated_images']} images and a judge of "
        f"{record['judge_accuracy']:.1%}"
    )


def describe_report(report: dict[str, Any], run: RunFolder, seconds: float) -> str:
    """The figures of a finished run and where everything lies, for a person."""
    start = report["frechet_distance_at_start"]
    at_start = f"; {start:.2f} at step 0" if start is not None else ""
    lines = [
        "",
        f"Trained {report['steps']} steps in {report['seconds']:.0f} s "
        f"({report['images_per_second']} images/s); this command took {seconds:.0f} s.",
        f"  class accuracy     {report['class_accuracy']:.1%} of {report['evaluated_images']} "
        f"generated images (the judge: {report['judge_accuracy']:.1%} of held-out real ones)",
        f"  Fréchet distance   {report['frechet_distance']:.2f}{at_start}; real against real "
        f"{report['frechet_distance_of_real_images']:.2f}",
        f"  classifier score   {report['classifier_score']:.2f}",
        f"  sample grid        {run.grid_path(report['steps'])}",
        f"  checkpoints        {run.checkpoint_dir}",
        f"  configuration      {run.config_path}",
        f"  report             {run.report_path}",
        f"Sample from it:      {sys.executable} -m gan.generate --run={run.path} --class=0",
    ]
    return "\n".join(lines)
