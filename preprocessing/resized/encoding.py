"""An image file to a record of resized pixels, and such records back to pixels."""

import dataclasses
import functools
from typing import Callable, ClassVar, Optional

import numpy as np
import tensorflow as tf

from preprocessing.central_crop import resized_pixels
from preprocessing.error_text import operation_text
from preprocessing.records.shard import UndecodableImageError

JPEG_QUALITY = 95
_JPEG_BYTES_PER_VALUE = 0.4  # of small photos in quality 95
_FEATURE_BYTES = 80  # of a record, for keys and lengths


@dataclasses.dataclass(frozen=True)
class Encoder:
    """Makes the records of a cache; small to send to another process.

    Attributes:
        size: side of the images in pixels.
        resampling: one of `choices.RESAMPLINGS`.
        store: one of `choices.STORES`.
        channels: 1 or 3, as the source stores its images.
        with_names: whether records have a `file_name`.
        quality: of JPEG.
    """

    size: int
    resampling: str
    store: str
    channels: int = 3
    with_names: bool = False
    quality: int = JPEG_QUALITY

    check: ClassVar[bool] = True  # There is no resizing what was not decoded.

    def encode_image(self, encoded: bytes, label: int, name: Optional[str] = None) -> bytes:
        """Decodes, crops and resizes as the training pipeline does.

        Args:
            encoded: JPEG, PNG, GIF or BMP.
            label: class index.
            name: file name of the image.

        Returns:
            A serialized `tf.train.Example`.

        Raises:
            UndecodableImageError: if this is no image.
        """
        try:
            with tf.device("CPU"):
                image = _image_function(self)(tf.constant(encoded)).numpy()
        except tf.errors.InvalidArgumentError as error:
            raise UndecodableImageError(operation_text(error)) from error
        return self.encode(image, label, name)

    def encode(self, image, label: int, name: Optional[str] = None) -> bytes:
        """Serializes an image.

        Args:
            image: `[size, size, channels]` in the store's type, or the bytes of a JPEG.
            label: class index.
            name: file name of the image.
        """
        example = tf.train.Example()
        feature = example.features.feature
        content = image if isinstance(image, bytes) else image.tobytes()
        if self.store == "float32":
            # The list's one field, packed: given number by number it would take milliseconds.
            feature["image"].float_list.MergeFromString(b"\n" + _varint(len(content)) + content)
        else:
            feature["image"].bytes_list.value.append(content)
        feature["label"].int64_list.value.append(label)
        if self.with_names:
            content = name if isinstance(name, bytes) else name.encode()
            feature["file_name"].bytes_list.value.append(content)
        return example.SerializeToString(deterministic=True)

    def record_sizes(self, names, labels, image_sizes) -> np.ndarray:
        """Lengths of the records: nearly exact, of JPEG a high guess.

        Args:
            names, labels: `[count]` arrays, of the images.
            image_sizes: `[count]`, in bytes; not used, as all images become alike.

        Returns:
            int64 `[count]`.
        """
        del labels, image_sizes
        values = self.size**2 * self.channels
        bytes_per_value = {"float32": 4.0, "uint8": 1.0, "jpeg": _JPEG_BYTES_PER_VALUE}
        length = int(values * bytes_per_value[self.store]) + _FEATURE_BYTES
        names_length = np.char.str_len(names) if self.with_names else 0
        return np.full(len(names), length, np.int64) + names_length


def stored_pixels(pixels, store, quality=JPEG_QUALITY):
    """Pixels as they are stored.

    Args:
        pixels: float32 `[size, size, channels]`, values 0 to 255.
        store: one of `choices.STORES`.
        quality: of JPEG.

    Returns:
        The same; or uint8, rounded; or a scalar string, the JPEG of those.
    """
    if store == "float32":
        return pixels
    rounded = tf.saturate_cast(tf.round(pixels), tf.uint8)
    return tf.io.encode_jpeg(rounded, quality=quality) if store == "jpeg" else rounded


def batch_decoder(store: str, size: int, channels: int) -> Optional[Callable]:
    """The function from `[batch]` records to pixels and labels, for stores without compression.

    Returns:
        A function to float32 `[batch, size, size, channels]`, values 0 to 255, and int64
        `[batch]`; None for JPEG, which is decoded one by one.
    """
    if store == "jpeg":
        return None
    shape = [size, size, channels]

    def decode(records):
        parsed = tf.io.parse_example(records, _features(store, shape))
        pixels = parsed["image"]
        if store == "uint8":
            batch = -1 if records.shape[0] is None else records.shape[0]
            pixels = tf.reshape(tf.io.decode_raw(pixels, tf.uint8), [batch, *shape])
        return tf.cast(pixels, tf.float32), parsed["label"]

    return decode


def decoder(store: str, size: int, channels: int) -> Callable:
    """The function from one record to pixels and label.

    Returns:
        A function to float32 `[size, size, channels]`, values 0 to 255, and int64 `[]`.
    """
    shape = [size, size, channels]

    def decode(record):
        parsed = tf.io.parse_single_example(record, _features(store, shape))
        pixels = parsed["image"]
        if store == "jpeg":
            pixels = tf.image.decode_image(pixels, channels, expand_animations=False)
            pixels.set_shape(shape)
        elif store == "uint8":
            pixels = tf.reshape(tf.io.decode_raw(pixels, tf.uint8), shape)
        return tf.cast(pixels, tf.float32), parsed["label"]

    return decode


def _features(store, shape):
    # Numbers are parsed to where the batch is; bytes would first be copied into a string.
    image = (shape, tf.float32) if store == "float32" else ([], tf.string)
    return {
        "image": tf.io.FixedLenFeature(*image),
        "label": tf.io.FixedLenFeature([], tf.int64),
    }


def _varint(number):
    """A number as protocol buffers write it: 7 bits per byte, the lowest first."""
    content = bytearray()
    while number > 127:
        content.append(number & 127 | 128)
        number >>= 7
    content.append(number)
    return bytes(content)


@functools.lru_cache(maxsize=8)
def _image_function(encoder):
    @tf.function(input_signature=[tf.TensorSpec([], tf.string)], autograph=False)
    def image_of(encoded):
        image = tf.image.decode_image(encoded, encoder.channels)  # As tfds decodes.
        image.set_shape([None, None, encoder.channels])
        pixels = resized_pixels(image, encoder.size, encoder.resampling)
        return stored_pixels(pixels, encoder.store, encoder.quality)

    return image_of
