"""Folders and paths, on a local disk or in an object storage."""

import os

import tensorflow as tf

from preprocessing.data_error import DataError


def is_local(path: str) -> bool:
    """Whether the system itself knows a path, not only TensorFlow, as `gs://...`."""
    return "://" not in path


def tf_path(path: str) -> bytes:
    """A path as TensorFlow's functions take it.

    Names are bytes to the system. Of a text TensorFlow would make UTF-8, in whatever
    encoding the system has it, and fail where there is none.
    """
    return os.fsencode(path) if is_local(path) else path.encode()


def check_utf8(flag: str, path: str):
    """Checks a path of which tfds, too, makes its own.

    Raises:
        DataError: if its name is not UTF-8 in this process's encoding of file names.
    """
    try:
        if not is_local(path) or os.fsencode(path) == path.encode():
            return
    except UnicodeEncodeError:
        pass
    raise DataError(
        f"--{flag}={path}: the name is not UTF-8, which tfds needs. Rename it; or, if it is, set "
        "PYTHONUTF8=1."
    )


def exists(path: str) -> bool:
    return os.path.exists(path) if is_local(path) else tf.io.gfile.exists(path)


def is_folder(path: str) -> bool:
    return os.path.isdir(path) if is_local(path) else tf.io.gfile.isdir(path)


def join(folder: str, *names: str) -> str:
    """Path of something in a folder."""
    return "/".join([folder.rstrip("/") or folder, *names])


def names_in(folder: str) -> list[str]:
    """Sorted names of what lies in a folder."""
    names = os.listdir(folder) if is_local(folder) else tf.io.gfile.listdir(folder)
    return sorted(name.rstrip("/") for name in names)  # Some storages mark folders by a slash.


def broken_link(path: str) -> str:
    """What a link points to where there is nothing; empty if the path is no such link."""
    if is_local(path) and os.path.islink(path) and not os.path.exists(path):
        return os.readlink(path)
    return ""
