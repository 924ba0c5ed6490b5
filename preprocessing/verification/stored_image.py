"""How a data set stores its images, and what can be wrong with one."""

import dataclasses
import math
import zlib
from typing import Optional, Union

import numpy as np
import tensorflow as tf

from preprocessing.error_text import operation_text

_JPEG, _PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
_CMYK = 4  # channels
_BRIGHTEST = 255.0

# What was found and what was expected; None if nothing is wrong.
Finding = Optional[tuple[str, str]]


@dataclasses.dataclass(frozen=True)
class EncodedImage:
    """JPEG, PNG or whatever `tf.io.decode_image` decodes.

    Attributes:
        shape: height, width and channels, None where they may be any.
        dtype: of the decoded image.
        rgb_jpeg: whether only JPEG in grey or RGB is right.
    """

    shape: tuple[Optional[int], ...]
    dtype: str = "uint8"
    rgb_jpeg: bool = False

    def check(self, encoded: bytes, decode: bool) -> Finding:
        """Checks one image; without `decode` only how its bytes begin."""
        if self.rgb_jpeg and not encoded.startswith(_JPEG):
            return f"the image is {_format(encoded)}", "JPEG"
        if not decode:
            return None
        try:
            shape, stored_channels = self._decode(encoded)
        except tf.errors.OpError as error:
            reason = operation_text(error).rstrip(".")
            return f"the image cannot be decoded: {reason}", self._expected()
        if self.rgb_jpeg and stored_channels == _CMYK:
            return "the image is a JPEG in CMYK", "RGB, as tfds stores all images of ImageNet"
        fits = len(shape) == len(self.shape) and all(
            size in (None, found) for size, found in zip(self.shape, shape)
        )
        return None if fits else (f"the image is {_sizes(shape)}", self._expected())

    def _decode(self, encoded):
        """Shape and the file's own channels; raises `tf.errors.OpError`."""
        # TensorFlow converts channels when it decodes, whatever the file has.
        channels = self.shape[-1] or 0
        is_jpeg = encoded.startswith(_JPEG)
        encoded = tf.constant(encoded)  # Once: for each operation it would be copied again.
        if not is_jpeg:
            image = tf.io.decode_image(encoded, channels, tf.as_dtype(self.dtype))
            return tuple(image.shape), image.shape[-1]
        height, width, stored = tf.io.extract_jpeg_shape(encoded).numpy().tolist()
        # All of the file is read at an eighth of the size, too; only the pixels are fewer.
        tf.io.decode_jpeg(encoded, channels=channels, ratio=8)
        return (height, width, channels or stored), stored

    def _expected(self):
        return f"{'a JPEG' if self.rgb_jpeg else 'an image'}, {_sizes(self.shape)}"


@dataclasses.dataclass(frozen=True)
class RawImage:
    """Pixels as they are, in one string of bytes.

    Attributes:
        shape: height, width and channels; None where the record says.
        dtype: name of NumPy's type; floating point is of [0, 255].
        compressed: whether by zlib.
    """

    shape: tuple[Optional[int], ...]
    dtype: str
    compressed: bool = False

    def check(self, content: bytes, decode: bool, shape: Optional[list[int]] = None) -> Finding:
        """Checks one image.

        Args:
            content: its bytes.
            decode: whether to look at the pixels, too, not at their number alone.
            shape: as the record says it, where `self.shape` does not.
        """
        shape = list(self.shape) if shape is None else shape
        dtype = np.dtype(self.dtype)
        if len(shape) != len(self.shape) or any(
            size not in (None, found) for size, found in zip(self.shape, shape)
        ):
            return f"the image is said to be {_sizes(shape)}", _sizes(self.shape)
        if self.compressed:
            if not decode:
                return None
            try:
                content = zlib.decompress(content)
            except zlib.error as error:
                return f"the image cannot be decompressed: {error}", "zlib's format"
        unit = math.prod(size for size in shape if size is not None) * dtype.itemsize
        whole = len(content) == unit if None not in shape else unit and len(content) % unit == 0
        if not whole:
            expected = f"{unit} for {_each(shape)}{_sizes(shape)} of {self.dtype}"
            return f"the image has {len(content)} bytes", expected
        return _check_range(np.frombuffer(content, dtype)) if decode else None


@dataclasses.dataclass(frozen=True)
class ListedImage:
    """Pixels as numbers of the record.

    Attributes:
        shape: height, width and channels, one of them None if it may be any.
    """

    shape: tuple[Optional[int], ...]

    def check(self, values, decode: bool) -> Finding:
        """Checks one image, a sequence of numbers."""
        unit = math.prod(size for size in self.shape if size is not None)
        whole = len(values) == unit if None not in self.shape else len(values) % unit == 0
        if not whole:
            expected = f"{unit} for {_each(self.shape)}{_sizes(self.shape)}"
            return f"the image has {len(values)} numbers", expected
        return _check_range(np.asarray(values)) if decode else None


StoredImage = Union[EncodedImage, RawImage, ListedImage]


def _check_range(pixels):
    if not np.issubdtype(pixels.dtype, np.floating):
        return None
    if not np.isfinite(pixels).all():
        found = f"{np.count_nonzero(~np.isfinite(pixels))} of {pixels.size} pixels are not finite"
        return found, "finite ones of [0, 255]"
    if pixels.size and not (pixels.min() >= 0 and pixels.max() <= _BRIGHTEST):
        return f"pixels are of [{pixels.min():g}, {pixels.max():g}]", "[0, 255]"
    return None


def _format(encoded):
    if encoded.startswith(_PNG):
        return "PNG"
    if not encoded:
        return "empty"
    return f"not JPEG: it begins with {bytes(encoded[:4]).hex(' ')}"


def _sizes(shape):
    return "×".join("any" if size is None else str(size) for size in shape)


def _each(shape):
    return "each of " if None in shape else ""
