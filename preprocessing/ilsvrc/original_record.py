"""An image of ImageNet as tfds stores it: the file's own bytes, its name and its class."""

import dataclasses

import numpy as np
import tensorflow as tf

from preprocessing.records.shard import UndecodableImageError

_JPEG = b"\xff\xd8\xff"
_SMALLEST = 8  # the least detail that libjpeg can decode to: one pixel of 8×8


@dataclasses.dataclass(frozen=True)
class OriginalEncoder:
    """Records with features image, label and file_name, as those of tfds's builder.

    Attributes:
        check: whether each image is decoded to see that it can be.
    """

    check: bool = True

    def encode_image(self, encoded: bytes, label: int, name: str) -> bytes:
        """A serialized `tf.train.Example`.

        Raises:
            UndecodableImageError: if TensorFlow cannot decode the image.
        """
        if self.check:
            check_image(encoded)
        example = tf.train.Example()
        feature = example.features.feature
        feature["file_name"].bytes_list.value.append(name.encode())
        feature["image"].bytes_list.value.append(encoded)
        feature["label"].int64_list.value.append(label)
        return example.SerializeToString(deterministic=True)

    def record_sizes(
        self, names: np.ndarray, labels: np.ndarray, image_sizes: np.ndarray
    ) -> np.ndarray:
        """Lengths of the records, known before they are made.

        Args:
            names: `[count]` bytes.
            labels: `[count]` integers, -1 for none.
            image_sizes: `[count]` integers, in bytes.

        Returns:
            int64 `[count]`.
        """
        return _field(
            _entry("file_name", _field(np.char.str_len(names).astype(np.int64)))
            + _entry("image", _field(np.asarray(image_sizes, np.int64)))
            + _entry("label", _field(_varint(labels)))
        )


def check_image(encoded: bytes):
    """Decodes an image as training would, only smaller.

    Raises:
        UndecodableImageError: if TensorFlow cannot.
    """
    try:
        # All of the file is read and its entropy code decoded, which is what can fail.
        if encoded.startswith(_JPEG):
            tf.io.decode_jpeg(encoded, channels=3, ratio=_SMALLEST)
        else:
            tf.io.decode_image(encoded, channels=3, expand_animations=False)
    except tf.errors.InvalidArgumentError as error:
        reason = "no image" if not encoded.startswith(_JPEG) else "a damaged JPEG"
        raise UndecodableImageError(
            f"{reason} that TensorFlow can decode ({len(encoded):,} bytes)"
        ) from error


# Lengths in the protocol buffers' wire format.


def _varint(values):
    """Of integers: 7 bits per byte; negative ones take ten."""
    values = np.asarray(values, np.int64)
    lengths = np.ones(values.shape, np.int64)
    for bits in range(7, 63, 7):
        lengths += values >= (1 << bits)
    return np.where(values < 0, 10, lengths)


def _field(lengths):
    """Of a field: one byte says which, then come length and content."""
    return 1 + _varint(lengths) + lengths


def _entry(key, values):
    """Of a feature behind its key: its values are in a list, the list in the feature."""
    return _field(_field(np.int64(len(key))) + _field(_field(values)))
