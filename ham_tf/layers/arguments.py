"""Checks of layer arguments, with errors in Keras's manner: name, rule, value."""

import math
import numbers

import numpy as np
import tensorflow as tf
from tensorflow import keras


def _is_number(value, kind):
    return isinstance(value, kind) and not isinstance(value, bool)


def check_integer(name, value, minimum, maximum=None):
    """Returns `value` as an int.

    Raises:
        ValueError: if it is no integer or not in [minimum, maximum].
    """
    if not _is_number(value, numbers.Integral) or value < minimum:
        raise ValueError(
            f"`{name}` must be an integer of at least {minimum}. Received: {name}={value!r}"
        )
    if maximum is not None and value > maximum:
        raise ValueError(f"`{name}` must be at most {maximum}. Received: {name}={value!r}")
    return int(value)


def check_positive(name, value):
    """Returns `value` as a float.

    Raises:
        ValueError: if it is no positive, finite number.
    """
    if not _is_number(value, numbers.Real) or not 0 < value < math.inf:
        raise ValueError(f"`{name}` must be a positive number. Received: {name}={value!r}")
    return float(value)


def check_finite(name, value):
    """Returns `value` as a float.

    Raises:
        ValueError: if it is no finite number.
    """
    if not _is_number(value, numbers.Real) or not math.isfinite(value):
        raise ValueError(f"`{name}` must be a finite number. Received: {name}={value!r}")
    return float(value)


def check_boolean(name, value):
    """Returns `value`, which may be NumPy's, as a bool.

    Raises:
        ValueError: if it is neither True nor False.
    """
    if not isinstance(value, (bool, np.bool_)):
        raise ValueError(f"`{name}` must be True or False. Received: {name}={value!r}")
    return bool(value)


def check_choice(name, value, choices):
    """Returns `value`.

    Raises:
        ValueError: if it is none of `choices`.
    """
    if value not in choices:
        offered = ", ".join(repr(choice) for choice in choices)
        raise ValueError(f"`{name}` must be one of {offered}. Received: {name}={value!r}")
    return value


def check_layer(name, value, optional=False):
    """Returns `value`.

    Raises:
        ValueError: if it is no Keras layer (or None, where that is allowed).
    """
    if not isinstance(value, keras.layers.Layer) and not (optional and value is None):
        raise ValueError(
            f"`{name}` must be a Keras layer{' or None' if optional else ''}. "
            f"Received: {name}={value!r}"
        )
    return value


def check_inputs(shape, dtype=None):
    """Checks the inputs of a layer that takes images or positions.

    Raises:
        ValueError: for another rank, unknown channels, or a dtype that is not floating point.
    """
    shape = tuple(shape)
    if len(shape) not in (3, 4):
        raise ValueError(
            "`inputs` must have shape [batch, height, width, channels] or "
            f"[batch, positions, channels]. Received: shape={shape}"
        )
    if shape[-1] is None:
        raise ValueError(
            "The last axis of `inputs` (channels) must be known when the layer is built. "
            f"Received: shape={shape}"
        )
    if dtype is not None:
        check_floating(dtype)


def check_channels_last(layer, shape):
    """Checks that images are channels last, when the layer is built.

    A layer inside another is not asked: that one knows what it hands on.

    Raises:
        ValueError: if Keras's global setting says channels first.
    """
    first = keras.backend.image_data_format() == "channels_first"
    if first and len(shape) == 4 and not getattr(layer, "_is_sublayer", False):
        raise ValueError(
            f"{type(layer).__name__} takes channels last, [batch, height, width, channels]: put "
            "Permute((2, 3, 1)) before it, and call "
            "keras.backend.set_image_data_format('channels_last') before it is built. "
            f"Received: shape={tuple(shape)} under the setting 'channels_first'"
        )


def refuse_mask(layer, mask, why):
    """Refuses a mask, which is None or a structure of Nones where there is none.

    Keras 2 would drop it without a word.

    Raises:
        ValueError: if there is one.
    """
    masks = [part for part in tf.nest.flatten(mask) if part is not None]
    if masks:
        raise ValueError(
            f"{type(layer).__name__} takes no mask: {why}. Cut the padding off, or make inputs "
            "without a mask, in which it counts. "
            f"Received: mask of shape={tuple(masks[0].shape)} for layer {layer.name!r}"
        )


def check_floating(dtype):
    """Checks the dtype, TensorFlow's or its name, of a layer's inputs.

    Raises:
        ValueError: if it is not floating point.
    """
    dtype = tf.as_dtype(dtype)
    if not dtype.is_floating:
        raise ValueError(
            "`inputs` must be floating point; cast or scale them first. "
            f"Received: dtype={dtype.name}"
        )
