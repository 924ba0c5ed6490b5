"""Parts of splits as tfds writes them, for data that tfds does not know: "train[:90%]"."""

import re

_PART = re.compile(r"(?P<name>\w+)(\[(?P<first>-?\d+%?)?:(?P<end>-?\d+%?)?\])?")


def split_part(text: str, counts: dict[str, int]) -> tuple[str, int, int]:
    """Finds what a name of a split, or of a part of one, means.

    Args:
        text: "train", "train[:100]", "train[10%:-50]": counted as Python's slices,
            or in percent, rounded to the nearest.
        counts: name of each split to its number of images.

    Returns:
        Name, first and end, with `0 <= first <= end <= count`.

    Raises:
        KeyError: if there is no such split, or this is no such text.
    """
    match = _PART.fullmatch(text)
    if not match or match["name"] not in counts:
        raise KeyError(text)
    count = counts[match["name"]]

    def place(bound, default):
        if bound is None:
            return default
        number = round(int(bound[:-1]) * count / 100) if bound.endswith("%") else int(bound)
        return min(max(number + count if number < 0 else number, 0), count)

    first, end = place(match["first"], 0), place(match["end"], count)
    return match["name"], first, max(first, end)
