"""The class names of a data set as a list: in order, in words, and whether it has changed.

No TensorFlow and no tfds are imported here.
"""

import decimal
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Optional

from preprocessing.data_error import DataError

_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_MOST_LISTED = 20  # classes that a line names one by one
_FIRST_LISTED = 3  # of more than that, and the last
_LONGEST_SHOWN = 40  # characters of a name


class ClassesChangedError(DataError):
    """The data has other classes than those a model was trained with."""


def number_of(name: str) -> Optional[decimal.Decimal]:
    """The number that a name is, as of "7", "007" and "-1.5"; None for any other name."""
    return decimal.Decimal(name) if _NUMBER.fullmatch(name) else None


def in_order(names: Iterable[str], stored: Optional[Sequence[str]] = None) -> tuple[str, ...]:
    """Puts the names of class folders into the order of their labels.

    Args:
        names: of the folders.
        stored: the classes of a run that goes on, whose order is kept where it has the same
            ones. Empty for a run of an earlier version, which stored none and took numbers
            for text. None for a new run.

    Returns:
        The names: as numbers if all of them are numbers, else by the code points of their
        characters.
    """
    names = sorted(names)
    if stored and sorted(stored) == names:
        return tuple(stored)
    same = {_composed(name): name for name in names}
    if stored and len(same) == len(names) and sorted(map(_composed, stored)) == sorted(same):
        return tuple(same[_composed(name)] for name in stored)
    is_as_earlier = stored is not None and not stored
    if not is_as_earlier and all(number_of(name) is not None for name in names):
        names.sort(key=number_of)  # Stable: "1" and "01" stay in the order of text.
    return tuple(names)


def _composed(name):
    """A name as most systems write it: macOS may write "é" as two characters."""
    return unicodedata.normalize("NFC", name)


def printable(name: str) -> str:
    """A name for one line of any terminal or picture: shortened, without control characters.

    Bytes of a folder's name that are no UTF-8, and line breaks, become escapes as `\\udcff`.
    """
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 3] + "..."


def numbered(names: Sequence[str]) -> str:
    """Which class has which number: `0=cat, 1=dog`; "" where every name is its number."""
    if all(name == str(label) for label, name in enumerate(names)):
        return ""
    return listed(names, range(len(names)))


def listed(names: Sequence[str], labels: Sequence[int]) -> str:
    """Some classes with their numbers, as `0=cat, 1=dog`; of many the first ones and the last."""
    entries = [f"{label}={printable(names[label])}" for label in labels]
    if len(entries) > _MOST_LISTED:
        return f"{', '.join(entries[:_FIRST_LISTED])} ... {entries[-1]}"
    return ", ".join(entries)


def describe(names: Sequence[str]) -> str:
    """All classes in a few words: `classes cat to dog (0=cat, 1=dog)`."""
    words = f"classes {printable(names[0])} to {printable(names[-1])}"
    return f"{words} ({numbers})" if (numbers := numbered(names)) else words


def check_same_classes(
    dataset: str, stored: Optional[Sequence[str]], there: Optional[Sequence[str]]
):
    """Checks that a data set still has the classes that a model was trained with.

    Args:
        dataset: its name.
        stored: the model's classes; None or empty where they are not known.
        there: those of the data; None where it has no names for them.

    Raises:
        ClassesChangedError: naming the first difference.
    """
    if not stored or there is None:
        return
    if list(map(_composed, stored)) == list(map(_composed, there)):
        return
    before, now = frozenset(stored), frozenset(there)
    gone = [name for name in stored if name not in now]
    new = [name for name in there if name not in before]
    parts = [f"there is no class {gone[0]!r} any more"] if gone else []
    parts += [f"{new[0]!r} is new"] if new else []
    if not parts:
        label = next(i for i, (old, new) in enumerate(zip(stored, there)) if old != new)
        parts = [f"class {label} was {stored[label]!r} and is {there[label]!r} now"]
    raise ClassesChangedError(
        f"Data set {dataset!r}: its classes are not those that the model was trained with: "
        f"{' and '.join(parts)}. Trained with {describe(stored)}; now {describe(there)}. Put the "
        "classes back as they were, or start another run with what is there now."
    )
