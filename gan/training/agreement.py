"""Whether all workers start from the same checkpoint: each may see a run folder of its own."""

import json
import zlib
from collections.abc import Sequence
from typing import Optional

import numpy as np
import tensorflow as tf

from gan.training.cluster import num_workers, worker_index
from gan.training.strategy import lost_workers_explained
from gan.training.training_error import TrainingError


def check_same_start(
    strategy: tf.distribute.Strategy,
    folder: str,
    step: int,
    arrays: Optional[dict[str, np.ndarray]] = None,
):
    """Checks that this worker is to go on from what all others go on from.

    To be called by all workers at once; without others it returns at once.

    Args:
        strategy: of the job.
        folder: this worker's run folder.
        step: that it goes on from; 0 for a new run.
        arrays: what it goes on with, by name; None before that is read.

    Raises:
        TrainingError: in every worker, if one has another step or other arrays.
        StrategyError: if a worker has ended.
    """
    starts = _of_workers(strategy, [step, checksum(arrays or {})])
    if starts:
        compare(folder, worker_index(), starts)


def check_same_data(
    strategy: tf.distribute.Strategy, class_names: Optional[Sequence[str]], images: int
):
    """Checks that this worker reads the same classes, and as many images, as all others.

    To be called by all workers at once; without others it returns at once.

    Args:
        strategy: of the job.
        class_names: of the data, by label; None where it has no names.
        images: to train on, of all workers together.

    Raises:
        TrainingError: in every worker, if one reads other data.
        StrategyError: if a worker has ended.
    """
    data = _of_workers(strategy, [zlib.crc32(json.dumps(class_names).encode()), images])
    if data:
        compare_data(worker_index(), data)


def _of_workers(strategy, numbers) -> Optional[list[list[int]]]:
    """What every worker calls this with, by its index; None where there are no others."""
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return None
    with lost_workers_explained():
        rows = gather(strategy, numbers)
    return rows[:: len(rows) // num_workers()].tolist()  # Replicas are numbered worker by worker.


def gather(strategy: tf.distribute.Strategy, numbers: list[int]) -> np.ndarray:
    """What every process calls this with: int64 `[replicas, count]`, as replicas are numbered."""

    def own_row(context):
        rows = np.zeros([context.num_replicas_in_sync, len(numbers)], np.int64)
        rows[context.replica_id_in_sync_group] = numbers
        return tf.constant(rows)

    values = strategy.experimental_distribute_values_from_function(own_row)
    return strategy.reduce(tf.distribute.ReduceOp.SUM, values, axis=None).numpy()


def checksum(arrays: dict[str, np.ndarray]) -> int:
    """Of names and bits."""
    crc = 0
    for name in sorted(arrays):
        crc = zlib.crc32(
            np.ascontiguousarray(arrays[name]).tobytes(), zlib.crc32(name.encode(), crc)
        )
    return crc


def compare_data(own: int, data: list[list[int]]):
    """Checks that all workers read one data set.

    Args:
        own: index of this worker.
        data: checksum of the classes and number of images of every worker.

    Raises:
        TrainingError: if they do not.
    """
    classes, images = data[own]
    others = [
        f"worker {index} finds {'other classes' if theirs != classes else f'{count} images'}"
        for index, (theirs, count) in enumerate(data)
        if [theirs, count] != data[own]
    ]
    if others:
        raise TrainingError(
            f"--dataset: worker {own} finds {images} images to train on, {', '.join(others)}. All "
            "must read the same data: compare the folders of the data sets on these machines."
        )


def compare(folder: str, own: int, starts: list[list[int]]):
    """Checks that all workers have one start.

    Args:
        folder: run folder of this worker.
        own: its index.
        starts: step and checksum of every worker.

    Raises:
        TrainingError: if they have not.
    """
    step = starts[own][0]
    others = [
        f"worker {index} from step {other}"
        if other != step
        else f"worker {index} from other weights"
        for index, (other, crc) in enumerate(starts)
        if [other, crc] != starts[own]
    ]
    if others:
        raise TrainingError(
            f"--run={folder}: worker {own} would go on from step {step} of this folder, "
            f"{', '.join(others)}. All must go on from the same checkpoint: put the run folder on "
            "a disk that all workers share, or copy worker 0's to all others, and give the same "
            "command again."
        )
