"""Checkpoints that are whole or absent: written aside, checked, renamed."""

import contextlib
import os
import shutil
import tempfile

import numpy as np
import tensorflow as tf

from checkpoints.checkpoint_files import checkpoint_files, find_steps, record_newest
from gan.atomic_file import UNFINISHED
from gan.training.training_error import DivergenceError, TrainingError


def save_checkpoint(folder: str, step: int, arrays: dict[str, np.ndarray], kept: int):
    """Writes `model.ckpt-STEP` and removes the oldest ones but `kept`.

    A kill at any moment leaves the older checkpoints as they were, and this one
    whole or not there; what it leaves aside, `checkpoint_files.settle` removes.

    Args:
        folder: of the run's checkpoints; made if missing.
        step: of the checkpoint.
        arrays: variable names to values.
        kept: number of newest checkpoints to keep.

    Returns:
        Path prefix of the checkpoint.

    Raises:
        DivergenceError: if a value is not finite; nothing is written then.
        TrainingError: if it cannot be written, the disk being full or other.
    """
    check_finite(step, arrays)
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, f"model.ckpt-{step}")
    try:
        _write(folder, path, arrays)
    except (OSError, tf.errors.OpError) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        older = find_steps(folder)
        rest = f"The one of step {older[-1]} is whole" if older else "There is no older one"
        raise TrainingError(
            f"{path}: the checkpoint cannot be written ({reason}). {rest}. Make room, and give the "
            "same command again."
        ) from error
    for old in find_steps(folder)[:-kept]:
        for file in checkpoint_files(os.path.join(folder, f"model.ckpt-{old}")):
            os.remove(file)
    record_newest(folder)
    return path


def check_finite(step: int, arrays: dict[str, np.ndarray]):
    """Raises DivergenceError if a value is not finite."""
    for name, value in arrays.items():
        if np.issubdtype(value.dtype, np.floating) and not np.isfinite(value).all():
            raise DivergenceError(f"{name} is not finite at step {step}")


def _write(folder, path, arrays):
    aside = tempfile.mkdtemp(dir=folder, prefix=UNFINISHED)
    try:
        name = os.path.basename(path)
        tf.raw_ops.SaveV2(
            prefix=os.fsencode(os.path.join(aside, name)),
            tensor_names=list(arrays),
            shape_and_slices=[""] * len(arrays),
            tensors=[tf.convert_to_tensor(array) for array in arrays.values()],
        )
        # Without its index there is no checkpoint: it goes last.
        for file in reversed(checkpoint_files(os.path.join(aside, name))):
            with open(file, "rb") as written:
                os.fsync(written.fileno())
            os.replace(file, os.path.join(folder, os.path.basename(file)))
        _sync(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _sync(folder):
    # Not every file system lets folders be synchronised.
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
