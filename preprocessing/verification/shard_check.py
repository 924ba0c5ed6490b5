"""One shard: every record read and checked."""

import collections
import dataclasses
import hashlib
from collections.abc import Callable
from typing import Optional

import numpy as np
import tensorflow as tf

from preprocessing.data_file import DataFile
from preprocessing.records.tfrecord import Damage, read_records
from preprocessing.storage import join
from preprocessing.verification.prepared_data_set import Shard
from preprocessing.verification.problem import Problem, ProblemList
from preprocessing.verification.record_check import RecordCheck

_MAY_HIDE = " (it may hide more records: later indices are the least they can be)"
_LONGEST_NAME = 200  # bytes; all names of a split are held in memory


@dataclasses.dataclass
class ShardReport:
    """What is in a shard.

    Attributes:
        shard: which.
        problems: what is wrong.
        records: how many records were found; those lost in damage may be more.
        unknown: how many of them have no label that counts.
        bytes: length of the file.
        classes: label to number of records.
        names: `[n]` byte strings, file names of those records that have one.
        places: int64 `[n, 2]`, index and offset of these records.
    """

    shard: Shard
    problems: ProblemList
    records: int = 0
    unknown: int = 0
    bytes: int = 0
    classes: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    names: np.ndarray = dataclasses.field(default_factory=lambda: np.array([], "S1"))
    places: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros([0, 2], np.int64))


def check_shard(
    shard: Shard,
    progress: Callable[[int], None],
    folder: str,
    check: RecordCheck,
    most_problems: Optional[int],
) -> ShardReport:
    """Reads a shard.

    Args:
        shard: which.
        progress: called with the number of records read since the last call.
        folder: where it lies.
        check: for each record.
        most_problems: how many of a kind to keep; None keeps all.
    """
    report = ShardReport(shard, ProblemList(most_problems))
    try:
        with DataFile(join(folder, shard.name)) as file:
            report.bytes = file.size
            _check_records(file, progress, check, report)
    except (OSError, tf.errors.OpError) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        found = f"cannot be read after {report.records} records: {reason}"
        report.problems.add(
            Problem("unreadable file", shard.split, found, f"{shard.records} records", shard.name)
        )
        report.unknown += max(0, shard.records - report.records)
    return report


def _check_records(file, progress, check, report):
    shard, problems = report.shard, report.problems
    names, places, hidden = [], [], False
    for record in read_records(file):
        report.records += 1
        progress(1)
        place = {"file": shard.name, "record": record.index, "offset": record.offset}
        if isinstance(record, Damage):
            hidden |= record.hides_records
            report.unknown += 1
            found = record.found + _MAY_HIDE * record.hides_records
            problems.add(Problem("damaged record", shard.split, found, record.expected, **place))
            continue
        content = check.check(record.payload, shard.split)
        for kind, found, expected in content.problems:
            problems.add(Problem(kind, shard.split, found, expected, **place))
        if content.label is None:
            report.unknown += 1
        else:
            report.classes[content.label] += 1
        if content.file_name is not None:
            names.append(_short(content.file_name))
            places.append((record.index, record.offset))
    if report.records != shard.records and not (hidden and report.records < shard.records):
        found = f"holds {report.records} records"
        expected = f"{shard.records}, as dataset_info.json says"
        problems.add(Problem("record count", shard.split, found, expected, shard.name))
    report.unknown += max(0, shard.records - report.records)
    if names:
        report.names, report.places = np.array(names), np.array(places, np.int64)


def _short(name):
    if len(name) <= _LONGEST_NAME:
        return name
    digest = hashlib.sha256(name).hexdigest().encode()
    return name[: _LONGEST_NAME - len(digest)] + digest
