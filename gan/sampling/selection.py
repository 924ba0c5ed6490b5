"""Which classes and seeds a person asks for, in the words of the command line."""

import re

from gan.sampling.latents import SEEDS
from preprocessing.class_names import ClassNameError, ClassNames

MOST_SEEDS = 1_000_000
_RANGE = re.compile(r"([0-9]+)\s*-\s*([0-9]+)")


class SelectionError(ValueError):
    """Classes or seeds that cannot be meant; the message names the flag and the value."""


def read_seeds(text: str) -> list[int]:
    """Reads seeds such as `0-63` or `3,7,10-12`.

    Returns:
        The seeds in the order given; one that is given twice is there twice.

    Raises:
        SelectionError: if a part is no seed and no range of seeds, or they are too many.
    """
    seeds = []
    for part in text.split(","):
        part = part.strip()
        found = _RANGE.fullmatch(part)
        first, last = found.groups() if found else (part, part)
        if not re.fullmatch("[0-9]+", first):
            raise SelectionError(
                f"--seeds={text}: {part!r} is no seed. Expected numbers and ranges, as 0-63 or "
                "3,7,10-12."
            )
        first, last = int(first), int(last)
        if last < first:
            raise SelectionError(f"--seeds={text}: {part} goes backwards. Give {last}-{first}.")
        if last >= SEEDS:
            raise SelectionError(f"--seeds={text}: {last} is too large. Seeds go to {SEEDS - 1}.")
        if len(seeds) + last - first >= MOST_SEEDS:
            raise SelectionError(
                f"--seeds={text}: more than {MOST_SEEDS} seeds. Give --num and --seed instead."
            )
        seeds.extend(range(first, last + 1))
    return seeds


def read_classes(texts: list[str], names: ClassNames) -> list[int]:
    """Reads values of `--class`: each one class, or several separated by commas.

    Args:
        texts: each a class as `ClassNames.resolve` takes it, or several of these and
            ranges of numbers, as `goldfish,3,10-12`.
        names: the classes there are.

    Returns:
        The indices in the order given; one that is given twice is there twice, except
        within one value, where both may be names of one class.

    Raises:
        SelectionError: if a part is no class, or several.
    """
    classes = []
    for text in texts:
        try:
            # Of names the whole first: a class's own list of names has commas, too.
            classes.append(names.resolve(text))
        except ClassNameError:
            parts = [_resolve(part.strip(), names) for part in text.split(",")]
            classes.extend(dict.fromkeys(index for part in parts for index in part))
    return classes


def _resolve(part, names):
    found = _RANGE.fullmatch(part)
    try:
        if not found or names.is_name(part):
            return [names.resolve(part)]
        first, last = found.groups()
        classes = names.resolve_range(first, last)
    except ClassNameError as error:
        raise SelectionError(f"--class={part}: {error}") from error
    if not classes:
        raise SelectionError(f"--class={part}: goes backwards. Give {last}-{first}.")
    return classes
