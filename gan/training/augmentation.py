"""Differentiable augmentation of what the discriminator sees, real and generated."""

from typing import Callable, Optional

import tensorflow as tf

from gan.config.training import AUGMENTATIONS
from ham_tf.decompositions.random_draws import uniform

_DRAWS = 7  # of one sample: three of color, two each of translation and cutout


def make_augmentation(policy: str) -> Optional[Callable]:
    """Makes the function that augments a batch.

    The published ones, always in this order and with draws of its own for every sample:
    `color` shifts brightness by up to 0.5, scales saturation by 0 to 2 and contrast by
    0.5 to 1.5; `translation` moves the image by up to an eighth of its size, in whole
    pixels; `cutout` covers a square of half the size, whose centre is anywhere. What is
    uncovered or covered is 0: mid-grey.

    Args:
        policy: any of "color", "translation" and "cutout", joined by commas; "" for none.

    Returns:
        None for "", else a function of `images` `[batch, height, width, channels]`, float,
        and `seed` `[2]` int32 that returns images of the same shape and dtype. It is
        differentiable by the images and the same in eager mode, graphs and XLA.

    Raises:
        ValueError: for another name.

    Reference:
        Zhao et al., "Differentiable Augmentation for Data-Efficient GAN Training",
        NeurIPS 2020, section 3 and its constants.
    """
    names = [name for name in policy.split(",") if name]
    unknown = sorted(set(names) - set(_OPERATIONS))
    if unknown:
        raise ValueError(
            f"`policy` must be any of {', '.join(AUGMENTATIONS)}, joined by commas. "
            f"Received: policy={policy!r}"
        )
    if not names:
        return None

    def augment(images, seed):
        batch = images.shape[0] or tf.shape(images)[0]
        draws = uniform([batch, _DRAWS], seed)
        # Each has its own columns: what it does depends on no other being there.
        for name in AUGMENTATIONS:
            if name in names:
                first, last, operation = _OPERATIONS[name]
                images = operation(images, *tf.unstack(draws[:, first:last], axis=1))
        return images

    return augment


def _color(images, brightness, saturation, contrast):
    brightness, saturation, contrast = (
        tf.cast(draw, images.dtype)[:, None, None, None]
        for draw in (brightness, saturation, contrast)
    )
    images += brightness - 0.5
    # Of a grey image this is the image.
    grey = tf.reduce_mean(images, axis=3, keepdims=True)
    images = (images - grey) * (2 * saturation) + grey
    mean = tf.reduce_mean(images, axis=[1, 2, 3], keepdims=True)
    return (images - mean) * (contrast + 0.5) + mean


def _translation(images, vertical, horizontal):
    for axis, draw in ((1, vertical), (2, horizontal)):
        size = images.shape[axis]
        most = int(size / 8 + 0.5)
        shift = _integers(draw, 2 * most + 1) - most
        padding = [[0, 0]] * 4
        padding[axis] = [most, most]
        source = tf.range(size) + most - shift[:, None]
        images = tf.gather(tf.pad(images, padding), source, axis=axis, batch_dims=1)
    return images


def _cutout(images, vertical, horizontal):
    covered = True
    for axis, draw in ((1, vertical), (2, horizontal)):
        size = images.shape[axis]
        side = int(size / 2 + 0.5)
        # Squares of an even side are centred between pixels: one more place.
        start = _integers(draw, size + 1 - side % 2) - side // 2
        position = tf.range(size) - start[:, None]
        is_inside = (position >= 0) & (position < side)
        covered &= is_inside[:, :, None, None] if axis == 1 else is_inside[:, None, :, None]
    return tf.where(covered, tf.zeros_like(images), images)


def _integers(draws, count):
    """Integers in [0, count) from numbers in [0, 1)."""
    # The largest draws round up to `count`.
    return tf.minimum(tf.cast(draws * count, tf.int32), count - 1)


_OPERATIONS = {
    "color": (0, 3, _color),
    "translation": (3, 5, _translation),
    "cutout": (5, 7, _cutout),
}
