"""TensorFlow checkpoint files: finding, checking and reading them, in any TensorFlow."""

import contextlib
import glob
import os
import re
import shutil
from typing import Optional

import numpy as np
import tensorflow as tf

from gan.atomic_file import is_unfinished, write_atomically

_BLOCK = 2**24  # bytes


class CheckpointError(ValueError):
    """A checkpoint that is missing, damaged or does not fit; the message names it.

    Attributes:
        reason: of a damaged one, what is wrong with it, without path and advice; else "".
    """

    def __init__(self, message: str, reason: str = ""):
        super().__init__(message)
        self.reason = reason


class UnreadableError(CheckpointError):
    """A checkpoint whose files the system does not give: it may be whole."""


def find_steps(folder: str) -> list[int]:
    """Steps of the complete checkpoints `model.ckpt-STEP` in a folder, oldest first."""
    indices = glob.glob(os.path.join(glob.escape(folder), "model.ckpt-*.index"))
    steps = (step_in_name(os.path.basename(index)[: -len(".index")]) for index in indices)
    return sorted(step for step in steps if step is not None)


def step_in_name(name: str) -> Optional[int]:
    """The step in a checkpoint's name `model.ckpt-STEP`; None if it has another name."""
    match = re.fullmatch(r"model\.ckpt-(\d+)", name)
    return int(match[1]) if match else None


def find_checkpoint(folder: str, step: Optional[int] = None) -> str:
    """Path prefix of a checkpoint.

    Args:
        folder: where the checkpoints are.
        step: which one; None for the newest.

    Raises:
        CheckpointError: if there is none.
    """
    steps = find_steps(folder)
    if not steps:
        raise CheckpointError(
            f"{folder}: no checkpoint here. Expected files model.ckpt-STEP.index and .data."
        )
    if step is not None and step not in steps:
        raise CheckpointError(
            f"{folder}: no checkpoint of step {step}. There are: {', '.join(map(str, steps))}."
        )
    return os.path.join(folder, f"model.ckpt-{steps[-1] if step is None else step}")


class VariableReader:
    """The variables of a checkpoint, read one by one.

    Args:
        path: path prefix of the checkpoint.

    Attributes:
        path: the same.
        shapes: full names to shapes, sorted by name.

    Raises:
        CheckpointError: if a file is missing or damaged.
    """

    def __init__(self, path: str):
        self.path = path
        with _damage_named(path):
            # `tf.train.load_checkpoint` would take a name that is not UTF-8 for a damage.
            self._reader = tf.compat.v1.train.NewCheckpointReader(os.fsencode(path))
            shapes = self._reader.get_variable_to_shape_map()
        self.shapes = {name: tuple(shapes[name]) for name in sorted(shapes)}

    def read(self, name: str) -> np.ndarray:
        """Reads one variable.

        Raises:
            CheckpointError: if it is damaged.
        """
        with _damage_named(self.path):
            return np.asarray(self._reader.get_tensor(name))


def read_variables(path: str, prefix: str = "") -> dict[str, np.ndarray]:
    """Reads all variables of a checkpoint whose names start with `prefix`.

    Args:
        path: path prefix of the checkpoint.
        prefix: of the names; "" for all.

    Returns:
        Full names to arrays.

    Raises:
        CheckpointError: if a file is missing or damaged.
    """
    reader = VariableReader(path)
    return {name: reader.read(name) for name in reader.shapes if name.startswith(prefix)}


def verify(path: str):
    """Reads a checkpoint as a whole.

    Raises:
        CheckpointError: if it is damaged, or holds a number that is not finite.
    """
    for name, value in read_variables(path).items():
        if np.issubdtype(value.dtype, np.floating) and not np.isfinite(value).all():
            raise _damaged(path, f"{name} is not finite")


def settle(folder: str) -> list[str]:
    """Makes a folder fit to go on from its newest checkpoint that is whole.

    Removes what a kill inside the last save left, and no checkpoint. Those newer than
    the newest whole one, which are damaged or not finite, are set aside as
    `damaged-model.ckpt-STEP.*`.

    Returns:
        What was set aside and why, one line each.

    Raises:
        CheckpointError: if there are checkpoints, but none is whole, or one that may be
            cannot be read; all stay as they are.
    """
    _remove_unfinished(folder)
    damaged = {}
    for step in reversed(find_steps(folder)):
        path = os.path.join(folder, f"model.ckpt-{step}")
        try:
            verify(path)
            break
        except UnreadableError:
            raise
        except CheckpointError as error:
            damaged[path] = error
    else:
        if damaged:
            raise next(iter(damaged.values()))
    notes = []
    for path, error in damaged.items():
        name = os.path.basename(path)
        for file in checkpoint_files(path):
            os.replace(file, os.path.join(folder, f"damaged-{os.path.basename(file)}"))
        notes.append(f"{path}: damaged ({error.reason}), set aside as damaged-{name}.*.")
    record_newest(folder)
    return notes


def record_newest(folder: str):
    """Points TensorFlow's own record, the file `checkpoint`, at the newest checkpoint.

    TensorFlow's estimator goes by that file alone, starts from scratch if it is
    gone, and fails if the checkpoint it names was deleted. Names in it are of that folder.
    """
    # Written here, as TensorFlow writes it to folders with UTF-8 names alone.
    names = [f"model.ckpt-{step}" for step in find_steps(folder)]
    if names:
        lines = [f'model_checkpoint_path: "{names[-1]}"']
        lines += [f'all_model_checkpoint_paths: "{name}"' for name in names]
        write_atomically(os.path.join(folder, "checkpoint"), "\n".join([*lines, ""]).encode())


def checkpoint_files(path: str) -> list[str]:
    """The files of a checkpoint, its index first: without it, it is none."""
    files = glob.glob(glob.escape(path) + ".*")
    return sorted(files, key=lambda file: not file.endswith(".index"))


def _remove_unfinished(folder):
    for name in os.listdir(folder) if os.path.isdir(folder) else []:
        file = os.path.join(folder, name)
        if is_unfinished(name):
            shutil.rmtree(file) if os.path.isdir(file) else os.remove(file)
        elif match := re.match(r"(model\.ckpt-\d+)\.", name):
            index = os.path.join(folder, f"{match[1]}.index")
            if ".tempstate" in name or not os.path.isfile(index):
                os.remove(file)


@contextlib.contextmanager
def _damage_named(path):
    try:
        yield
    except (tf.errors.OpError, RuntimeError, ValueError, IndexError, SystemError) as error:
        # TensorFlow has the same errors for a file that is damaged and one that is not given.
        if problem := _unreadable(path):
            raise problem from error
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise _damaged(path, reason) from error


def _unreadable(path):
    for file in checkpoint_files(path):
        try:
            with open(file, "rb") as opened:
                while opened.read(_BLOCK):
                    pass
        except FileNotFoundError:
            continue  # Removed meanwhile: no doubt that it is no checkpoint any more.
        except OSError as error:
            return UnreadableError(
                f"{path}: the checkpoint cannot be read ({os.path.basename(file)}: "
                f"{error.strerror}). It may be whole: let this user read it, or mend the disk, and "
                "give the same command again."
            )
    return None


def _damaged(path, reason):
    folder, name = os.path.split(path)
    step = step_in_name(name)
    is_of_run = os.path.isfile(os.path.join(os.path.dirname(folder), "config.json"))
    if not is_of_run or os.path.basename(folder) != "checkpoints" or step is None:
        advice = "Copy or download it again."  # It is no run's of ours.
    elif older := [other for other in find_steps(folder) if other < step]:
        advice = f"Delete {name}.* to go on from step {older[-1]}."
    else:
        advice = "There is no older one: delete the run folder and start again."
    return CheckpointError(f"{path}: the checkpoint is damaged ({reason}). {advice}", reason)
