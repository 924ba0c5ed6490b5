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
