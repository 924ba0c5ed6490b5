"""A verdict as people read it, and as programs do."""

import json
from collections.abc import Iterator

from preprocessing.ilsvrc.challenge import NO_LABEL
from preprocessing.verification.problem import Problem
from preprocessing.verification.split_summary import SplitSummary
from preprocessing.verification.verification import Verdict

_COLUMNS = ("split", "records", "shards", "MiB", "classes", "images per class", "problems")
_COLUMNS_OF_FOLDERS = ("split", "images", *_COLUMNS[3:])


def report_lines(verdict: Verdict, most: int) -> Iterator[str]:
    """The report: problems, notes, a table, one sentence.

    Args:
        verdict: what was found.
        most: how many problems of a kind to list.
    """
    for kind, problems, count in verdict.problems.by_kind():
        for problem in problems[:most]:
            yield f"{kind}: {problem}"
        if count > most:
            yield f"{kind}: ... and {count - most} more (--problems=FILE lists all)."
    for note in verdict.notes:
        yield f"note: {note}"
    rows = [_COLUMNS, *map(_row, verdict.summaries)]
    if not any(summary.expected_shards for summary in verdict.summaries):  # A folder of images.
        rows = [(split, images, *others) for split, images, _, *others in rows]
        rows[0] = _COLUMNS_OF_FOLDERS
    yield from _table(rows)
    total = verdict.problems.total
    if not total:
        yield "Nothing is wrong."
    else:
        yield f"{total} problem{'s' * (total > 1)}."


def json_lines(verdict: Verdict) -> Iterator[str]:
    """All problems that were kept, each a JSON object."""
    for _, problems, _ in verdict.problems.by_kind():
        for problem in problems:
            yield json.dumps(_as_dict(problem))


def _as_dict(problem: Problem):
    return {name: value for name, value in problem._asdict().items() if value not in ("", None)}


def _row(summary: SplitSummary):
    counts = [count for label, count in summary.classes.items() if label != NO_LABEL]
    if counts:
        span = f"{min(counts)}..{max(counts)}"
    else:
        span = "no labels" if summary.classes[NO_LABEL] else "-"
    return (
        summary.name,
        _of(summary.records, summary.expected_records),
        _of(summary.shards, summary.expected_shards),
        f"{summary.bytes / 2**20:.1f}",
        str(len(counts)),
        span,
        str(summary.problems.total),
    )


def _of(found, expected):
    return str(found) if found == expected else f"{found} of {expected}"


def _table(rows):
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        cells = (
            cell.ljust(width) if not index else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths))
        )
        yield "  ".join(cells).rstrip()
