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


def per_position(mask, inputs):
    """A mask as `factorize` takes it.

    Args:
        mask: `[batch, ...]`, as many of the leading axes of `inputs` as it has, at least one
            more than the batch.
        inputs: `[batch, ..., channels]`.

    Returns:
        Boolean, `[batch, 1, positions, 1]`.

    Raises:
        ValueError: for a mask of another shape.
    """
    mask = tf.cast(mask, tf.bool)
    shape, pixels = sizes(inputs)[:-1], inputs.shape[:-1]
    rank = mask.shape.rank or len(shape)
    if not 2 <= rank <= len(shape) or not pixels[:rank].is_compatible_with(mask.shape):
        raise ValueError(
            "`mask` must have the shape of `inputs` without the channels, "
            f"{tuple(pixels)}. Received: shape={tuple(mask.shape)}"
        )
    mask = tf.reshape(mask, [*shape[:rank], *[1] * (len(shape) - rank)])
    return tf.reshape(tf.broadcast_to(mask, shape), [shape[0], 1, math.prod(shape[1:]), 1])


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
