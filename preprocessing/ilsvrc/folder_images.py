"""The images in extracted folders of the challenge, and class archives in them."""

import os
from collections.abc import Iterator

import tensorflow as tf

from preprocessing.data_error import DataError
from preprocessing.ilsvrc import challenge
from preprocessing.ilsvrc.archive_images import (
    check_class,
    class_of_archive,
    scan_class_archives,
)
from preprocessing.ilsvrc.image_group import (
    GroupBuilder,
    ImageGroup,
    of_the_system,
    stray_error,
)
from preprocessing.ilsvrc.notes import Notes
from preprocessing.ilsvrc.threads import in_threads
from preprocessing.storage import broken_link, is_folder, is_local, names_in


def classes_in(names: list[str]) -> tuple[list[str], list[str]]:
    """The names that class folders have, and those that class archives have."""
    return (
        [name for name in names if challenge.WORDNET_ID.fullmatch(name)],
        [name for name in names if class_of_archive(name)],
    )


def scan_folder(path: str, split: str, notes: Notes, threads: int) -> Iterator[ImageGroup]:
    """Finds the images of a split's folder: in class folders, class archives, or flat.

    Args:
        path: of the folder.
        split: "train", "validation" or "test".
        notes: gets what is accepted but worth a line.
        threads: number of requests to storage at once.

    Yields:
        Groups of images.

    Raises:
        DataError: see `GroupBuilder`; also if classes lie there in part as folders, in
            part as archives, or if there are folders of no class.
    """
    names = names_in(path)
    folders, archives = classes_in(names)
    if not folders and not (archives and split == "train"):
        yield from _scan_images(path, split, "", path, notes, threads)
        return
    known = _beside(names)
    strays = []
    for name in set(names).difference(folders, archives, known):
        if of_the_system(name):
            notes.add(path, "files of operating systems ignored", name)
        else:
            strays.append(name)
    if strays:
        raise stray_error(path, strays, "class folders like n01440764")
    in_archives = {class_of_archive(name) for name in archives}
    if in_archives.issuperset(folders) and split == "train":
        if folders:
            notes.add(path, "class folders passed over for the archives beside them", folders[0])
        yield from scan_class_archives(path, archives, notes, threads)
        return
    if not in_archives.issubset(folders):
        raise DataError(
            f"{path}: {len(folders):,} classes as folders, {len(archives):,} as archives, as "
            f"{sorted(in_archives.difference(folders))[0]}.tar. Finish extracting them."
        )
    if archives:
        notes.add(path, "class archives passed over for the folders beside them", archives[0])

    def scan(wordnet_id):
        place = f"{path}/{wordnet_id}"
        check_class(wordnet_id, place)
        # Either the folders are looked at in parallel, or their files.
        within = 1 if is_local(path) else threads
        return list(_scan_images(place, split, wordnet_id, path, notes, within))

    for groups in in_threads(scan, folders, threads if is_local(path) else 1):
        yield from groups


def _scan_images(folder, split, wordnet_id, noted_at, notes, threads):
    """The images that lie in one folder itself."""
    builder = GroupBuilder(split, folder, folder, notes, noted_at)
    for name, size in _files_in(folder, threads):
        if size is None:
            if challenge.NAMES[split].fullmatch(name):
                raise _no_file(f"{folder}/{name}")
            builder.add_stray(name)
            continue
        builder.add(name, wordnet_id, -1, size)
        if builder.full:
            yield builder.build()
    yield from builder.rest()


def _files_in(folder, threads):
    """Pairs of name and size in bytes; the size is None for what is no file."""
    if is_local(folder):
        with os.scandir(folder) as entries:
            for entry in entries:
                yield entry.name, entry.stat().st_size if entry.is_file() else None
        return

    def size_of(name):
        found = tf.io.gfile.stat(f"{folder}/{name}")
        return name, None if found.is_directory else found.length

    yield from in_threads(size_of, names_in(folder), threads)


def _no_file(path):
    """The error of an image's name at something that is no file."""
    if is_folder(path):
        found = "is a folder"
    elif broken_link(path):
        found = f"is a link to {broken_link(path)}, where there is nothing"
    else:
        found = "is neither a file nor a folder"
    return DataError(f"{path} {found}. Expected an image; put it there, or remove that.")


def _beside(names):
    """Names that may lie beside the classes where everything lies in one folder."""
    folders = {name for split in challenge.FOLDERS.values() for name in split}
    return [
        name
        for name in names
        if name in folders or any(form.fullmatch(name) for form in challenge.ARCHIVES.values())
    ]
