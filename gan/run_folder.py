"""Where everything about one training run lies.

```
runs/digits/
  config.json           the whole job, and the names of its classes; written first
  checkpoints/          model.ckpt-STEP..., TensorBoard events
  best/                 the checkpoint with the best evaluation, and best.json: which, by what
  grids/                step_000250.png: fixed latents, one row per class
  samples/              what gan.generate draws
  judge.npz             the classifier that judges generated images
  metrics.jsonl         one line per evaluation
  eval/                 the same for TensorBoard
  training_log.jsonl    one line per point of the training curves
  progress.json         step, seconds and images of the newest checkpoint
  report.json           the figures of the finished run
  report.html           curves and grids: python -m gan.report
```
"""

import contextlib
import fcntl
import json
import os
import shlex
from typing import Any, Optional

from gan.atomic_file import is_unfinished, named_in_errors, write_atomically
from gan.config import ExperimentConfig, field_names

# What the checkpoints, figures and step counts of a run depend on: the model, and these.
_FIXED = [("model", name) for name in field_names("model")] + [
    ("data", "dataset"),
    ("data", "train_split"),
    ("data", "test_split"),
    ("data", "resampling"),
    ("training", "seed"),
    ("training", "discriminator_steps"),
]


class RunFolderError(ValueError):
    """A folder that cannot be used for this run; the message says what to do."""


class RunFolder:
    """Paths and records of one run.

    Args:
        path: the folder; it need not exist.
    """

    def __init__(self, path: str):
        self.path = path

    @property
    def config_path(self):
        return os.path.join(self.path, "config.json")

    @property
    def checkpoint_dir(self):
        return os.path.join(self.path, "checkpoints")

    @property
    def best_dir(self):
        return os.path.join(self.path, "best")

    @property
    def judge_path(self):
        return os.path.join(self.path, "judge.npz")

    @property
    def metrics_path(self):
        return os.path.join(self.path, "metrics.jsonl")

    @property
    def training_log_path(self):
        return os.path.join(self.path, "training_log.jsonl")

    @property
    def report_path(self):
        return os.path.join(self.path, "report.json")

    @property
    def _progress_path(self):
        return os.path.join(self.path, "progress.json")

    @property
    def samples_dir(self):
        return os.path.join(self.path, "samples")

    @property
    def _grids_dir(self):
        return os.path.join(self.path, "grids")

    def grid_path(self, step: int) -> str:
        return os.path.join(self._grids_dir, f"step_{step:06d}.png")

    def read_config(self) -> ExperimentConfig:
        """The configuration the folder was trained with.

        Raises:
            RunFolderError: if the folder is none of ours.
            ConfigError: if its configuration cannot be read.
        """
        if not os.path.isdir(self.path):
            raise RunFolderError(
                f"{self.path}: there is no such folder. Expected one that "
                "`python -m gan.train --run=...` made."
            )
        if not os.path.isfile(self.config_path):
            raise RunFolderError(
                f"{self.path}: the folder has no config.json. Expected one that "
                "`python -m gan.train --run=...` made."
            )
        with open(self.config_path, "rb") as file:
            return ExperimentConfig.from_json(file.read(), self.config_path)

    def check(self, config: ExperimentConfig):
        """Checks that `config` can be trained here: a new folder, or one to go on with.

        Raises:
            RunFolderError: if the folder was trained with something that its history
                depends on set otherwise, is not empty and none of ours, or is a file.
        """
        if os.path.isfile(self.config_path):
            old = self.read_config()
            for section, name in _FIXED:
                before, now = (getattr(getattr(c, section), name) for c in (old, config))
                if before != now:
                    old_value = f"no --{name}"
                    if before is not None:
                        old_value = f"give {shlex.quote(f'--{name}={before}')}"
                    raise RunFolderError(
                        f"{self.path}: the folder was trained with {name}={before}, now "
                        f"{name}={now}. Choose another --run, or {old_value} to go on."
                    )
        elif os.path.isdir(self.path) and any(
            not is_unfinished(name) for name in os.listdir(self.path)
        ):
            raise RunFolderError(
                f"{self.path}: the folder is not empty and has no config.json. "
                "Choose a new folder, or one that gan.train made."
            )
        elif os.path.exists(self.path) and not os.path.isdir(self.path):
            raise RunFolderError(f"{self.path}: this is a file. Choose a folder.")

    @contextlib.contextmanager
    def locked(self):
        """Keeps a second process from training here; the lock dies with the process.

        Raises:
            RunFolderError: if another process is training in the folder.
        """
        with open(os.path.join(self.path, ".lock"), "w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise RunFolderError(
                    f"{self.path}: another process is training here. Wait for it, or choose "
                    "another --run."
                ) from error
            yield

    def remove_unfinished(self):
        """Removes what a kill inside a write left, for who holds the lock; see `settle`, too."""
        for folder in (self.path, self._grids_dir):
            for name in os.listdir(folder) if os.path.isdir(folder) else []:
                if is_unfinished(name):
                    os.remove(os.path.join(folder, name))

    def write_config(self, config: ExperimentConfig):
        """Writes `config.json`, the first file of a run.

        Raises:
            RunFolderError: if the folder cannot be written.
        """
        try:
            write_atomically(self.config_path, config.to_json().encode())
        except OSError as error:
            raise RunFolderError(
                f"{self.path}: cannot be written ({error.strerror}). Choose another folder."
            ) from error

    def write_progress(self, step: int, seconds: float, images: Optional[int] = None):
        """Records how long training to a checkpoint took, and on how many images."""
        progress = {"step": step, "seconds": seconds}
        if images is not None:
            progress["images"] = images
        write_atomically(self._progress_path, (json.dumps(progress) + "\n").encode())

    def newest_progress(self) -> Optional[dict[str, Any]]:
        """What `write_progress` recorded last: "step", "seconds", perhaps "images"; or None."""
        try:
            progress = self._progress()
            return progress if isinstance(progress["step"], int) else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write_best(self, best: dict[str, Any]):
        """Records which checkpoint is the best.

        Args:
            best: its "step", the "value" of which "figure", and under which "conditions".
        """
        path = os.path.join(self.best_dir, "best.json")
        write_atomically(path, (json.dumps(best) + "\n").encode())

    def best(self) -> Optional[dict[str, Any]]:
        """What `write_best` recorded last; None if that is nothing that can be read."""
        try:
            with open(os.path.join(self.best_dir, "best.json"), encoding="utf-8") as file:
                best = json.load(file)
            is_whole = isinstance(best["step"], int) and isinstance(best["value"], float)
            return best if is_whole and isinstance(best["figure"], str) else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def seconds_at(self, step: int) -> float:
        """Seconds of training up to `step`, as far as recorded; 0 at the start."""
        try:
            progress = self._progress()
            # Asked for an older checkpoint, assume an even pace.
            return progress["seconds"] * min(1.0, step / max(1, progress["step"]))
        except (OSError, ValueError, KeyError, TypeError):
            return 0.0  # A record for people: not worth stopping a job for.

    def images_at(self, step: int) -> Optional[int]:
        """Images trained on up to `step`, repetitions counted; None if not recorded.

        Exact at a point of the training log and at the newest checkpoint; elsewhere as if
        the batch size had been the same all along.
        """
        try:
            progress = self._progress()
            if progress["step"] != step:
                for record in reversed(self.training_log()):
                    if record["step"] == step:
                        return record["images"]
            return round(progress["images"] * step / max(1, progress["step"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _progress(self):
        with open(self._progress_path, encoding="utf-8") as file:
            return json.load(file)

    def metrics(self) -> list[dict[str, Any]]:
        """The recorded evaluations, oldest first. A half-written last line is left out."""
        return _read_lines(self.metrics_path)

    def forget_metrics_after(self, step: int):
        """Drops the records of later checkpoints, which are about to be trained again."""
        _forget_lines_after(self.metrics_path, step)

    def add_metrics(self, record: dict[str, Any]):
        """Appends one evaluation."""
        _append_line(self.metrics_path, record)

    def training_log(self) -> list[dict[str, Any]]:
        """The points of the training curves, oldest first. A half-written last line is left out."""
        return _read_lines(self.training_log_path)

    def forget_training_log_after(self, step: int):
        """Drops the points of later steps, which are about to be trained again."""
        _forget_lines_after(self.training_log_path, step)

    def add_training_point(self, record: dict[str, Any]):
        """Appends one point, with its "step", to the training log."""
        _append_line(self.training_log_path, record)

    def write_report(self, report: dict[str, Any]):
        write_atomically(self.report_path, (json.dumps(report, indent=2) + "\n").encode())


def _read_lines(path):
    """Records of a file of JSON lines; none if there is no file."""
    if not os.path.isfile(path):
        return []
    records = []
    with open(path, "rb") as file:
        for line in file:
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if isinstance(record, dict):
                records.append(record)
    return records


def _forget_lines_after(path, step):
    records = _read_lines(path)
    # An evaluation of a checkpoint whose step nobody knows stays.
    kept = [record for record in records if (record.get("step") or 0) <= step]
    if len(kept) < len(records):
        write_atomically(path, "".join(json.dumps(record) + "\n" for record in kept).encode())


def _append_line(path, record):
    with named_in_errors(path), open(path, "ab+") as file:
        # A killed process may have left half a line, which must not swallow this one.
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 1))
        separator = b"" if file.read(1) in (b"", b"\n") else b"\n"
        file.write(separator + json.dumps(record).encode() + b"\n")
