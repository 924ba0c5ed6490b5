"""Shapes that may be known or not."""

import math

import tensorflow as tf


def sizes(x):
    """The shape of a tensor: integers where known, scalar tensors elsewhere."""
    if x.shape.is_fully_defined():
        return x.shape.as_list()
    return [
        size if known is None else known
        for known, size in zip(x.shape.as_list(), tf.unstack(tf.shape(x)))
    ]


def positions(shape):
    """Number of pixels of a shape `[batch, ..., channels]`; None if unknown."""
    pixels = list(shape)[1:-1]
    return None if None in pixels else math.prod(pixels)


def with_channels(inputs, shape):
    """Inputs of a built layer, with the rank and channels it was built for where they have none.

    Args:
        inputs: a tensor, maybe of unknown rank or channels, as `tf.data.Dataset.from_generator`
            and input signatures make them.
        shape: what the layer was built for, `[batch, ..., channels]`.

    Returns:
        `inputs`; when they arrive with another rank or other channels, the run fails.
    """
    if inputs.shape.rank is None:
        return tf.ensure_shape(inputs, [*[None] * (len(shape) - 1), shape[-1]])
    if inputs.shape.rank == 0 or inputs.shape[-1] is not None:
        return inputs
    return tf.ensure_shape(inputs, [*inputs.shape[:-1], shape[-1]])
