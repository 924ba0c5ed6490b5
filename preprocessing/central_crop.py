"""The published way from a photograph to network input."""

import tensorflow as tf


def central_square_box(height, width):
    """The largest centred square of an image, as a normalised box.

    An odd surplus puts the extra row or column before the crop.

    Args:
        height, width: of the image in pixels, scalar integer tensors of at least 2.

    Returns:
        `[1, 4]` float32: y1, x1, y2, x2, where 0 and 1 are the centres of the first
        and the last pixel, as `tf.image.crop_and_resize` counts.
    """
    side = tf.minimum(height, width)

    def interval(size):
        first = (size - side + 1) // 2
        last_pixel = tf.cast(size - 1, tf.float32)
        return tf.cast(first, tf.float32) / last_pixel, (
            tf.cast(first + side - 1, tf.float32) / last_pixel
        )

    (top, bottom), (left, right) = interval(height), interval(width)
    return tf.stack([[top, left, bottom, right]])


def crop_and_resize(image, size):
    """Largest central square, resized and scaled to [-1, 1].

    Bilinear with aligned corners: the first and last output pixels lie on the
    first and last pixels of the crop. No antialiasing, as published.

    Args:
        image: `[height, width, channels]`, any number type, values 0 to 255.
        size: side of the result in pixels.

    Returns:
        float32 `[size, size, channels]`.

    Reference:
        Preprocessing of TF-GAN's self-attention example, which HamGAN uses.
    """
    shape = tf.shape(image)
    resized = tf.image.crop_and_resize(
        tf.cast(image, tf.float32)[None],
        boxes=central_square_box(shape[0], shape[1]),
        box_indices=[0],
        crop_size=[size, size],
    )[0]
    resized.set_shape([size, size, image.shape[-1]])
    return resized * (2.0 / 255.0) - 1.0
