"""A whole data set written shard by shard, by several processes, over any number of runs."""

import contextlib
import dataclasses
import functools
import time
from collections.abc import Iterator
from typing import Any, Callable, Optional

from preprocessing.data_error import DataError
from preprocessing.records.metadata import write_metadata
from preprocessing.records.order import file_bytes
from preprocessing.records.shard import ShardResult, ShardTask, list_undecodable, write_shard
from preprocessing.records.target import Target
from preprocessing.records.worker_processes import run_tasks

_SPARE_BYTES = 64 << 20  # of free space beyond the records
_FORMAT = 2  # of the plan and the notes of finished shards; format 1 had no digest of each


@dataclasses.dataclass(frozen=True)
class SplitPlan:
    """One split of a data set to be written.

    Attributes:
        shards: its shards, in order.
        record_bytes: expected length of all its records.
        digest: of names and labels of its images: what an earlier run must have begun with.
    """

    shards: list[ShardTask]
    record_bytes: int
    digest: str

    @property
    def num_images(self) -> int:
        return sum(len(shard.images) for shard in self.shards)


@dataclasses.dataclass(frozen=True)
class Conversion:
    """A data set to be written.

    Attributes:
        target: its folder.
        info: called for `tfds.core.DatasetInfo`.
        splits: name to plan.
        settings: what else decides the result, in JSON's types.
    """

    target: Target
    info: Callable[[], Any]
    splits: dict[str, SplitPlan]
    settings: dict[str, Any]

    @property
    def plan(self) -> dict[str, Any]:
        """What decides the result, to recognise it in a later run."""
        splits = {
            name: {
                "images": split.num_images,
                "shards": len(split.shards),
                "digest": split.digest,
            }
            for name, split in self.splits.items()
        }
        return {"format": _FORMAT, "settings": self.settings, "splits": splits}

    @property
    def num_images(self) -> int:
        return sum(split.num_images for split in self.splits.values())

    @property
    def file_bytes(self) -> int:
        """Expected length of all shards."""
        return sum(file_bytes(s.num_images, s.record_bytes) for s in self.splits.values())


# Writes shards and remembers them in the target, reporting numbers of images done; yields
# the index of each task and its result.
Engine = Callable[[list[ShardTask], Target, Callable[[int], None]], Iterator[Any]]


def with_processes(processes: int) -> Engine:
    """The engine of one machine."""

    def write(tasks, target, progress):
        function = functools.partial(write_and_note, target=target)
        return run_tasks(function, tasks, processes, progress)

    return write


def write_and_note(task: ShardTask, report: Callable[[int], None], target: Target) -> ShardResult:
    """Writes a shard and remembers that it is whole."""
    target.forget_finished(task.file_name)
    result = write_shard(task, target.shards, report)
    target.note_finished(task.file_name, result)
    return result


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a run has done.

    Attributes:
        splits: name to the results of its shards.
        images: how many images this run wrote; others an earlier run had written.
        seconds: how long it took.
    """

    splits: dict[str, list[ShardResult]]
    images: int
    seconds: float

    @property
    def skipped(self) -> list[str]:
        """Images left out, with the reason."""
        return [name for shards in self.splits.values() for s in shards for name in s.skipped]


def convert(
    conversion: Conversion,
    engine: Engine,
    max_undecodable: int = 0,
    progress_bar: Optional[Callable[..., Any]] = None,
) -> Outcome:
    """Writes the shards that are not there yet, then the metadata.

    Killed at any moment, it can be called again and goes on. Shards of images that were
    replaced meanwhile are written again, as are those that left out more than may be, and
    those whose images no run has decoded if this one is to.

    Args:
        conversion: what to write.
        engine: who writes.
        max_undecodable: how many images may be left out because they are none.
        progress_bar: called with `total` and `initial` numbers of images for an object
            with `update(count)` and `close()`; None shows nothing.

    Raises:
        DataError: if space is lacking, before or while writing; if an image cannot be
            decoded, or more than may be; if the folder cannot be claimed.
    """
    target, started = conversion.target, time.monotonic()
    with target.claim(conversion.plan):
        tasks = [task for split in conversion.splits.values() for task in split.shards]
        finished = {task.file_name: target.finished_shard(task) for task in tasks}
        if len(_skipped(finished)) > max_undecodable:
            # Since then these images may have been replaced by others as long.
            finished = {
                name: None if result and result.skipped else result
                for name, result in finished.items()
            }
        pending = [task for task in tasks if finished[task.file_name] is None]
        images = sum(len(task.images) for task in pending)
        _check_space(conversion, finished)
        bar = progress_bar and progress_bar(
            total=conversion.num_images, initial=conversion.num_images - images
        )
        try:
            written = engine(pending, target, bar.update if bar else lambda count: None)
            # Closed first of all: no worker writes any more when this function ends.
            with contextlib.closing(written):
                for index, result in written:
                    finished[pending[index].file_name] = result
                    _check_budget(finished, max_undecodable)
        except DataError as error:
            done = sum(result is not None for result in finished.values())
            raise DataError(
                f"{error}. {done} of {len(tasks)} shards are finished and stay in "
                f"{target.unfinished}: the same command goes on from there."
            ) from error
        finally:
            if bar:
                bar.close()
        splits = {
            name: [finished[task.file_name] for task in split.shards]
            for name, split in conversion.splits.items()
        }
        write_metadata(target.shards, conversion.info(), splits)
        target.finish()
    return Outcome(splits, images, time.monotonic() - started)


def _check_space(conversion, finished):
    free = conversion.target.free_bytes()
    written = sum(result.file_bytes for result in finished.values() if result)
    needed = conversion.file_bytes - written + _SPARE_BYTES
    if free is not None and free < needed:
        raise DataError(
            f"{conversion.target.data_dir} has {free / 1e9:.1f} GB free, and "
            f"{needed / 1e9:.1f} GB are needed. Free some, or give another --data_dir."
        )


def _skipped(finished):
    return [name for result in finished.values() if result for name in result.skipped]


def _check_budget(finished, max_undecodable):
    skipped = _skipped(finished)
    if len(skipped) > max_undecodable:
        raise DataError(
            f"{list_undecodable(skipped)}. That is more than --max_undecodable={max_undecodable}: "
            "replace them, or give a higher number"
        )
