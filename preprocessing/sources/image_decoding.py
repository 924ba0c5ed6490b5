"""Decoding an image file in a graph: by TensorFlow, or by PIL where only that reads it rightly."""

import tensorflow as tf

from preprocessing.error_text import operation_text
from preprocessing.image_file import ImageFileError, decode, is_plain, rgb_pixels
from preprocessing.storage import broken_link, tf_path

_CHANNELS = 3


def read_file(path: bytes) -> tuple[bytes, bool]:
    """Reads an image file; in Python, as each call from a graph costs as much as a small image.

    Returns:
        What `decode_rgb` takes. A file that cannot be read has no content, which is no image;
        `image_fault` says why.
    """
    try:
        with open(path, "rb") if b"://" not in path else tf.io.gfile.GFile(path, "rb") as file:
            content = file.read()
    except (OSError, tf.errors.OpError):
        return b"", False
    return content, is_plain(content)


def decode_rgb(content, plain):
    """Decodes an image file by the rule of `image_file.decode`.

    JPEG and PNG that need no turning are decoded by TensorFlow, whose JPEG decoder rounds
    otherwise than PIL's, by a few grey levels.

    Args:
        content: of the file, a scalar string tensor.
        plain: `image_file.is_plain` of it, a scalar bool tensor.

    Returns:
        uint8 `[height, width, 3]`.

    Raises:
        tf.errors.InvalidArgumentError: if this is no image, or a damaged one.
    """
    image = tf.cond(
        plain,
        lambda: _by_tensorflow(content),
        lambda: tf.numpy_function(rgb_pixels, [content], tf.uint8, stateful=False),
    )
    image.set_shape([None, None, _CHANNELS])
    return image


def image_fault(path: str) -> str:
    """What is wrong with an image file, to follow its path; "" if `decode_rgb` can read it."""
    target = broken_link(path)
    if target:
        return f"is a link to {target}, where there is nothing"
    try:
        content = tf.io.read_file(tf_path(path)).numpy()
    except tf.errors.OpError as error:
        return f"cannot be read ({operation_text(error)})"
    reason = ""
    if is_plain(content):
        try:
            _by_tensorflow(content)
            return ""
        except tf.errors.OpError as error:
            reason = operation_text(error)
    try:
        decode(content)
    except ImageFileError as error:  # PIL says better than TensorFlow what is wrong.
        reason = str(error).partition(". Expected")[0]
    return f"cannot be decoded ({reason})" if reason else ""


def _by_tensorflow(content):
    return tf.image.decode_image(content, _CHANNELS, expand_animations=False)
