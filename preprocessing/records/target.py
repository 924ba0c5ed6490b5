"""The folder of a data set that is being written: claimed, resumed, finished, never half there."""

import contextlib
import dataclasses
import json
import os
import shutil
from collections.abc import Iterator
from typing import Any, Optional

import tensorflow as tf

from preprocessing.data_error import DataError
from preprocessing.error_text import first_line
from preprocessing.records.metadata import INFO_FILE
from preprocessing.records.shard import ShardResult, ShardTask, remove_unfinished, write_file
from preprocessing.storage import is_local, join, names_in

_PLAN = "plan.json"
_LOCK = "lock"
_FINISHED = ".json"  # Behind a shard's name: what was written.


class Target:
    """A data set's folder `<data_dir>/<dataset>/<version>` and the one it is written in.

    Until everything is there, all is in `.<version>.unfinished` beside it: the shards in
    a folder that then becomes the data set by a rename, and what is known of them.

    Args:
        data_dir: folder of tfds data sets.
        dataset: name, with a configuration behind a slash if it has one.
        version: of the data set.
    """

    def __init__(self, data_dir: str, dataset: str, version: str):
        self.data_dir = data_dir
        self.folder = join(data_dir, dataset, version)
        self.unfinished = join(data_dir, dataset, f".{version}.unfinished")
        self.shards = join(self.unfinished, "shards")

    def finished_splits(self) -> Optional[dict[str, int]]:
        """Images of each split of the finished data set; None if there is none.

        Raises:
            DataError: if the folder is there but no whole data set.
        """
        if not tf.io.gfile.exists(self.folder):
            return None
        from tensorflow_datasets.core.read_only_builder import builder_from_directory

        advice = "Move it away or delete it, then repeat the command."
        if not tf.io.gfile.exists(join(self.folder, INFO_FILE)):
            if tf.io.gfile.exists(join(self.unfinished, _PLAN)):
                return None  # A run was killed while it moved the shards there.
            raise DataError(
                f"{self.folder} is there but has no {INFO_FILE}: something left it half-written. "
                f"{advice}"
            )
        try:
            splits = builder_from_directory(self.folder).info.splits
            missing = [
                path
                for split in splits.values()
                for path in map(os.fspath, split.filepaths)
                if not tf.io.gfile.exists(path)
            ]
        except Exception as error:  # tfds has its own exception for each way to be wrong.
            reason = first_line(error)
            raise DataError(f"{self.folder} is no data set: {reason}. {advice}") from error
        if missing or not splits:
            lack = f"{len(missing)} shards, as {missing[0]}" if missing else "all splits"
            raise DataError(f"{self.folder} is half-written: it lacks {lack}. {advice}")
        return {name: split.num_examples for name, split in splits.items()}

    def leftovers(self) -> list[str]:
        """Folders that tfds left behind when it was killed while writing this data set."""
        parent = os.path.dirname(self.folder)
        if not tf.io.gfile.isdir(parent):
            return []
        return [join(parent, n) for n in names_in(parent) if n.startswith("incomplete.")]

    def begun_splits(self) -> dict[str, Any]:
        """The plan's splits that an earlier run began with; none if there was no such run."""
        plan = self._begun_plan()
        return plan["splits"] if plan else {}

    def _begun_plan(self):
        path = join(self.unfinished, _PLAN)
        if not tf.io.gfile.exists(path):
            return None
        with tf.io.gfile.GFile(path) as file:
            return json.load(file)

    @contextlib.contextmanager
    def claim(self, plan: dict) -> Iterator[None]:
        """Makes or reopens the folder for one job alone.

        Args:
            plan: what is to be written, in JSON's types: a job that was begun with
                another cannot be gone on with.

        Raises:
            DataError: if another job writes there, or was to write something else.
        """
        tf.io.gfile.makedirs(self.shards)
        with self._locked():
            begun = self._begun_plan()
            if begun is None:
                write_file(self.unfinished, _PLAN, json.dumps(plan, indent=1).encode())
            elif begun.get("format") != plan["format"]:
                raise DataError(
                    f"{self.unfinished} was begun by another version of this command, whose notes "
                    f"of what is finished are of format {begun.get('format', 1)}. Expected format "
                    f"{plan['format']}: delete that folder to start anew."
                )
            elif begun != plan:
                raise DataError(
                    f"{self.unfinished} was begun with {_difference(begun, plan)}. Give the "
                    "same source and settings to go on, or delete that folder to start anew."
                )
            remove_unfinished(self.unfinished)
            remove_unfinished(self.shards)
            yield

    @contextlib.contextmanager
    def _locked(self):
        """Holds a lock that ends with the process, however that ends. Local folders only."""
        try:
            import fcntl
        except ImportError:  # Windows has no such lock.
            fcntl = None
        if fcntl is None or not is_local(self.unfinished):
            yield
            return
        descriptor = os.open(join(self.unfinished, _LOCK), os.O_CREAT | os.O_RDWR)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise DataError(
                    f"{self.unfinished} is being written by another process. Wait for it to end."
                ) from error
            yield
        finally:
            os.close(descriptor)

    def finished_shard(self, task: ShardTask) -> Optional[ShardResult]:
        """What an earlier run wrote as this shard.

        Returns:
            None if it is not whole, of other images, or of images that were to be decoded
            and were not.
        """
        try:
            with tf.io.gfile.GFile(self._note_path(task.file_name)) as file:
                content = json.load(file)
            result = ShardResult(**{**content, "skipped": tuple(content["skipped"])})
            unchecked = task.encoder.check and not result.checked
            if result.digest != task.images.digest or unchecked:
                return None
            for folder in (self.shards, self.folder):
                path = join(folder, task.file_name)
                if tf.io.gfile.exists(path):
                    return result if tf.io.gfile.stat(path).length == result.file_bytes else None
        except (tf.errors.NotFoundError, ValueError, TypeError, KeyError):
            pass
        return None

    def note_finished(self, name: str, result: ShardResult):
        """Remembers that a shard is whole."""
        content = json.dumps(dataclasses.asdict(result)).encode()
        write_file(self.unfinished, name + _FINISHED, content)

    def forget_finished(self, name: str):
        """Removes the note of a shard, whose file may from now on be another."""
        with contextlib.suppress(tf.errors.NotFoundError):
            tf.io.gfile.remove(self._note_path(name))

    def _note_path(self, name):
        return join(self.unfinished, name + _FINISHED)

    def free_bytes(self) -> Optional[int]:
        """Free space; None where that is not known."""
        if not is_local(self.unfinished):
            return None
        folder = os.path.abspath(self.unfinished)
        while not os.path.exists(folder):
            folder = os.path.dirname(folder)
        return shutil.disk_usage(folder).free

    def finish(self):
        """Makes the shards the data set."""
        remove_unfinished(self.shards)
        if not is_local(self.shards):
            # An object storage has no folders to rename. What makes a data set of them comes last.
            names = sorted(names_in(self.shards), key=lambda name: name == INFO_FILE)
            tf.io.gfile.makedirs(self.folder)
            for name in names:
                tf.io.gfile.rename(join(self.shards, name), join(self.folder, name), overwrite=True)
        else:
            tf.io.gfile.rename(self.shards, self.folder)
        self.remove_notes()

    def remove_notes(self):
        """Removes what only an unfinished data set needs."""
        if tf.io.gfile.exists(self.unfinished):
            tf.io.gfile.rmtree(self.unfinished)


def _difference(begun, plan):
    """Where two plans first differ, in words."""

    def differing(old, new, name=""):
        if isinstance(old, dict) and isinstance(new, dict):
            for key in [*old, *(key for key in new if key not in old)]:
                found = differing(old.get(key), new.get(key), f"{name} {key}".strip())
                if found:
                    return found
            return None
        return None if old == new else f"{name} {old} instead of {new}"

    return differing(begun, plan)
