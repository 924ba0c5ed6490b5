"""The images in the challenge's tar archives, found by reading headers only."""

import re
from collections.abc import Iterator

from preprocessing.data_error import DataError
from preprocessing.data_file import DataFile
from preprocessing.ilsvrc import challenge
from preprocessing.ilsvrc.archive import members
from preprocessing.ilsvrc.image_group import GroupBuilder, ImageGroup, unknown_class
from preprocessing.ilsvrc.notes import Notes
from preprocessing.ilsvrc.threads import in_threads

_CLASS_ARCHIVE = re.compile(r"(n[0-9]{8})\.tar")


def class_of_archive(name: str) -> str:
    """The WordNet id of a class archive's base name; empty if it is none."""
    match = _CLASS_ARCHIVE.fullmatch(name)
    return match[1] if match else ""


def scan_archive(path: str, split: str, notes: Notes, threads: int) -> Iterator[ImageGroup]:
    """Finds the images of a split's archive: directly in it or in class archives in it.

    Args:
        path: of the archive.
        split: "train", "validation" or "test".
        notes: gets what is accepted but worth a line.
        threads: number of class archives that are walked at once.

    Yields:
        Groups of images.

    Raises:
        DataError: see `archive.members` and `GroupBuilder`; also if a class archive is of
            no class, or there twice.
    """
    inner = {}  # WordNet id -> (first byte, byte after the last)
    builder = GroupBuilder(split, path, path, notes)
    with DataFile(path) as file:
        for member in members(file, 0, file.size, path):
            folder, name = _place_in_archive(member, path, notes)
            if member.is_folder:
                continue
            wordnet_id = class_of_archive(name) if split == "train" else ""
            if not wordnet_id:
                builder.add(name, folder, member.offset, member.size)
                if builder.full:
                    yield builder.build()
                continue
            check_class(wordnet_id, f"{path}: {name}")
            if wordnet_id in inner:
                raise DataError(f"{path}: {name} is in it twice. Pack it again with one of them.")
            inner[wordnet_id] = member.offset, member.offset + member.size
    yield from builder.rest(needed=not inner)

    def scan_inner(item):
        wordnet_id, (start, end) = item
        place = f"{path}: {wordnet_id}.tar"
        return _scan_class_archive(path, wordnet_id, place, path, notes, start, end)

    for groups in in_threads(scan_inner, inner.items(), threads):
        yield from groups


def scan_class_archives(
    folder: str, names: list[str], notes: Notes, threads: int
) -> Iterator[ImageGroup]:
    """Finds the images of class archives that lie in a folder; see `scan_archive`."""

    def scan(name):
        path = f"{folder}/{name}"
        check_class(class_of_archive(name), path)
        return _scan_class_archive(path, class_of_archive(name), path, folder, notes)

    for groups in in_threads(scan, names, threads):
        yield from groups


def check_class(wordnet_id: str, place: str):
    """Raises DataError if a WordNet id is of no class of the challenge."""
    if wordnet_id not in challenge.class_indices():
        raise unknown_class(place)


def _scan_class_archive(path, wordnet_id, place, noted_at, notes, start=0, end=None):
    """The images of one class archive, a file or a part of one."""
    builder = GroupBuilder("train", path, place, notes, noted_at)
    with DataFile(path) as file:
        for member in members(file, start, file.size if end is None else end, place):
            _, name = _place_in_archive(member, noted_at, notes)
            if not member.is_folder:
                builder.add(name, wordnet_id, member.offset, member.size)
    return list(builder.rest())


def _place_in_archive(member, place, notes):
    """Base names of a member's folder and itself; notes what packing should not have left."""
    path = member.path
    if "/" not in path and not member.is_folder:
        return "", path
    *folders, name = [part for part in path.split("/") if part not in ("", ".")] or [""]
    folder = folders[-1] if folders else ""
    if member.is_folder:
        notes.add(place, "entries of folders passed over", path)
    elif path.startswith("/"):
        notes.add(place, "absolute names taken by their last part", path)
    elif path != f"{folder}/{name}" or not challenge.WORDNET_ID.fullmatch(folder):
        notes.add(place, "names with leading folders taken by their last part", path)
    return folder, name
