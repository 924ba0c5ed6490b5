"""A training job that is killed again and again: python -m benchmarks.survival.

Three trials of `gan.train --engine=distribute --deterministic=true`, each against a run
that nobody touched, all with the networks of the preset `smoke`:

resume: killed (`kill -9`) between two checkpoints, then given again: the last checkpoint
    is equal bit for bit (weights, optimizer slots, averages, singular vectors, moments,
    counters of draws), and so are the losses of every step and of two more.
kills: `kill -9` at random moments, every other one inside a save, the same command after
    each: it finds a checkpoint that can be loaded, has lost at most one interval between
    two checkpoints, ends with the same bits and leaves no other files.
signals: SIGTERM at random moments: the command ends with status 75 and loses no step it
    has shown.

Every command is a process of its own, forked from one that has imported TensorFlow.
"""

import argparse
import glob
import json
import multiprocessing
import os
import random
import runpy
import shutil
import signal
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# scikit-learn's joblib would make semaphores, which nobody removes after a kill.
os.environ.setdefault("JOBLIB_MULTIPROCESSING", "0")

from tqdm import tqdm

_POLL_SECONDS = 0.02
_SHORT_POLL_SECONDS = 0.0005  # A save of these networks takes milliseconds.
_TIMEOUT_SECONDS = 600
_STEPS = 60
_EVERY = 20
_KILLED_STEPS = 40
_KILLED_EVERY = 2
_SETTINGS = (
    "--preset=smoke",
    "--mode=train",
    "--engine=distribute",
    "--strategy=one_device",
    "--deterministic=true",
    "--ema_decay=0.5",
    "--augmentation=color,cutout",
    "--log_every=1",
    "--seed=3",
)


class SurvivalError(Exception):
    """A trial whose promise was not kept; the message says which."""


def _train(arguments, log):
    """The command, in a process of its own."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    sys.argv = ["gan.train", *arguments]
    runpy.run_module("gan.train", run_name="__main__")


class TrainedRun:
    """One run folder, and the commands that train it.

    Args:
        path: of the run folder, which may not exist yet.
        steps: to train.
        every: steps between two checkpoints.
    """

    def __init__(self, path: str, steps: int, every: int):
        self.path = path
        self._steps = steps
        self._every = every
        self._process = None
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["gan.job", "gan.training.distribute_engine"])

    def start(self, steps=None):
        """Gives the command."""
        arguments = [
            *_SETTINGS,
            f"--run={self.path}",
            f"--steps={steps or self._steps}",
            f"--checkpoint_every={self._every}",
            f"--grid_every={self._every}",
            f"--eval_every={self._every}",
        ]
        self._process = self._context.Process(
            target=_train, args=(arguments, self.path + ".log"), daemon=True
        )
        self._process.start()

    @property
    def is_running(self):
        return self._process.is_alive()

    def send(self, number) -> int:
        """Sends a signal and waits for the end; returns the exit status."""
        if self.is_running:
            os.kill(self._process.pid, number)
        return self.wait()

    def wait(self) -> int:
        self._process.join(_TIMEOUT_SECONDS)
        if self.is_running:
            self._process.kill()
            raise SurvivalError(f"{self.path}: did not end within {_TIMEOUT_SECONDS} s")
        return self._process.exitcode

    def train(self, steps=None):
        """Gives the command and lets it end by itself."""
        self.start(steps)
        self.check(self.wait() == 0, "the command failed")

    def check(self, holds, message):
        """Raises SurvivalError, with what the command said last, unless `holds`."""
        if not holds:
            with open(self.path + ".log", encoding="utf-8", errors="replace") as file:
                said = "".join(file.readlines()[-20:])
            raise SurvivalError(f"{self.path}: {message}. The command said last:\n{said}")

    @property
    def log(self):
        """The points of the training log that are written so far."""
        from gan.run_folder import RunFolder

        return RunFolder(self.path).training_log()

    @property
    def shown_step(self) -> int:
        """The last step of the training log; 0 without one."""
        log = self.log
        return log[-1]["step"] if log else 0

    @property
    def saved_step(self) -> int:
        """The newest checkpoint that is whole; -1 without one."""
        from checkpoints.checkpoint_files import CheckpointError, find_steps, verify

        folder = os.path.join(self.path, "checkpoints")
        for step in reversed(find_steps(folder)):
            try:
                verify(os.path.join(folder, f"model.ckpt-{step}"))
                return step
            except CheckpointError:
                continue
        return -1

    @property
    def is_saving(self) -> bool:
        """Whether a checkpoint is half-written."""
        return bool(glob.glob(os.path.join(glob.escape(self.path), "checkpoints", ".unfinished*")))

    def start_until(self, moment):
        """Gives the command and returns at a time of `time.monotonic`, or at its end."""
        self.start()
        self.wait_until(lambda: time.monotonic() > moment)

    def start_until_saving(self, after_step):
        """Gives the command and returns while it saves a checkpoint after `after_step`."""
        self.start()
        self.wait_until(lambda: self.saved_step >= after_step)
        self.wait_until(lambda: self.is_saving, _SHORT_POLL_SECONDS)

    def wait_until(self, condition, poll=_POLL_SECONDS):
        """Returns when `condition()` holds or the command has ended."""
        while self.is_running and not condition():
            time.sleep(poll)

    def files(self) -> set[str]:
        """Paths of all files of the run but TensorBoard's, whose names have times."""
        paths = {
            os.path.relpath(os.path.join(folder, name), self.path)
            for folder, _, names in os.walk(self.path)
            for name in names
        }
        return {path for path in paths if "tfevents" not in path}

    def check_equal(self, other, steps):
        """Checks that both runs have the same bits at a step, curves and files.

        Returns:
            The number of variables compared.
        """
        from checkpoints.checkpoint_files import read_variables

        ours, theirs = (
            read_variables(os.path.join(run.path, "checkpoints", f"model.ckpt-{steps}"))
            for run in (self, other)
        )
        self.check(ours.keys() == theirs.keys(), "the checkpoint has other variables")
        wrong = [name for name in ours if ours[name].tobytes() != theirs[name].tobytes()]
        self.check(not wrong, f"{len(wrong)} of {len(ours)} variables differ, as {wrong[:3]}")
        curves = [
            [{k: v for k, v in point.items() if "second" not in k} for point in run.log]
            for run in (self, other)
        ]
        self.check(curves[0] == curves[1], "the curves differ")
        self.check(self.files() == other.files(), "there are other files")
        return len(ours)


def try_resume(folder, generator, progress):
    """The trial `resume`; returns what was compared."""
    whole = TrainedRun(os.path.join(folder, "whole"), _STEPS, _EVERY)
    whole.train()
    progress.update()
    parts = TrainedRun(os.path.join(folder, "parts"), _STEPS, _EVERY)
    # Far from the end, as this process may be slow to notice the moment.
    moment = _EVERY + generator.randrange(1, _EVERY // 2)
    parts.start()
    parts.wait_until(lambda: parts.shown_step >= moment)
    parts.check(parts.send(signal.SIGKILL) == -signal.SIGKILL, "it ended before the kill")
    killed_at = parts.shown_step
    saved = parts.saved_step
    parts.check(_EVERY <= saved <= killed_at, f"the newest checkpoint is of step {saved}")
    parts.train()
    variables = parts.check_equal(whole, _STEPS)
    # The next batches.
    for run in (whole, parts):
        run.train(_STEPS + 2)
    parts.check_equal(whole, _STEPS + 2)
    progress.update()
    return {"steps": _STEPS, "killed_at_step": killed_at, "equal_variables": variables}


def try_kills(folder, generator, kills, progress):
    """The trial `kills`; returns the figures."""
    whole = TrainedRun(os.path.join(folder, "unbroken"), _KILLED_STEPS, _KILLED_EVERY)
    started = time.monotonic()
    whole.train()
    seconds = time.monotonic() - started
    seconds = seconds - whole.log[-1]["seconds"] / 2  # Up to the middle of training.
    done = inside_saves = finished = most_lost = 0
    broken = TrainedRun(os.path.join(folder, "killed_0"), _KILLED_STEPS, _KILLED_EVERY)
    while done < kills:
        saved_before = broken.saved_step
        if done % 2:
            broken.start_until_saving(after_step=generator.randrange(5) * _KILLED_EVERY)
        else:
            broken.start_until(time.monotonic() + generator.uniform(0, seconds))
        status = broken.send(signal.SIGKILL)
        broken.check(status in (0, -signal.SIGKILL), f"the command ended with status {status}")
        if status == 0:
            broken.check_equal(whole, _KILLED_STEPS)
            finished += 1
            shutil.rmtree(broken.path)
            broken = TrainedRun(
                os.path.join(folder, f"killed_{finished}"), _KILLED_STEPS, _KILLED_EVERY
            )
            continue
        done += 1
        inside_saves += broken.is_saving
        saved = broken.saved_step
        broken.check(saved >= saved_before, f"checkpoint {saved_before} is gone, {saved} is newest")
        lost = broken.shown_step - max(saved, 0)
        broken.check(lost <= _KILLED_EVERY, f"{lost} steps are lost")
        most_lost = max(most_lost, lost)
        progress.update()
    broken.train()
    broken.check_equal(whole, _KILLED_STEPS)
    return {
        "kills": done,
        "inside_a_save": inside_saves,
        "finished_runs": finished + 1,
        "most_steps_lost": most_lost,
        "steps_between_checkpoints": _KILLED_EVERY,
    }


def try_signals(folder, generator, signals, progress):
    """The trial `signals`; returns the figures."""
    run = TrainedRun(os.path.join(folder, "signalled"), 1_000_000, 1_000_000)
    most_lost = 0
    for _ in range(signals):
        before = run.shown_step
        run.start()
        run.wait_until(lambda before=before: run.shown_step > before)
        time.sleep(generator.uniform(0, 1))
        status = run.send(signal.SIGTERM)
        run.check(status == 75, f"the command ended with status {status}, not 75")
        lost = run.shown_step - run.saved_step
        run.check(lost <= 1, f"{lost} steps are lost")
        run.check(run.saved_step > before, "the signal came and nothing was saved")
        run.check(not run.is_saving, "a half-written checkpoint is left")
        most_lost = max(most_lost, lost)
        progress.update()
    return {"signals": signals, "most_steps_lost": most_lost, "steps": run.saved_step}


def run_trials(folder, kills, signals, seed, quiet=False):
    """Runs all three trials in a folder; returns their figures by name.

    Raises:
        SurvivalError: at the first promise that is not kept; the run folders stay.
    """
    generator = random.Random(seed)
    with tqdm(total=2 + kills + signals, unit=" runs", disable=quiet) as progress:
        return {
            "resume": try_resume(folder, generator, progress),
            "kills": try_kills(folder, generator, kills, progress),
            "signals": try_signals(folder, generator, signals, progress),
        }


def parse(argv=None):
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.survival",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--kills", type=int, default=100, help="of the second trial (default: 100)")
    parser.add_argument("--signals", type=int, default=20, help="of the third trial (default: 20)")
    parser.add_argument("--seed", type=int, default=0, help="of the random moments (default: 0)")
    parser.add_argument("--json", help="file for the figures as JSON")
    return parser.parse_args(argv)


def main(argv=None):
    """Runs the trials and prints their figures."""
    arguments = parse(argv)
    folder = tempfile.mkdtemp(prefix="survival-")
    try:
        figures = run_trials(folder, arguments.kills, arguments.signals, arguments.seed)
    except SurvivalError as failure:
        sys.exit(f"error: {failure}\nThe run folders are in {folder}.")
    shutil.rmtree(folder)
    for name, values in figures.items():
        print(f"{name}: " + ", ".join(f"{key} {value}" for key, value in values.items()))
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump(figures, file, indent=1)
    return figures


if __name__ == "__main__":
    main(sys.argv[1:])
