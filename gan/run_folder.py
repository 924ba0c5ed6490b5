"""Where everything about one training run lies.

```
runs/digits/
  config.json           the whole job; written first
  checkpoints/          model.ckpt-STEP..., TensorBoard events
  grids/                step_000250.png: fixed latents, one row per class
  samples/              what gan.generate draws
  judge.npz             the classifier that judges generated images
  metrics.jsonl         one line per evaluation
  eval/                 the same for TensorBoard
  progress.json         step and seconds of the newest checkpoint
  report.json           the figures of the finished run
```
"""

import contextlib
import fcntl
import json
import os
from typing import Any

from gan.atomic_file import is_unfinished, write_atomically
from gan.config import ExperimentConfig, field_names

# What the checkpoints, figures and step counts of a run depend on: the model, and these.
_FIXED = [("model", name) for name in field_names("model")] + [
    ("data", "dataset"),
    ("data", "train_split"),
    ("data", "test_split"),
    ("training", "seed"),
    ("training", "batch_size"),
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
    def judge_path(self):
        return os.path.join(self.path, "judge.npz")

    @property
    def metrics_path(self):
        return os.path.join(self.path, "metrics.jsonl")

    @property
    def report_path(self):
        return os.path.join(self.path, "report.json")

    @property
    def _progress_path(self):
        return os.path.join(self.path, "progress.json")

    @property
    def samples_dir(self):
        return os.path.join(self.path, "samples")

    def grid_path(self, step: int) -> str:
        return os.path.join(self.path, "grids", f"step_{step:06d}.png")

    def read_config(self) -> ExperimentConfig:
        """The configuration the folder was trained with.

        Raises:
            RunFolderError: if the folder is none of ours.
            ConfigError: if its configuration cannot be read.
        """
        if not os.path.isdir(self.path):
            raise RunFolderError(
                f"--run={self.path}: there is no such folder. Expected one that "
                "`python -m gan.train --run=...` made."
            )
        if not os.path.isfile(self.config_path):
            raise RunFolderError(
                f"--run={self.path}: the folder has no config.json. Expected one that "
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
                    old_value = f"give --{name}={before}" if before is not None else f"no --{name}"
                    raise RunFolderError(
                        f"--run={self.path}: the folder was trained with {name}={before}, now "
                        f"{name}={now}. Choose another --run, or {old_value} to go on."
                    )
        elif os.path.isdir(self.path) and any(
            not is_unfinished(name) for name in os.listdir(self.path)
        ):
            raise RunFolderError(
                f"--run={self.path}: the folder is not empty and has no config.json. "
                "Choose a new folder, or one that gan.train made."
            )
        elif os.path.exists(self.path) and not os.path.isdir(self.path):
            raise RunFolderError(f"--run={self.path}: this is a file. Choose a folder.")

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
                    f"--run={self.path}: another process is training here. Wait for it, or choose "
                    "another --run."
                ) from error
            yield

    def write_config(self, config: ExperimentConfig):
        """Writes `config.json`, the first file of a run.

        Raises:
            RunFolderError: if the folder cannot be written.
        """
        try:
            write_atomically(self.config_path, config.to_json().encode())
        except OSError as error:
            raise RunFolderError(
                f"--run={self.path}: cannot be written ({error.strerror}). Choose another folder."
            ) from error

    def write_progress(self, step: int, seconds: float):
        """Records how long training to a checkpoint took."""
        progress = {"step": step, "seconds": seconds}
        write_atomically(self._progress_path, (json.dumps(progress) + "\n").encode())

    def seconds_at(self, step: int) -> float:
        """Seconds of training up to `step`, as far as recorded; 0 at the start."""
        try:
            with open(self._progress_path, encoding="utf-8") as file:
                progress = json.load(file)
            # Asked for an older checkpoint, assume an even pace.
            return progress["seconds"] * min(1.0, step / max(1, progress["step"]))
        except (OSError, ValueError, KeyError, TypeError):
            return 0.0  # A record for people: not worth stopping a job for.

    def metrics(self) -> list[dict[str, Any]]:
        """The recorded evaluations, oldest first. A half-written last line is left out."""
        if not os.path.isfile(self.metrics_path):
            return []
        records = []
        with open(self.metrics_path, encoding="utf-8") as file:
            for line in file:
                try:
                    records.append(json.loads(line))
                except ValueError:
                    continue
        return records

    def forget_metrics_after(self, step: int):
        """Drops the records of later checkpoints, which are about to be trained again."""
        records = self.metrics()
        kept = [record for record in records if record["step"] <= step]
        if len(kept) < len(records):
            lines = "".join(json.dumps(record) + "\n" for record in kept)
            write_atomically(self.metrics_path, lines.encode())

    def add_metrics(self, record: dict[str, Any]):
        """Appends one evaluation."""
        with open(self.metrics_path, "ab+") as file:
            # A killed process may have left half a line, which must not swallow this one.
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 1))
            separator = b"" if file.read(1) in (b"", b"\n") else b"\n"
            file.write(separator + json.dumps(record).encode() + b"\n")

    def write_report(self, report: dict[str, Any]):
        write_atomically(self.report_path, (json.dumps(report, indent=2) + "\n").encode())
