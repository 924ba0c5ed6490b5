"""TensorFlow checkpoint files: finding, checking and reading them, in any TensorFlow."""

import glob
import os
import re
from typing import Optional

import numpy as np
import tensorflow as tf


class CheckpointError(ValueError):
    """A checkpoint that is missing, damaged or does not fit; the message names it."""


def find_steps(folder: str) -> list[int]:
    """Steps of the complete checkpoints `model.ckpt-STEP` in a folder, oldest first."""
    steps = []
    for index in glob.glob(os.path.join(glob.escape(folder), "model.ckpt-*.index")):
        match = re.fullmatch(r"model\.ckpt-(\d+)\.index", os.path.basename(index))
        if match:
            steps.append(int(match[1]))
    return sorted(steps)


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
    try:
        reader = tf.train.load_checkpoint(path)
        names = [name for name in reader.get_variable_to_shape_map() if name.startswith(prefix)]
        return {name: reader.get_tensor(name) for name in sorted(names)}
    except (tf.errors.OpError, RuntimeError, ValueError, IndexError, SystemError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise CheckpointError(_damaged(path, reason)) from error


def verify(path: str):
    """Reads a checkpoint as a whole.

    Raises:
        CheckpointError: if it is damaged, or holds a number that is not finite.
    """
    for name, value in read_variables(path).items():
        if np.issubdtype(value.dtype, np.floating) and not np.isfinite(value).all():
            raise CheckpointError(_damaged(path, f"{name} is not finite"))


def settle(folder: str):
    """Makes a folder fit to go on from its newest complete checkpoint.

    Removes what a kill inside the last save left, and points TensorFlow's own
    record, the file `checkpoint`, at the newest one: TensorFlow goes by that
    file alone, starts from scratch if it is gone, and fails if the checkpoint
    it names was deleted. A damaged checkpoint that was once recorded stays, for
    `verify` to complain about.
    """
    state = tf.train.get_checkpoint_state(folder)
    recorded = (
        [os.path.basename(path) for path in state.all_model_checkpoint_paths] if state else []
    )
    for step in find_steps(folder):
        path = os.path.join(folder, f"model.ckpt-{step}")
        if os.path.basename(path) not in recorded:
            try:
                read_variables(path)
            except CheckpointError:
                for file in glob.glob(glob.escape(path) + ".*"):
                    os.remove(file)
    paths = [os.path.join(folder, f"model.ckpt-{step}") for step in find_steps(folder)]
    if paths and (state is None or state.model_checkpoint_path != paths[-1]):
        tf.compat.v1.train.update_checkpoint_state(folder, paths[-1], paths)


def _damaged(path, reason):
    folder, name = os.path.split(path)
    step = int(name.rsplit("-", 1)[1])
    older = [other for other in find_steps(folder) if other < step]
    advice = (
        f"Delete {name}.* to go on from step {older[-1]}."
        if older
        else "There is no older one: delete the run folder and start again."
    )
    return f"{path}: the checkpoint is damaged ({reason}). {advice}"
