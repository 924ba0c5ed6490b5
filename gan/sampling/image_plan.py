"""Which images are drawn, in which order, and where each lies in a picture of them."""

import math
from collections.abc import Iterator, Sequence
from typing import Callable, NamedTuple, Optional

from preprocessing.class_names import ClassNames

_USUAL_COLUMNS = 10


class Sample(NamedTuple):
    """One image: the same sample is the same image, whatever is drawn beside it.

    Attributes:
        label: its class.
        seed: of its latent.
        truncation: threshold of the latent, or None.
        to_label: class towards which it is changed, or None.
        to_seed: seed of the latent towards which it is changed, or None.
        position: how far it is changed: 0 not at all, 1 entirely.
    """

    label: int
    seed: int
    truncation: Optional[float] = None
    to_label: Optional[int] = None
    to_seed: Optional[int] = None
    position: float = 0.0


class Layout(NamedTuple):
    """A grid for images.

    Attributes:
        rows, columns: its size in cells.
        row_labels: row to text in front of it.
        column_labels: texts above the columns, or empty.
        place: number of an image to its row and column.
    """

    rows: int
    columns: int
    row_labels: dict[int, str]
    column_labels: Sequence[str]
    place: Callable[[int], tuple[int, int]]


class Plan(NamedTuple):
    """What is drawn.

    Attributes:
        samples: the images, made as they are asked for, since they may be many.
        count: how many these are.
        layout: where they lie in a picture.
    """

    samples: Iterator[Sample]
    count: int
    layout: Layout


def plan_number(
    classes: list[int], seeds: Sequence[int], truncation: Optional[float], names: ClassNames
) -> Plan:
    """One image of each seed, the classes in equal blocks."""
    num = len(seeds)
    # Of each class: the number of its first image.
    starts = [-(-number * num // len(classes)) for number in range(len(classes) + 1)]

    def class_number(index):
        return index * len(classes) // num

    samples = (
        Sample(classes[class_number(index)], seed, truncation) for index, seed in enumerate(seeds)
    )
    square = math.ceil(math.sqrt(num))
    if len(classes) == 1 or num <= len(classes):
        return Plan(samples, num, _by_rows(-(-num // square), square, {}))
    # Every class begins a row.
    largest = max(end - start for start, end in zip(starts, starts[1:]))
    columns = min(largest, max(square, _USUAL_COLUMNS))
    first_rows = [0]
    for start, end in zip(starts, starts[1:]):
        first_rows.append(first_rows[-1] + -(-(end - start) // columns))

    def place(index):
        number = class_number(index)
        row, column = divmod(index - starts[number], columns)
        return first_rows[number] + row, column

    labels = {row: names.name(label) for row, label in zip(first_rows, classes)}
    return Plan(samples, num, Layout(first_rows[-1], columns, labels, (), place))


def plan_seeds(
    classes: list[int], seeds: list[int], truncation: Optional[float], names: ClassNames
) -> Plan:
    """Every class from every seed: one row per class, or a square of a single class."""
    samples = (Sample(label, seed, truncation) for label in classes for seed in seeds)
    count = len(classes) * len(seeds)
    if len(classes) == 1:
        columns = math.ceil(math.sqrt(count))
        layout = _by_rows(-(-count // columns), columns, {})
    else:
        layout = _by_rows(
            len(classes),
            len(seeds),
            {row: names.name(label) for row, label in enumerate(classes)},
            [str(seed) for seed in seeds],
        )
    return Plan(samples, count, layout)


def plan_truncations(
    classes: list[int], seeds: list[int], truncations: list[float], names: ClassNames
) -> Plan:
    """One row per threshold, one column per class and seed."""
    samples = (
        Sample(label, seed, truncation)
        for truncation in truncations
        for label in classes
        for seed in seeds
    )
    columns = len(classes) * len(seeds)
    if len(classes) == 1:
        labels = [str(seed) for seed in seeds]
    else:  # One label per class, above its first column.
        labels = [
            names.name(label) if seed == seeds[0] else "" for label in classes for seed in seeds
        ]
    rows = {row: f"{truncation:g}" for row, truncation in enumerate(truncations)}
    return Plan(
        samples, len(truncations) * columns, _by_rows(len(truncations), columns, rows, labels)
    )


def plan_latent_path(
    classes: list[int],
    seeds: list[int],
    frames: int,
    truncation: Optional[float],
    names: ClassNames,
) -> Plan:
    """From seed to seed within a class, one row per class.

    Args:
        frames: images from one seed to the next, both included.
    """
    samples = (
        Sample(label, seed, truncation, to_seed=to_seed, position=position)
        for label in classes
        for seed, to_seed, position in _path(seeds, frames)
    )
    labels = {row: names.name(label) for row, label in enumerate(classes)}
    return _path_plan(samples, len(classes), len(seeds), frames, labels)


def plan_class_path(
    classes: list[int], seeds: list[int], frames: int, truncation: Optional[float]
) -> Plan:
    """From class to class with the latent of one seed, one row per seed.

    Args:
        frames: images from one class to the next, both included.
    """
    samples = (
        Sample(label, seed, truncation, to_label=to_label, position=position)
        for seed in seeds
        for label, to_label, position in _path(classes, frames)
    )
    labels = {row: f"seed {seed}" for row, seed in enumerate(seeds)}
    return _path_plan(samples, len(seeds), len(classes), frames, labels)


def _path(stations, frames):
    """Steps `(start, end, position)` through all stations, each of which is passed once."""
    for start, end in zip(stations, stations[1:]):
        for step in range(frames - 1):
            yield start, end, step / (frames - 1)
    yield stations[-2], stations[-1], 1.0


def _path_plan(samples, rows, stations, frames, labels):
    columns = (stations - 1) * (frames - 1) + 1
    return Plan(samples, rows * columns, _by_rows(rows, columns, labels))


def _by_rows(rows, columns, row_labels, column_labels=()):
    return Layout(rows, columns, row_labels, column_labels, lambda index: divmod(index, columns))
