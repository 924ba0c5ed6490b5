"""A whole data set read and judged."""

import dataclasses
import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Optional

from preprocessing.data_error import DataError
from preprocessing.ilsvrc import challenge
from preprocessing.records.worker_processes import run_tasks
from preprocessing.verification import official_counts
from preprocessing.verification.prepared_data_set import PreparedDataSet
from preprocessing.verification.problem import Problem, ProblemList
from preprocessing.verification.record_check import RecordCheck
from preprocessing.verification.shard_check import check_shard
from preprocessing.verification.split_summary import NO_LABEL, SplitSummary, summarize

_MOST_LISTED = 20  # empty classes


@dataclasses.dataclass
class Verdict:
    """What was found.

    Attributes:
        summaries: of the splits.
        problems: all that is wrong.
        notes: what is worth a line but not wrong.
    """

    summaries: list[SplitSummary]
    problems: ProblemList
    notes: list[str]


def verify(
    data_set: PreparedDataSet,
    splits: Optional[Sequence[str]] = None,
    processes: int = 1,
    allow_partial: bool = False,
    decode: bool = True,
    most_problems: Optional[int] = None,
    progress_bar: Optional[Callable[..., Any]] = None,
) -> Verdict:
    """Reads a data set and judges it.

    Args:
        data_set: what to read.
        splits: names of the splits to read; None for all, and to judge which there are.
        processes: how many processes read; with 1 this one does.
        allow_partial: whether ImageNet may have fewer images than the official numbers.
        decode: whether to decode images.
        most_problems: how many of a kind to keep; None keeps all.
        progress_bar: called with `total`, the number of records, for an object with
            `update(count)` and `close()`.

    Raises:
        DataError: if there is no such split; if a worker process died.
    """
    names = chosen_splits(splits, data_set.shards, data_set.folder)
    present = [s for name in names for s in data_set.shards[name] if s.name in data_set.files]
    check = RecordCheck(data_set.record_format, data_set.is_imagenet, decode)
    function = functools.partial(
        check_shard, folder=data_set.folder, check=check, most_problems=most_problems
    )
    # By descending length, so that no long shard is begun last.
    tasks = sorted(present, key=lambda shard: -shard.records)
    total = sum(shard.records for shard in present)
    found = reports_of(function, tasks, processes, total, progress_bar)
    reports = {report.shard: report for report in found}
    problems = ProblemList(most_problems)
    is_whole = data_set.is_whole_imagenet and not allow_partial
    problems.extend(_of_the_data_set(data_set, judge_splits=is_whole and splits is None))
    summaries = []
    for name in names:
        shards = data_set.shards[name]
        found = [reports.pop(shard) for shard in shards if shard in reports]
        summary = summarize(name, shards, found, ProblemList(most_problems))
        if is_whole:
            summary.problems.extend(official_counts.wrong_counts(summary))
        problems.merge(summary.problems)
        summaries.append(summary)
    return Verdict(
        summaries, problems, [*_leftovers(data_set), *_empty_classes(data_set, summaries)]
    )


def chosen_splits(splits: Optional[Sequence[str]], there: Iterable[str], place: str) -> list[str]:
    """Names of the splits to read: those asked for, each once, or all that are there.

    Raises:
        DataError: for one that is not there.
    """
    there = list(there)
    unknown = [name for name in splits or () if name not in there]
    if unknown:
        raise DataError(f"{place} has no split {unknown[0]!r}. It has: {', '.join(there)}.")
    return there if splits is None else list(dict.fromkeys(splits))


def reports_of(
    function: Callable[..., Any],
    tasks: Sequence[Any],
    processes: int,
    total: int,
    progress_bar: Optional[Callable[..., Any]],
) -> list[Any]:
    """What `function` returns for each task, in order; see `run_tasks` and `verify`."""
    bar = progress_bar and progress_bar(total=total)
    reports = {}
    try:
        update = bar.update if bar else lambda count: None
        reports.update(run_tasks(function, tasks, processes, update))
    finally:
        if bar:
            bar.close()
    return [reports[index] for index in range(len(tasks))]


def _of_the_data_set(data_set, judge_splits):
    num_classes = data_set.record_format.num_classes
    if data_set.is_imagenet and num_classes != challenge.NUM_CLASSES:
        found = f"its labels have {num_classes} classes"
        yield Problem("data set", data_set.name, found, str(challenge.NUM_CLASSES))
    # The cache may hold some of the splits.
    if judge_splits and data_set.name == "imagenet2012":
        yield from official_counts.missing_splits(data_set.shards)
    for file in data_set.extra_files():
        found = "dataset_info.json knows no such shard"
        yield Problem("extra file", "", found, "no other files of records", file)


def _leftovers(data_set):
    for path in data_set.leftovers:
        yield f"{path} was left by a preparation that did not finish; it takes space only."


def _empty_classes(data_set, summaries):
    num_classes = data_set.record_format.num_classes or 0
    for summary in summaries:
        labelled = sum(summary.classes.values()) - summary.classes[NO_LABEL]
        empty = [label for label in range(num_classes) if not summary.classes[label]]
        if labelled and empty:
            listed = ", ".join(map(str, empty[:_MOST_LISTED]))
            more = len(empty) - _MOST_LISTED
            more = f" and {more} more" if more > 0 else ""
            yield (
                f"{summary.name}: {len(empty)} of {num_classes} classes have no image: "
                f"{listed}{more}."
            )
