"""The images of the ImageNet challenge at a path: found, described, listed and checked."""

import os
from typing import Callable, Optional

import tensorflow as tf

from preprocessing.data_error import DataError
from preprocessing.ilsvrc import challenge
from preprocessing.ilsvrc.archive_images import class_of_archive, scan_archive, scan_class_archives
from preprocessing.ilsvrc.counts import check_split
from preprocessing.ilsvrc.folder_images import scan_folder
from preprocessing.ilsvrc.listing import Listing, unreadable
from preprocessing.ilsvrc.notes import Notes
from preprocessing.ilsvrc.search import Part, find_parts
from preprocessing.storage import is_local

_LOCAL_THREADS = 1
_REMOTE_THREADS = 32


class Source:
    """The challenge's images at one path.

    Args:
        path: where they were looked for.
        parts: where they are, one part per split.
        unused: what else was found.
    """

    def __init__(self, path: str, parts: list[Part], unused: list[Part]):
        self.path = path
        self._parts, self._unused = parts, unused
        self._notes = Notes()

    @property
    def notes(self) -> list[str]:
        """What `scan` accepted but should be known, one line each."""
        return self._notes.lines()

    def describe(self) -> str:
        """What was found, a line per split, before any work is done.

        Raises:
            DataError: if it cannot be looked at, as what a broken link points to.
        """
        found = {part.split: part for part in self._parts}
        lines = [f"Images of ILSVRC 2012 in {self.path}:"]
        for split in challenge.COUNTS:
            try:
                text = found[split].describe() if split in found else "none found"
            except (OSError, tf.errors.OpError) as error:
                raise unreadable(found[split].path, error) from error
            lines.append(f"  {split + ':':12}{text}")
        lines += [
            f"  not used:   {part.path}: {part.split} is taken from an archive"
            for part in self._unused
        ]
        return "\n".join(lines)

    def scan(
        self, allow_partial: bool = False, progress: Optional[Callable[[int], None]] = None
    ) -> dict[str, Listing]:
        """Lists all images, without reading them, and checks names and counts.

        Args:
            allow_partial: whether images, classes and splits may be missing.
            progress: called now and then with the number of images found so far.

        Returns:
            Split name to its images, in any order; splits that are not there are left out.

        Raises:
            DataError: if something is wrong with an archive, a folder or a name; if images, or
                all of the train or validation split, are missing, or too many, and
                `allow_partial` is not set.
        """
        self._notes = Notes()
        if not allow_partial:
            self._check_splits()
        listings, count = {}, 0
        for part in self._parts:
            groups = []
            try:
                for group in self._groups(part):
                    groups.append(group)
                    count += len(group.names)
                    if progress is not None:
                        progress(count)
            except (OSError, tf.errors.OpError) as error:
                raise unreadable(getattr(error, "filename", None) or part.path, error) from error
            listing = Listing.from_groups(groups)
            check_split(part.split, listing, allow_partial, self._notes)
            listings[part.split] = listing
        for split in challenge.COUNTS:
            if split not in listings:
                self._notes.say(f"There is no {split} split.")
        return listings

    def _check_splits(self):
        found = {part.split for part in self._parts}
        for split in challenge.LABELLED:
            if split not in found:
                archive = challenge.ARCHIVES[split].pattern.replace("\\", "")
                raise DataError(
                    f"{self.path}: no {split} split; neither {archive} nor a folder "
                    f"{challenge.FOLDERS[split][0]} is there. Put it there, or give --source as a "
                    "folder with both splits, or --allow_partial to go without."
                )

    def _groups(self, part):
        threads = _LOCAL_THREADS if is_local(part.path) else _REMOTE_THREADS
        if not part.is_archive:
            return scan_folder(part.path, part.split, self._notes, threads)
        folder, name = os.path.split(part.path)
        if class_of_archive(name):
            return scan_class_archives(folder or ".", [name], self._notes, threads)
        return scan_archive(part.path, part.split, self._notes, threads)


def find_source(path: str) -> Source:
    """Finds the challenge's images, however they lie at a path.

    Args:
        path: an archive of the challenge, a class archive, a folder of images, class folders
            or class archives; or a folder that has these in it, or one level below.

    Raises:
        DataError: if there are none, saying what was looked for and what is there instead;
            if they are compressed; if there are several.
    """
    path = path.rstrip("/") if not path.endswith("://") else path
    try:
        return Source(path, *find_parts(path))
    except (OSError, tf.errors.OpError) as error:
        raise unreadable(path, error) from error
