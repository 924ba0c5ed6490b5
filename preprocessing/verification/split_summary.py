"""What the shards of a split hold together: counts, classes, names."""

import collections
import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from preprocessing.ilsvrc.challenge import NO_LABEL
from preprocessing.verification.problem import Problem, ProblemList
from preprocessing.verification.shard_check import ShardReport


@dataclasses.dataclass
class SplitSummary:
    """A split, read.

    Attributes:
        name: of the split.
        problems: what is wrong in it.
        shards: how many shards were read.
        expected_shards: how many there should be.
        records: how many records were found.
        expected_records: how many there should be.
        unknown: how many of the records have no label that counts, or were not found.
        bytes: of its files.
        classes: label to number of records.
    """

    name: str
    problems: ProblemList
    shards: int
    expected_shards: int
    records: int
    expected_records: int
    unknown: int
    bytes: int
    classes: collections.Counter


def summarize(
    name: str, shards: Sequence, reports: Sequence[ShardReport], problems: ProblemList
) -> SplitSummary:
    """Puts the shards of a split together.

    Args:
        name: of the split.
        shards: those it should have.
        reports: of those that are there, in order.
        problems: gets what is wrong.
    """
    read = {report.shard.name for report in reports}
    missing = [shard for shard in shards if shard.records and shard.name not in read]
    for shard in missing:
        expected = f"{shard.records} records"
        problems.add(Problem("missing shard", name, "no such file", expected, shard.name))
    classes = collections.Counter()
    for report in reports:
        problems.merge(report.problems)
        classes.update(report.classes)
    problems.extend(_duplicates(name, reports))
    records = sum(report.records for report in reports)
    if 0 < classes[NO_LABEL] < sum(classes.values()):
        found = f"{classes[NO_LABEL]} of {records} records have the label -1, which means none"
        problems.add(Problem("label", name, found, "that for all or for none"))
    return SplitSummary(
        name=name,
        problems=problems,
        shards=len(reports),
        expected_shards=len(shards),
        records=records,
        expected_records=sum(shard.records for shard in shards),
        unknown=sum(r.unknown for r in reports) + sum(shard.records for shard in missing),
        bytes=sum(report.bytes for report in reports),
        classes=classes,
    )


def _duplicates(split, reports) -> Iterator[Problem]:
    """Records with the file name of an earlier one."""
    names = np.concatenate([np.array([], "S1"), *(report.names for report in reports)])
    if not len(names):
        return
    shards = np.repeat(np.arange(len(reports)), [len(report.names) for report in reports])
    places = np.concatenate([report.places for report in reports])
    order = np.argsort(names, kind="stable")
    is_again = names[order][1:] == names[order][:-1]
    starts = np.maximum.accumulate(np.where(np.append(False, is_again), 0, np.arange(len(names))))
    first = order[starts]  # By place in the sorted names: the earliest record of that name.
    again = np.flatnonzero(np.append(False, is_again))
    for at in again[np.argsort(order[again])]:
        this, earlier = order[at], first[at]
        where = f"record {places[earlier][0]} of {reports[shards[earlier]].shard.name}"
        name = names[this].decode("utf-8", "backslashreplace")
        yield Problem(
            "duplicate",
            split,
            f"the file name {name} is there again",
            f"it once, as in {where}",
            reports[shards[this]].shard.name,
            int(places[this][0]),
            int(places[this][1]),
        )
