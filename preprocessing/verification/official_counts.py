"""Whether ImageNet is whole: images and classes by their official numbers."""

from collections.abc import Iterator, Sequence

from preprocessing.ilsvrc import challenge
from preprocessing.verification.official_names import describe_class
from preprocessing.verification.problem import Problem
from preprocessing.verification.split_summary import SplitSummary

_PER_CLASS = {
    "train": (challenge.FEWEST_PER_CLASS, challenge.MOST_PER_CLASS),
    "validation": (challenge.COUNTS["validation"] // challenge.NUM_CLASSES,) * 2,
}
_NEEDED = ("train", "validation")


def missing_splits(present: Sequence[str]) -> Iterator[Problem]:
    """Splits without which this is a part of ImageNet."""
    for split in _NEEDED:
        if split not in present:
            found = "there is no such split"
            yield Problem("data set", split, found, _or_partial(challenge.COUNTS[split]))


def wrong_counts(summary: SplitSummary) -> Iterator[Problem]:
    """Numbers of a split that are not the official ones.

    Records whose class is unknown may be of any: only what cannot be right with them is
    wrong.
    """
    split = summary.name
    official = challenge.COUNTS.get(split)
    if official is not None and summary.expected_records != official:
        found = f"has {summary.expected_records} images"
        yield Problem("data set", split, found, _or_partial(official))
    fewest, most = _PER_CLASS.get(split, (0, None))
    if most is None:
        return
    expected = f"{fewest}" if fewest == most else f"{fewest}..{most}"
    for label in range(challenge.NUM_CLASSES):
        count = summary.classes[label]
        if count > most or count + summary.unknown < fewest:
            found = f"class {describe_class(label)} has {count} images"
            yield Problem("class count", split, found, expected)


def _or_partial(count):
    return f"{count} images; give --allow_partial if only some were meant"
