"""One record: whether it holds what the metadata says, and its label what its name says."""

import dataclasses
from collections.abc import Iterator
from typing import Optional

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError

from preprocessing.ilsvrc import challenge
from preprocessing.verification.official_names import (
    describe_class,
    is_official,
    official_label,
)
from preprocessing.verification.record_format import BYTES, FLOATS, RecordFormat


@dataclasses.dataclass
class Content:
    """What a record turned out to hold.

    Attributes:
        label: its class; None if it has none that counts.
        file_name: its name; None if it has none.
        problems: kind, what was found and what was expected, one each.
    """

    label: Optional[int] = None
    file_name: Optional[bytes] = None
    problems: list[tuple[str, str, str]] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True)
class RecordCheck:
    """Checks the records of one data set; cheap to send to another process.

    Attributes:
        format: what they should hold.
        is_imagenet: whether file names are those of the challenge.
        decode: whether to decode images.
    """

    format: RecordFormat
    is_imagenet: bool
    decode: bool = True

    def check(self, payload: bytes, split: str) -> Content:
        """Checks one record of a split."""
        content = Content()
        try:
            example = tf.train.Example.FromString(payload)
        except DecodeError:
            found = f"its {len(payload)} bytes are no tf.train.Example"
            content.problems.append(("record format", found, "one, as tfds writes"))
            return content
        stored = example.features.feature
        lacking = list(self._lacking(stored))
        content.problems.extend(("record format", *finding) for finding in lacking)
        if lacking:
            return content
        if self.format.has_file_name:
            content.file_name = stored["file_name"].bytes_list.value[0]
        self._check_label(stored["label"].int64_list.value[0], content, split)
        finding = self._check_image(stored)
        if finding:
            content.problems.append(("image", *finding))
        return content

    def _lacking(self, stored) -> Iterator[tuple[str, str]]:
        for field in self.format.fields:
            expected = f"{field.count} in {field.list_name}"
            if field.key not in stored:
                yield (
                    f"no value {field.key!r}, only {', '.join(sorted(stored)) or 'none'}",
                    expected,
                )
                continue
            list_name = stored[field.key].WhichOneof("kind")
            values = getattr(stored[field.key], list_name).value if list_name else ()
            if list_name != field.list_name or len(values) != field.count:
                yield f"{field.key!r} has {len(values)} in {list_name}", expected

    def _check_label(self, label, content, split):
        official = None
        if self.is_imagenet and is_official(split) and content.file_name is not None:
            name = content.file_name.decode("utf-8", "backslashreplace")
            official = official_label(split, name)
            if official is None:
                found = f"the file name is {name!r}"
                content.problems.append(("file name", found, f"one as {challenge.EXAMPLES[split]}"))
            elif label != official:
                found = f"the label of {name} is {describe_class(label)}"
                content.problems.append(("label", found, describe_class(official)))
        num_classes = self.format.num_classes
        if label == challenge.NO_LABEL and official in (None, challenge.NO_LABEL):
            allowed = split == "test" or not self.is_imagenet
        else:
            allowed = label >= 0 and (num_classes is None or label < num_classes)
        if allowed:
            content.label = label
        elif official is None or label == official:
            limit = "0 or more" if num_classes is None else f"0..{num_classes - 1}"
            content.problems.append(("label", f"the label is {label}", limit))

    def _check_image(self, stored):
        image = self.format.image
        value = stored[self.format.image_key]
        if self.format.shape_key:
            shape = list(stored[self.format.shape_key].int64_list.value)
            return image.check(value.bytes_list.value[0], self.decode, shape)
        if value.WhichOneof("kind") == FLOATS:
            # Number by number, so many would take milliseconds.
            numbers = value.float_list
            content = numbers.SerializeToString()[-4 * len(numbers.value) :]
            return image.check(np.frombuffer(content, "<f4"), self.decode)
        values = getattr(value, value.WhichOneof("kind")).value
        return image.check(values[0] if value.WhichOneof("kind") == BYTES else values, self.decode)
