"""Where a prepared data set lies, or what lies there in its place."""

import difflib
import os
import re
import shlex

import tensorflow as tf

from preprocessing.data_error import DataError
from preprocessing.records.metadata import INFO_FILE
from preprocessing.storage import check_utf8, is_folder, join, names_in

_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")
_MOST_LISTED = 10
_UNFINISHED = re.compile(r"incomplete\..*|\..*\.unfinished")  # tfds's and ours


def find_folder(data_dir: str, dataset: str) -> str:
    """Finds the folder of a data set's newest version.

    Args:
        data_dir: folder of tfds data sets.
        dataset: name, as "imagenet2012", "name/config" or "name:1.0.0".

    Returns:
        Its path, in which there is a `dataset_info.json`.

    Raises:
        DataError: if there is no such folder, or it was not finished.
    """
    name, _, version = dataset.partition(":")
    if not name.strip("/") or (version and not _VERSION.fullmatch(version)):
        raise DataError(
            f"--dataset={dataset}: not the name of a data set. Expected NAME, NAME/CONFIG or "
            "NAME:VERSION, as imagenet2012:5.1.0."
        )
    check_utf8("data_dir", data_dir)
    check_utf8("dataset", name)
    if not is_folder(data_dir):
        raise DataError(f"--data_dir={data_dir}: no such folder.{_images_hint(name)}")
    root = join(data_dir, name)
    if not is_folder(root):
        raise DataError(_no_such(data_dir, name))
    entries = names_in(root)
    versions = sorted(filter(_VERSION.fullmatch, entries), key=_version_key)
    if version and version not in versions:
        unfinished = _unfinished_text(root, [e for e in entries if version in e])
        others = f" It has {', '.join(versions)}." if versions else ""
        raise DataError(f"{root} has no version {version}.{unfinished}{others}")
    if not versions:
        raise DataError(_no_version(root, name, entries))
    folder = join(root, version or versions[-1])
    if not tf.io.gfile.exists(join(folder, INFO_FILE)):
        shards = sum(".tfrecord" in entry for entry in names_in(folder))
        raise DataError(
            f"{folder} has no {INFO_FILE}: whatever wrote it did not finish ({shards} files of "
            "records lie there). Move it away and prepare the data set again."
        )
    return folder


def leftovers(folder: str) -> list[str]:
    """Folders beside a data set's that interrupted preparations left."""
    root = os.path.dirname(folder)
    return [join(root, entry) for entry in names_in(root) if _UNFINISHED.fullmatch(entry)]


def _version_key(name):
    return tuple(map(int, _VERSION.fullmatch(name).groups()))


def _no_such(data_dir, name):
    present = [e for e in names_in(data_dir) if is_folder(join(data_dir, e))]
    if INFO_FILE in names_in(data_dir):
        return (
            f"--data_dir={data_dir} is itself a data set's folder. Give the folder that holds "
            "NAME/VERSION, and --dataset=NAME."
        )
    parent, _, config = name.rpartition("/")
    if parent in present:
        configs = [e for e in names_in(join(data_dir, parent)) if not e.startswith(".")]
        return (
            f"--dataset={name}: {join(data_dir, parent)} has no {config!r}. It has "
            f"{', '.join(configs) or 'nothing'}."
        )
    near = difflib.get_close_matches(name, present, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    listed = ", ".join(present[:_MOST_LISTED])
    if len(present) > _MOST_LISTED:
        listed += f" and {len(present) - _MOST_LISTED} more"
    return (
        f"--dataset={name}: {data_dir} has no such data set.{hint} It has: {listed or 'none'}."
        f"{_images_hint(name)}"
    )


def _images_hint(name):
    """What to give for a folder of class folders, which training takes by its name alone, too."""
    if not is_folder(name):
        return ""
    return f" For the images in the folder {name} give --dataset=./{name}."


def _no_version(root, name, entries):
    configs = [
        entry
        for entry in entries
        if is_folder(join(root, entry))
        and any(map(_VERSION.fullmatch, names_in(join(root, entry))))
    ]
    if configs:
        return (
            f"--dataset={name}: has configurations, {', '.join(configs)}. Give one, as "
            f"{shlex.quote(f'--dataset={name}/{configs[0]}')}."
        )
    text = _unfinished_text(root, entries)
    return f"{root} has no finished version.{text or ' Prepare the data set first.'}"


def _unfinished_text(root, entries):
    unfinished = [join(root, entry) for entry in entries if _UNFINISHED.fullmatch(entry)]
    if not unfinished:
        return ""
    own = [path for path in unfinished if path.endswith(".unfinished")]
    advice = "Repeat the command that was writing it" if own else "Prepare the data set again"
    return f" {(own or unfinished)[0]} was left by a preparation that did not finish. {advice}."
