"""Looking for the challenge's archives and folders at a path."""

import dataclasses
import os
import re

import tensorflow as tf

from preprocessing.data_error import DataError
from preprocessing.ilsvrc import challenge
from preprocessing.ilsvrc.archive_images import class_of_archive
from preprocessing.ilsvrc.folder_images import classes_in
from preprocessing.ilsvrc.unexpected_folder import hint, refuse_unexpected
from preprocessing.storage import exists, is_folder, names_in, tf_path

# Where Kaggle's archive of the challenge has its folders.
_KAGGLE = ("ILSVRC/Data/CLS-LOC", "Data/CLS-LOC")
_COMPRESSED = re.compile(
    r"(ILSVRC2012_img_(train|val|test)(?:_v[0-9]+)?)\.(tar\.\w+|tgz|tbz2?|txz|zip)"
)
_PREFIX_SPLITS = {"train": "train", "val": "validation", "test": "test"}
_SIMILAR = re.compile(r"imagenet|ilsvrc|train|val|test|\.tar|\.tgz|\.zip|n[0-9]{8}", re.IGNORECASE)
_MOST_SIMILAR = 8


@dataclasses.dataclass(frozen=True)
class Part:
    """Where the images of one split are.

    Attributes:
        split: "train", "validation" or "test".
        path: of an archive or a folder.
        is_archive: which of the two.
    """

    split: str
    path: str
    is_archive: bool

    def describe(self) -> str:
        """One line: the path and what is there."""
        if self.is_archive:
            return f"{self.path}, archive of {tf.io.gfile.stat(tf_path(self.path)).length:,} bytes"
        folders, archives = classes_in(names_in(self.path))
        kinds = [
            f"{len(found):,} class {kind}"
            for found, kind in ((folders, "folders"), (archives, "archives"))
            if found
        ]
        return f"{self.path}, folder of {' and '.join(kinds) or 'images'}"


def find_parts(path: str) -> tuple[list[Part], list[Part]]:
    """Finds the splits at a path.

    Args:
        path: an archive; a folder of images, class folders or class archives; or a folder
            that has some of these in it, or one level below.

    Returns:
        What to use, one part per split, in the order of the challenge's splits; what is
        there beside it. Archives come before folders: nobody edits them.

    Raises:
        DataError: if there is nothing, or if it is unclear which of several is meant.
    """
    if not exists(path):
        raise DataError(f"{path}: no such file or folder. Give --source as an existing one.")
    if not is_folder(path):
        return [_single_archive(path)], []
    names = names_in(path)
    for level in _levels(path, names):
        parts = {root: _parts_of_folder(root) for root in level}
        found = [part for there in parts.values() for part in there]
        splits = {part.split for part in found}
        _refuse_compressed(level, splits)
        if splits.difference({"test"}):
            refuse_unexpected([root for root, there in parts.items() if there], splits)
            return _choose(found)
    whole = _split_folder(path, names)
    if whole:
        return [whole], []
    refuse_unexpected([folder for level in _levels(path, names) for folder in level], {"test"})
    raise _nothing_found(path, names)


def _levels(path, names):
    """Folders to look in, near ones first; each level only if the one before had nothing."""
    yield [path]
    yield [f"{path}/{inner}" for inner in _KAGGLE if is_folder(f"{path}/{inner}")]
    if not any(classes_in(names)) and not _split_by_name(names):
        yield _folders_in(path, names)


def _folders_in(path, names):
    return [f"{path}/{name}" for name in names if is_folder(f"{path}/{name}")]


def _parts_of_folder(folder):
    """The archives and the folders of splits that lie in a folder."""
    names = names_in(folder)
    parts = []
    for split in challenge.COUNTS:
        parts += [
            Part(split, f"{folder}/{name}", True)
            for name in names
            if challenge.ARCHIVES[split].fullmatch(name)
        ]
        for name in challenge.FOLDERS[split]:
            if name in names and is_folder(f"{folder}/{name}"):
                within = names_in(f"{folder}/{name}")
                parts += [
                    Part(split, f"{folder}/{name}/{inner}", True)
                    for inner in within
                    if challenge.ARCHIVES[split].fullmatch(inner)
                ]
                if any(classes_in(within)) or _split_by_name(within):
                    parts.append(Part(split, f"{folder}/{name}", False))
    if any(classes_in(names)) and not any(part.split == "train" for part in parts):
        whole = _split_folder(folder, names)
        parts += [whole] if parts and whole.split == "train" else []
    return parts


def _split_folder(folder, names):
    """The part that a folder is as a whole, judged by the names of its images; or None."""
    folders, archives = classes_in(names)
    if archives:
        return Part("train", folder, False)
    split = _split_by_name(names_in(f"{folder}/{folders[0]}") if folders else names)
    if not split and not folders:
        return None
    return Part(split or "train", folder, False)


def _split_by_name(names):
    """The split that the first image's name tells; empty if there is no image."""
    for name in names:
        for split, example in challenge.EXAMPLES.items():
            form = re.sub("[0-9]+", "[0-9]+", re.escape(example))
            if re.fullmatch(form, name, re.IGNORECASE):
                return split
    return ""


def _choose(found):
    """One part per split and the rest."""
    used = []
    for split in challenge.COUNTS:
        parts = [part for part in found if part.split == split]
        parts = [part for part in parts if part.is_archive] or parts
        if len(parts) > 1:
            raise DataError(
                f"{split}: found {' and '.join(part.path for part in parts)}. Give --source as "
                "the one you mean."
            )
        used += parts
    return used, [part for part in found if part not in used]


def _single_archive(path):
    name = os.path.basename(path)
    for split, form in challenge.ARCHIVES.items():
        if form.fullmatch(name):
            return Part(split, path, True)
    if class_of_archive(name):
        return Part("train", path, True)
    match = _COMPRESSED.fullmatch(name)
    if match:
        raise _compressed(path, match)
    raise DataError(
        f"{path} is none of the challenge's archives by its name. Expected "
        "ILSVRC2012_img_train.tar, ILSVRC2012_img_val.tar or ILSVRC2012_img_test.tar; rename it, "
        "or give its folder."
    )


def _refuse_compressed(folders, splits):
    """A compressed archive of a split that nothing else has is no reason to go without it."""
    for folder in folders:
        for name in names_in(folder):
            match = _COMPRESSED.fullmatch(name)
            if match and _PREFIX_SPLITS[match[2]] not in splits:
                raise _compressed(f"{folder}/{name}", match)


def _compressed(path, match):
    command = {"zip": "unzip -p", "bz2": "bzip2 -dc", "tbz": "bzip2 -dc", "tbz2": "bzip2 -dc"}
    command.update({"xz": "xz -dc", "txz": "xz -dc", "zst": "zstd -dc"})
    unpack = command.get(match[3].rpartition(".")[2], "gzip -dc")
    return DataError(
        f"{path} is compressed. Unpack it first: `{unpack} {match[0]} > {match[1]}.tar`."
    )


def _nothing_found(path, names):
    similar = [name for name in names if _SIMILAR.search(name)]
    for folder in _folders_in(path, names):
        inner = [name for name in names_in(folder) if _SIMILAR.search(name)]
        similar += [f"{os.path.basename(folder)}/{name}" for name in inner]
    more = ", ..." if len(similar) > _MOST_SIMILAR else ""
    there = ", ".join(similar[:_MOST_SIMILAR]) + more if similar else "nothing with a similar name"
    there += hint(similar)
    return DataError(
        f"{path}: no images of ILSVRC 2012. Looked there and one level below for "
        "ILSVRC2012_img_train.tar, ILSVRC2012_img_val.tar, folders train and val or validation, "
        f"and class folders or archives like n01440764 and n01440764.tar; there is {there}."
    )
