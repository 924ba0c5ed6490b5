"""What a record of a data set holds, by the features in its metadata."""

import dataclasses
import math
from typing import Any, Optional

import numpy as np

from preprocessing.data_error import DataError
from preprocessing.verification.stored_image import (
    EncodedImage,
    ListedImage,
    RawImage,
    StoredImage,
)

BYTES, INTEGERS, FLOATS = "bytes_list", "int64_list", "float_list"  # of tf.train.Feature


@dataclasses.dataclass(frozen=True)
class Field:
    """A value that every record has.

    Attributes:
        key: its name in `tf.train.Example`.
        list_name: which of the lists of `tf.train.Feature` holds it.
        count: how many values; None for any number.
    """

    key: str
    list_name: str
    count: Optional[int] = 1


@dataclasses.dataclass(frozen=True)
class RecordFormat:
    """What a record holds; cheap to send to another process.

    Attributes:
        fields: all values of a fixed number.
        image: how the image is stored.
        image_key: where.
        shape_key: where its shape is, if the record says it; else "".
        num_classes: labels are below this; None if the metadata does not say.
        has_file_name: whether there is a feature `file_name`.
    """

    fields: tuple[Field, ...]
    image: StoredImage
    image_key: str
    shape_key: str
    num_classes: Optional[int]
    has_file_name: bool


def record_format(features: Any, name: str, rgb_jpeg: bool) -> RecordFormat:
    """The format of a data set's records.

    Args:
        features: of the data set, `tfds.features.FeaturesDict`.
        name: of the data set, for errors.
        rgb_jpeg: whether encoded images must be JPEG in grey or RGB.

    Raises:
        DataError: if there are no image and label, or not of a kind known here.
    """
    missing = [key for key in ("image", "label") if key not in features]
    if missing:
        raise DataError(
            f"Data set {name!r} has no feature {missing[0]!r}; it has "
            f"{', '.join(sorted(features))}. Only labelled images can be verified."
        )
    label = features["label"]
    if label.shape != () or np.dtype(label.np_dtype).kind not in "iu":
        raise DataError(f"Data set {name!r}: its feature 'label' is {label}. Expected one integer.")
    fields = tuple(_fields(features.get_serialized_info()))
    image = _stored_image(features["image"], name, rgb_jpeg)
    keys = {field.key for field in fields}
    dynamic = "image/value" in keys
    return RecordFormat(
        fields=fields,
        image=image,
        image_key="image/value" if dynamic else "image",
        shape_key="image/shape" if dynamic else "",
        num_classes=getattr(label, "num_classes", None),
        has_file_name=Field("file_name", BYTES) in fields,
    )


def _fields(info, key=""):
    if isinstance(info, dict):
        for name, inner in info.items():
            yield from _fields(inner, f"{key}/{name}" if key else name)
        return
    # Of other values tfds leaves out the empty ones.
    if None in info.shape or getattr(info, "optional", False):
        return
    kind = np.dtype(info.np_dtype).kind
    list_name = {"O": BYTES, "S": BYTES, "U": BYTES, "i": INTEGERS, "u": INTEGERS, "b": INTEGERS}
    yield Field(key, list_name.get(kind, FLOATS), math.prod(info.shape))


def _stored_image(feature, name, rgb_jpeg):
    import tensorflow_datasets as tfds  # Takes long to import.

    shape = tuple(feature.shape)
    if isinstance(feature, tfds.features.Image):
        dtype = np.dtype(feature.np_dtype).name
        if dtype == "float32":  # tfds stores its four bytes as channels.
            return EncodedImage((*shape[:2], 4))
        return EncodedImage(shape, dtype, rgb_jpeg)
    if type(feature) is tfds.features.Tensor and len(shape) == 3:
        dtype = np.dtype(feature.np_dtype).name
        encoding = feature.to_json_content().encoding
        if encoding in ("bytes", "zlib"):
            return RawImage(shape, dtype, encoding == "zlib")
        return ListedImage(shape)
    raise DataError(
        f"Data set {name!r}: its feature 'image' is {feature}. Expected an image, or a tensor of "
        "height, width and channels."
    )
