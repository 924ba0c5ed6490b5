"""Classes by name: what the index of a class stands for, and which class a person means.

No TensorFlow and no tfds are imported here.
"""

import difflib
import functools
import os
import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple, Optional

from preprocessing.class_list import listed, number_of, numbered, printable

_IMAGENET_TABLE = os.path.join(os.path.dirname(__file__), "imagenet_classes.tsv")
_IMAGENET_CLASSES = 1000
# Of tfds's data sets this one alone counts the same classes in another order.
_OTHER_ORDER = "imagenet_resized"
DIGIT_NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_MOST_SUGGESTIONS = 4


class ClassNameError(ValueError):
    """A text that is no class, or several; the message says which there are."""


class ClassEntry(NamedTuple):
    """One class.

    Attributes:
        names: all of its names, the first for labels.
        wordnet_id: its WordNet id, as "n01443537", or "".
    """

    names: tuple[str, ...]
    wordnet_id: str = ""


class ClassNames:
    """The classes of one data set.

    Where the first name of any class is a number, a number means a name and never an index:
    of folders 1 to 10, "10" is folder "10", and "0" is none.

    Args:
        entries: class `i` at place `i`.
    """

    def __init__(self, entries: list[ClassEntry]):
        self._entries = entries
        self._exact = {}  # the only name of a class, as it is written -> index
        self._of_number = {}  # number that is a name -> indices
        self._indices = {}  # normalised name, list of names or id -> indices
        for index, entry in enumerate(entries):
            if len(entry.names) == 1 and not entry.wordnet_id:
                self._exact[entry.names[0]] = index
            if (value := number_of(entry.names[0])) is not None:
                self._of_number.setdefault(value, []).append(index)
            texts = (*entry.names, ", ".join(entry.names), entry.wordnet_id)
            for text in dict.fromkeys(map(_normalise, texts)):
                self._indices.setdefault(text, []).append(index)

    @property
    def num_classes(self) -> int:
        return len(self._entries)

    def name(self, index: int) -> str:
        """The class's first name, for pictures and lines of text."""
        return printable(self._entries[index].names[0])

    def number(self, index: int) -> int:
        """A number for names of files: the name where all are whole numbers, else `index`."""
        if self._are_whole_numbers:
            return int(self._entries[index].names[0])
        return index

    @functools.cached_property
    def number_width(self) -> int:
        """Digits of the largest `number`."""
        return len(str(max(map(self.number, range(self.num_classes)))))

    def flag_value(self, index: int) -> str:
        """A text that `resolve` takes for this class: its index, where a number is one."""
        name = self._entries[index].names[0]
        return name if self._of_number else str(index)

    def describe(self) -> str:
        """Which class has which number: `0=cat, 1=dog`; "" where there are numbers alone."""
        return numbered(self._first_names)

    def told(self, indices: Sequence[int]) -> str:
        """A line on which classes these are; "" where the data has no names of its own."""
        if not self._exact or not self.describe():
            return ""
        return f"Classes: {listed(self._first_names, indices)}"

    def wordnet_id(self, index: int) -> str:
        """The class's WordNet id, as "n01443537"; empty where there are none."""
        return self._entries[index].wordnet_id

    def is_name(self, text: str) -> bool:
        """Whether this is a class's only name, just so written, as "4-6" for an age."""
        return text in self._exact

    def resolve(self, text: str) -> int:
        """Finds the class that `text` means.

        Args:
            text: an index, counted from 0; a WordNet id; a name; or all names of a
                class as the data set lists them, separated by commas. Case does not
                matter, and `_` is a space, unless a name is just so written. Numbers that
                are names may have other zeros in front.

        Returns:
            The index of the class.

        Raises:
            ClassNameError: if there is no such class, or there are several.
        """
        if text in self._exact:
            return self._exact[text]
        key = _normalise(text)
        value = number_of(key)
        if value is not None and self._of_number:
            found = self._of_number.get(value, [])
        elif re.fullmatch("[+-]?[0-9]+", key):
            found = [int(value)] if 0 <= value < self.num_classes else []
        else:
            found = self._indices.get(key, []) if key else []
        if len(found) == 1:
            return found[0]
        if found:
            several = "; ".join(self._describe(index) for index in found)
            advice = "index or the WordNet id" if self._have_ids else "name as it is written"
            raise ClassNameError(f"names {len(found)} classes: {several}. Give the {advice}.")
        if value is not None and not self._numbers_are_other_names:
            raise ClassNameError(
                f"the model has {self.num_classes} classes, 0 to {self.num_classes - 1}."
            )
        raise ClassNameError(f"no such class. {self._suggest(key)}")

    def resolve_range(self, first: str, last: str) -> list[int]:
        """Finds the classes from one number to another, both included.

        Args:
            first, last: whole numbers, as `resolve` takes them.

        Returns:
            The indices of the classes, in the order of the numbers.

        Raises:
            ClassNameError: if one of both is no class.
        """
        ends = self.resolve(first), self.resolve(last)
        if not self._of_number:
            return list(range(ends[0], ends[1] + 1))
        least, most = number_of(first), number_of(last)
        between = sorted(value for value in self._of_number if least <= value <= most)
        return [index for value in between for index in self._of_number[value]]

    @property
    def _first_names(self):
        return [entry.names[0] for entry in self._entries]

    @property
    def _have_ids(self):
        return any(entry.wordnet_id for entry in self._entries)

    @functools.cached_property
    def _are_whole_numbers(self):
        """Whether all first names are different numbers without sign or fraction."""
        return len(self._of_number) == self.num_classes and all(
            re.fullmatch("[0-9]+", name) for name in self._first_names
        )

    @functools.cached_property
    def _numbers_are_other_names(self):
        """Whether a number may mean another class as a name than it would as an index."""
        return bool(self._of_number) and any(
            number_of(name) != index for index, name in enumerate(self._first_names)
        )

    def _describe(self, index):
        entry = self._entries[index]
        names = ", ".join(map(printable, entry.names))
        return " ".join(filter(None, (str(index), entry.wordnet_id, names)))

    def _suggest(self, key):
        kinds = f"an index from 0 to {self.num_classes - 1}"
        if self._numbers_are_other_names:
            kinds = f"a name of {self.describe()}; numbers are names here"
        elif any(entry.wordnet_id for entry in self._entries):
            kinds += ", a WordNet id or a name"
        elif any(len(entry.names) > 1 for entry in self._entries):
            kinds += " or a name"
        elif self.describe():
            kinds += f" or a name of {self.describe()}"
        if not key or _is_number(key):  # A near number would be another thing.
            return f"Expected {kinds}."
        names = [name for name in self._indices if "," not in name and not _is_number(name)]
        containing = [name for name in names if f" {key} " in f" {name} "]
        spelled = difflib.get_close_matches(key, names, n=_MOST_SUGGESTIONS)
        near = {}  # index -> its nearest name
        for name in [*containing, *spelled]:
            for index in self._indices[name]:
                near.setdefault(index, name)
        if not near:
            return f"Expected {kinds}."
        offered = [f"{printable(name)} ({index})" for index, name in near.items()]
        offered = offered[:_MOST_SUGGESTIONS]
        return f"Did you mean {', '.join(offered[:-1])}{' or ' * (len(offered) > 1)}{offered[-1]}?"


def class_names(
    dataset: str, num_classes: int, stored: Optional[Sequence[str]] = None
) -> ClassNames:
    """The classes of a model.

    Args:
        dataset: name of its data set, as in `gan.config`.
        num_classes: how many there are.
        stored: the data's own names for them, if they are known: class `i` at place `i`.

    Returns:
        For the digits their words; else the stored names, where all are WordNet ids of
        ImageNet with its names for them. Without these for tfds's ImageNet with its 1,000
        classes their names in WordNet; for any other only indices.
    """
    if dataset == "digits" and num_classes == len(DIGIT_NAMES):
        return ClassNames([ClassEntry((str(i), word)) for i, word in enumerate(DIGIT_NAMES)])
    if stored:
        return ClassNames(_wordnet_entries(stored) or [ClassEntry((name,)) for name in stored])
    if (
        dataset.startswith("imagenet")
        and not dataset.startswith(_OTHER_ORDER)
        and num_classes == _IMAGENET_CLASSES
    ):
        return ClassNames(_imagenet_entries())
    return ClassNames([ClassEntry((str(index),)) for index in range(num_classes)])


@functools.lru_cache(maxsize=1)
def _imagenet_entries():
    with open(_IMAGENET_TABLE, encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t") for line in file if not line.startswith("#")]
    return [ClassEntry(tuple(names.split(", ")), wordnet_id) for _, wordnet_id, names in rows]


def _wordnet_entries(stored):
    """Entries of ImageNet's table; None unless all names are ids in it."""
    if not all(re.fullmatch("n[0-9]{8}", name) for name in stored):
        return None
    entries = {entry.wordnet_id: entry for entry in _imagenet_entries()}
    return [entries[name] for name in stored] if all(map(entries.get, stored)) else None


def _is_number(key):
    """Whether this is an index or a WordNet id."""
    return re.fullmatch(r"n?[0-9]+", key) is not None


def _normalise(text):
    words = unicodedata.normalize("NFC", text.replace("_", " ").casefold())
    return ", ".join(" ".join(part.split()) for part in words.split(","))
