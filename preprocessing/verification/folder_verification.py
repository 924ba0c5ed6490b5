"""A folder of class folders read and judged, image by image."""

import collections
import dataclasses
import functools
import io
import os
from collections.abc import Callable, Sequence
from typing import Any, Optional

import tensorflow as tf
from PIL import Image

from preprocessing.error_text import operation_text
from preprocessing.image_file import is_turned
from preprocessing.sources.image_decoding import image_fault
from preprocessing.sources.image_folder import ImageFolder
from preprocessing.storage import tf_path
from preprocessing.verification.problem import Problem, ProblemList
from preprocessing.verification.split_summary import SplitSummary
from preprocessing.verification.verification import Verdict, chosen_splits, reports_of

_PER_TASK = 64  # images
# What training does with images that are odd, but not wrong; {} is how many there are.
_TURNED = "{} lie turned in their files and are set upright, as their cameras noted"
_SEVERAL = "{} have several frames or pages, of which the first is taken"
_NARROW = "{} are one pixel wide or high, so that their central square is one pixel"


@dataclasses.dataclass(frozen=True)
class _Piece:
    """Some images of one split."""

    split: str
    paths: tuple[str, ...]


@dataclasses.dataclass
class _Report:
    """What is in a piece: problems, bytes of its files, and what is odd to the images' paths."""

    problems: list[Problem]
    bytes: int
    odd: dict[str, list[str]]


def verify_folder(
    folder: ImageFolder,
    splits: Optional[Sequence[str]] = None,
    processes: int = 1,
    decode: bool = True,
    most_problems: Optional[int] = None,
    progress_bar: Optional[Callable[..., Any]] = None,
) -> Verdict:
    """Reads all images by the rule of training and names those that it could not use.

    Args:
        folder: what to read, as `image_folder.list_folder` found it.
        splits: names of the splits to read; None for all.
        processes: how many processes read; with 1 this one does.
        decode: whether to decode images; else their files are only read.
        most_problems: how many to keep; None keeps all.
        progress_bar: called with `total`, the number of images, for an object with
            `update(count)` and `close()`.

    Raises:
        DataError: if there is no such split; if a worker process died.
    """
    names = chosen_splits(splits, folder.splits, "The folder")
    pieces = [
        _Piece(name, tuple(map(os.fsdecode, paths[first : first + _PER_TASK])))
        for name, paths in ((name, sorted(folder.splits[name].paths)) for name in names)
        for first in range(0, len(paths), _PER_TASK)
    ]
    function = functools.partial(_check, decode=decode)
    total = sum(len(piece.paths) for piece in pieces)
    reports = reports_of(function, pieces, processes, total, progress_bar)
    problems, summaries, notes = ProblemList(most_problems), [], []
    for name in names:
        found = [report for piece, report in zip(pieces, reports) if piece.split == name]
        summaries.append(_summary(name, folder.splits[name].labels, found, most_problems))
        problems.merge(summaries[-1].problems)
        notes += _notes(name, found)
    notes += [f"{path} is passed over: it is no image by its name." for path in folder.ignored]
    return Verdict(summaries, problems, notes)


def _check(piece, report, decode):
    found = _Report([], 0, {})
    for path in piece.paths:
        fault, content = image_fault(path) if decode else "", b""
        try:
            with tf.io.gfile.GFile(tf_path(path), "rb") as file:
                content = file.read()
        except tf.errors.OpError as error:
            fault = fault or f"cannot be read ({operation_text(error)})"
        found.bytes += len(content)
        if fault:
            expected = "an image that can be read; remove it or put it right"
            found.problems.append(Problem("image", piece.split, fault, expected, path))
        else:
            for what in _oddities(content):
                found.odd.setdefault(what, []).append(path)
        report(1)
    return found


def _oddities(content):
    try:
        picture = Image.open(io.BytesIO(content))
        if min(picture.size) == 1:
            yield _NARROW
        if is_turned(picture):
            yield _TURNED
        if getattr(picture, "is_animated", False):
            yield _SEVERAL
    except Exception:  # Of PIL, about what TensorFlow decoded, or about later frames.
        return


def _summary(name, labels, reports, most_problems):
    problems = ProblemList(most_problems)
    for report in reports:
        problems.extend(report.problems)
    return SplitSummary(
        name=name,
        problems=problems,
        shards=0,
        expected_shards=0,
        records=len(labels),
        expected_records=len(labels),
        unknown=0,
        bytes=sum(report.bytes for report in reports),
        classes=collections.Counter(labels.tolist()),
    )


def _notes(split, reports):
    odd = {}
    for report in reports:
        for what, paths in report.odd.items():
            odd.setdefault(what, []).extend(paths)
    for what, paths in odd.items():
        yield f"{split}: {what.format(f'{len(paths):,} images')}, as {paths[0]}."
