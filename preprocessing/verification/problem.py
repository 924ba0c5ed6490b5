"""What can be wrong with a data set, found one by one and collected."""

import dataclasses
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Optional

# In the order of the report: what is behind the others comes first.
KINDS = (
    "data set",
    "missing shard",
    "extra file",
    "unreadable file",
    "damaged record",
    "record count",
    "record format",
    "image",
    "label",
    "file name",
    "duplicate",
    "class count",
)


class Problem(NamedTuple):
    """Something wrong.

    Attributes:
        kind: of `KINDS`.
        split: where.
        found: what is there.
        expected: what should be.
        file: name of the shard; empty if it is about the split.
        record: index of the record in the shard, if it is about one.
        offset: of that record, in bytes.
    """

    kind: str
    split: str
    found: str
    expected: str
    file: str = ""
    record: Optional[int] = None
    offset: Optional[int] = None

    def __str__(self):
        place = self.file or self.split
        if self.record is not None:
            place += f" record {self.record} at byte {self.offset}"
        return f"{place}: {self.found}. Expected {self.expected}."


@dataclasses.dataclass
class ProblemList:
    """Problems in the order they were added, the first of each kind; all are counted.

    Attributes:
        most: how many of a kind are kept; None keeps all.
        kept: kind to problems.
        counts: kind to the number found.
    """

    most: Optional[int] = None
    kept: dict[str, list[Problem]] = dataclasses.field(default_factory=dict)
    counts: dict[str, int] = dataclasses.field(default_factory=dict)

    def add(self, problem: Problem):
        """Adds one."""
        kept = self.kept.setdefault(problem.kind, [])
        self.counts[problem.kind] = self.counts.get(problem.kind, 0) + 1
        if self.most is None or len(kept) < self.most:
            kept.append(problem)

    def extend(self, problems: Iterable[Problem]):
        """Adds several."""
        for problem in problems:
            self.add(problem)

    def merge(self, other: "ProblemList"):
        """Adds another list, which may have kept fewer than it counted."""
        for kind, problems in other.kept.items():
            self.extend(problems)
            self.counts[kind] += other.counts[kind] - len(problems)

    @property
    def total(self) -> int:
        """The number found."""
        return sum(self.counts.values())

    def by_kind(self) -> Iterator[tuple[str, list[Problem], int]]:
        """Yields kind, those kept and the number found."""
        for kind in KINDS:
            if kind in self.kept:
                yield kind, self.kept[kind], self.counts[kind]
