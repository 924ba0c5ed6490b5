"""Classes by name: what the index of a class stands for, and which class a person means.

No TensorFlow and no tfds are imported here.
"""

import difflib
import functools
import os
import re
from typing import NamedTuple

_IMAGENET_TABLE = os.path.join(os.path.dirname(__file__), "imagenet_classes.tsv")
_IMAGENET_CLASSES = 1000
# Of tfds's data sets this one alone counts the same classes in another order.
_OTHER_ORDER = "imagenet_resized"
_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
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

    Args:
        entries: class `i` at place `i`.
    """

    def __init__(self, entries: list[ClassEntry]):
        self._entries = entries
        self._indices = {}  # normalised name, list of names or id -> indices
        for index, entry in enumerate(entries):
            texts = (*entry.names, ", ".join(entry.names), entry.wordnet_id)
            for text in dict.fromkeys(map(_normalise, texts)):
                self._indices.setdefault(text, []).append(index)

    @property
    def num_classes(self) -> int:
        return len(self._entries)

    def name(self, index: int) -> str:
        """The class's first name, for pictures."""
        return self._entries[index].names[0]

    def wordnet_id(self, index: int) -> str:
        """The class's WordNet id, as "n01443537"; empty where there are none."""
        return self._entries[index].wordnet_id

    def resolve(self, text: str) -> int:
        """Finds the class that `text` means.

        Args:
            text: an index, counted from 0; a WordNet id; a name; or all names of a
                class as the data set lists them, separated by commas. Case does not
                matter, and `_` is a space.

        Returns:
            The index of the class.

        Raises:
            ClassNameError: if there is no such class, or there are several.
        """
        key = _normalise(text)
        if re.fullmatch(r"[+-]?[0-9]+", key):
            index = int(key)
            if not 0 <= index < self.num_classes:
                raise ClassNameError(
                    f"the model has {self.num_classes} classes, 0 to {self.num_classes - 1}."
                )
            return index
        found = self._indices.get(key, []) if key else []
        if len(found) == 1:
            return found[0]
        if found:
            listed = "; ".join(self._describe(index) for index in found)
            raise ClassNameError(
                f"names {len(found)} classes: {listed}. Give the index or the WordNet id."
            )
        raise ClassNameError(f"no such class. {self._suggest(key)}")

    def _describe(self, index):
        entry = self._entries[index]
        return " ".join(filter(None, (str(index), entry.wordnet_id, ", ".join(entry.names))))

    def _suggest(self, key):
        kinds = f"an index from 0 to {self.num_classes - 1}"
        if any(entry.wordnet_id for entry in self._entries):
            kinds += ", a WordNet id or a name"
        elif any(len(entry.names) > 1 for entry in self._entries):
            kinds += " or a name"
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
        offered = [f"{name} ({index})" for index, name in near.items()][:_MOST_SUGGESTIONS]
        return f"Did you mean {', '.join(offered[:-1])}{' or ' * (len(offered) > 1)}{offered[-1]}?"


def class_names(dataset: str, num_classes: int) -> ClassNames:
    """The classes of a data set, by its name.

    Args:
        dataset: name of the data set, as in `gan.config`.
        num_classes: number of classes of the model.

    Returns:
        For tfds's ImageNet with its 1,000 classes their names in WordNet, for the
        digits their words; for any other only indices.
    """
    if (
        dataset.startswith("imagenet")
        and not dataset.startswith(_OTHER_ORDER)
        and num_classes == _IMAGENET_CLASSES
    ):
        return ClassNames(_imagenet_entries())
    if dataset == "digits" and num_classes == len(_DIGITS):
        return ClassNames([ClassEntry((str(digit), word)) for digit, word in enumerate(_DIGITS)])
    return ClassNames([ClassEntry((str(index),)) for index in range(num_classes)])


@functools.lru_cache(maxsize=1)
def _imagenet_entries():
    with open(_IMAGENET_TABLE, encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t") for line in file if not line.startswith("#")]
    return [ClassEntry(tuple(names.split(", ")), wordnet_id) for _, wordnet_id, names in rows]


def _is_number(key):
    """Whether this is an index or a WordNet id."""
    return re.fullmatch(r"n?[0-9]+", key) is not None


def _normalise(text):
    words = text.replace("_", " ").lower()
    return ", ".join(" ".join(part.split()) for part in words.split(","))
