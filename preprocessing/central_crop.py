"""From a photograph to network input: the published way, and an antialiased one."""

import tensorflow as tf


def central_square_box(height, width):
    """The largest centred square of an image, as a normalised box.

    An odd surplus puts the extra row or column before the crop.

    Args:
        height, width: of the image in pixels, scalar integer tensors.

    Returns:
        `[1, 4]` float32: y1, x1, y2, x2, where 0 and 1 are the centres of the first
        and the last pixel, as `tf.image.crop_and_resize` counts.
    """
    side = tf.minimum(height, width)

    def interval(size):
        first = _first_of_square(size, side)
        last_pixel = tf.cast(tf.maximum(size - 1, 1), tf.float32)  # Of one pixel it is the first.
        return tf.cast(first, tf.float32) / last_pixel, (
            tf.cast(first + side - 1, tf.float32) / last_pixel
        )

    (top, bottom), (left, right) = interval(height), interval(width)
    return tf.stack([[top, left, bottom, right]])


def resized_pixels(image, size, resampling="bilinear"):
    """Largest central square, resized.

    Args:
        image: `[height, width, channels]`, any number type, values 0 to 255.
        size: side of the result in pixels.
        resampling: "bilinear" as published: aligned corners, the first and last output
            pixels lie on the first and last pixels of the crop, and pixels in between
            are left out where the image is much larger; or "antialiased", where every
            pixel counts: a triangle filter as wide as the reduction.

    Returns:
        float32 `[size, size, channels]`, values 0 to 255.

    Reference:
        Preprocessing of TF-GAN's self-attention example, which HamGAN uses.
    """
    shape = tf.shape(image)
    if resampling == "antialiased":
        square = _central_square(image, shape[0], shape[1])
        resized = tf.image.resize(square, [size, size], antialias=True)
        resized = tf.clip_by_value(resized, 0.0, 255.0)  # The filter's weights add up to 1 nearly.
    else:
        resized = tf.image.crop_and_resize(
            tf.cast(image, tf.float32)[None],
            boxes=central_square_box(shape[0], shape[1]),
            box_indices=[0],
            crop_size=[size, size],
        )[0]
    resized.set_shape([size, size, image.shape[-1]])
    return resized


def scaled(pixels):
    """Pixels of 0 to 255 as a network takes them: float32 in [-1, 1], any shape."""
    return pixels * (2.0 / 255.0) - 1.0


def crop_and_resize(image, size, resampling="bilinear"):
    """`resized_pixels`, scaled to [-1, 1]."""
    return scaled(resized_pixels(image, size, resampling))


def _first_of_square(size, side):
    return (size - side + 1) // 2


def _central_square(image, height, width):
    side = tf.minimum(height, width)
    top, left = _first_of_square(height, side), _first_of_square(width, side)
    return image[top : top + side, left : left + side]
