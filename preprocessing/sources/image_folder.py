"""A folder of class folders: which images it has, of which classes, in which splits."""

import dataclasses
import os
from typing import Optional

import numpy as np

from preprocessing.class_list import in_order
from preprocessing.data_error import DataError
from preprocessing.storage import broken_link, is_folder, is_local, join, names_in, tf_path

SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".bmp", ".dib", ".webp", ".avif"),
    *(".tif", ".tiff", ".jp2", ".tga", ".ppm", ".pgm", ".pbm"),
)
_SPLITS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
}
_LEFT_BY_SYSTEMS = ("thumbs.db", "desktop.ini")
_ORDER_SEED = 0


@dataclasses.dataclass(frozen=True)
class FolderSplit:
    """Images of one split: paths, `[count]` bytes, and labels, int64 `[count]`."""

    paths: np.ndarray
    labels: np.ndarray


@dataclasses.dataclass(frozen=True)
class ImageFolder:
    """What a folder holds.

    Attributes:
        class_names: names of the class folders, see `class_list.in_order`: class `i` at
            place `i`.
        splits: "train", and "validation" and "test" if there are, in a fixed random order:
            a part of a split then has all classes, too.
        ignored: files beside the class folders that are no images.
    """

    class_names: tuple[str, ...]
    splits: dict[str, FolderSplit]
    ignored: tuple[str, ...]


def is_folder_path(dataset: str) -> bool:
    """Whether a text can only mean a folder, not a data set by name."""
    return (
        dataset.startswith((".", "~"))
        or dataset.endswith("/")
        or not is_local(dataset)
        or os.path.isabs(dataset)
    )


def list_folder(folder: str, class_names: Optional[tuple[str, ...]] = None) -> ImageFolder:
    """Lists the images of a folder.

    Args:
        folder: `FOLDER/class/image.jpg`, which is the split "train"; or
            `FOLDER/split/class/image.jpg` with splits named train, val (or valid,
            validation) and test.
        class_names: the stored ones of a run that goes on; see `class_list.in_order`.

    Raises:
        DataError: if there is no such folder or no image, if a class is empty, class
            folders differ between splits, or there is anything else that an image might
            be forgotten in: a file that is no image, a folder too deep, an image beside
            the class folders. Hidden files are ignored.
    """
    folder = os.path.expanduser(folder)
    if not is_folder(folder):
        raise DataError(f"--dataset={folder}: there is no such folder.")
    names = _names(folder)
    files = [name for name in names if not is_folder(join(folder, name))]
    folders = [name for name in names if name not in set(files)]
    if folders and all(name.lower() in _SPLITS for name in folders):
        roots = {}
        for name in folders:
            other = roots.setdefault(_SPLITS[name.lower()], join(folder, name))
            if other != join(folder, name):
                raise DataError(f"{other} and {join(folder, name)} are the same split. Keep one.")
    else:
        roots = {"train": folder}
    ignored, listed = [], {}
    for split, root in roots.items():
        listed[split] = _list_classes(root, ignored)
    if folder not in roots.values():
        ignored += [_no_image(folder, name) for name in files]
    (first, classes), *others = ((split, tuple(found)) for split, found in listed.items())
    for split, other in others:
        differing = sorted(set(classes) ^ set(other))
        if differing:
            owner = split if differing[0] in other else first
            raise DataError(
                f"{folder}: only split {owner!r} has a class folder {differing[0]!r} "
                f"({len(differing)} such differences). All splits need the same class folders."
            )
    names = in_order(classes, class_names)
    splits = {split: _shuffled([found[name] for name in names]) for split, found in listed.items()}
    return ImageFolder(names, splits, tuple(ignored))


def _list_classes(root, ignored):
    """Class name to paths, both sorted; appends to `ignored`."""
    classes = {}
    for name in _names(root):
        path = join(root, name)
        if not is_folder(path):
            ignored.append(_no_image(root, name))
            continue
        images = _names(path)
        for image in images:
            if not image.lower().endswith(SUFFIXES):
                raise _stray(join(path, image))
        if not images:
            raise DataError(f"{path}: this class has no images. Add some, or remove the folder.")
        classes[name] = [join(path, image) for image in images]
    if not classes:
        raise DataError(
            f"{root}: there are no class folders. Expected images in FOLDER/class/, or in "
            "FOLDER/train/class/, FOLDER/val/class/ and so on."
        )
    return classes


def _names(folder):
    """What a folder holds, sorted, without hidden files."""
    names = names_in(folder)
    return [n for n in names if not n.startswith(".") and n.lower() not in _LEFT_BY_SYSTEMS]


def _no_image(folder, name):
    path = join(folder, name)
    if name.lower().endswith(SUFFIXES):
        raise DataError(f"{path}: an image outside of the class folders. Move it into its class.")
    target = broken_link(path)
    if target:
        raise DataError(f"{path} is a link to {target}, where there is nothing. Put it right.")
    return path


def _stray(path):
    if is_folder(path):
        return DataError(f"{path}: a folder in a class folder. Expected images there only.")
    return DataError(
        f"{path}: no image by its name. Expected {', '.join(SUFFIXES)}; convert it, or remove it."
    )


def _shuffled(paths_of_classes):
    paths = np.array([tf_path(path) for paths in paths_of_classes for path in paths])
    labels = np.repeat(np.arange(len(paths_of_classes)), list(map(len, paths_of_classes)))
    order = np.random.RandomState(_ORDER_SEED).permutation(len(paths))
    return FolderSplit(paths[order], labels[order].astype(np.int64))
