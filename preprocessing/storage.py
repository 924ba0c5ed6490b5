"""Folders and paths, on a local disk or in an object storage."""

import os

import tensorflow as tf


def is_local(path: str) -> bool:
    """Whether the system itself knows a path, not only TensorFlow, as `gs://...`."""
    return "://" not in path


def join(folder: str, *names: str) -> str:
    """Path of something in a folder."""
    return "/".join([folder.rstrip("/") or folder, *names])


def names_in(folder: str) -> list[str]:
    """Sorted names of what lies in a folder."""
    names = os.listdir(folder) if is_local(folder) else tf.io.gfile.listdir(folder)
    return sorted(name.rstrip("/") for name in names)  # Some storages mark folders by a slash.
