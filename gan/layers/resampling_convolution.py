"""Convolution 3×3 after up-sampling or before down-sampling, in one step at the lower resolution.

Repeating pixels and averaging 2×2 of them are linear, so either becomes part of the kernel:
one of 4×4 with stride 2, with 16 products per pixel of the lower resolution in place of 36.
The two are adjoint: the gradient of each in its input is the other.
"""

import tensorflow as tf

_FEWEST_PIXELS = 512
_USUAL_BATCH = 8


def upsample(x):
    """Doubles height and width by repeating pixels: `[batch, 2h, 2w, channels]`."""
    _, height, width, channels = x.shape
    x = tf.tile(x[:, :, None, :, None, :], [1, 1, 2, 1, 2, 1])
    return tf.reshape(x, [-1, 2 * height, 2 * width, channels])


def downsample(x):
    """Halves height and width by averaging 2×2 pixels: `[batch, h/2, w/2, channels]`."""
    return tf.nn.avg_pool2d(x, ksize=2, strides=2, padding="VALID")


def upsampled_conv2d(x, kernel):
    """Repeats pixels 2×2, then convolves with "same" padding; equal but for rounding.

    Args:
        x: `[batch, height, width, channels]`, all but the batch static.
        kernel: `[3, 3, channels, filters]`, of the dtype of `x` or a wider one.

    Returns:
        `[batch, 2 height, 2 width, filters]`, of the dtype of `x`.
    """
    if not _pays_to_fuse(*x.shape[:3]):
        return _conv2d(upsample(x), kernel)
    # Of the adjoint: mirrored, from filters to channels.
    spread = tf.transpose(tf.reverse(_spread(kernel), [0, 1]), [0, 1, 3, 2])
    return _up(x, tf.cast(spread, x.dtype))


def downsampled_conv2d(x, kernel):
    """Convolves with "same" padding, then averages 2×2 pixels; equal but for rounding.

    Args:
        x: `[batch, height, width, channels]`, height and width even.
        kernel: `[3, 3, channels, filters]`, of the dtype of `x` or a wider one.

    Returns:
        `[batch, height / 2, width / 2, filters]`, of the dtype of `x`.
    """
    batch, height, width, _ = x.shape
    if not _pays_to_fuse(batch, height // 2, width // 2):
        return downsample(_conv2d(x, kernel))
    return _down(x, tf.cast(_spread(kernel) / 4, x.dtype))


def _pays_to_fuse(batch, height, width):
    """Whether there are so many pixels of the lower resolution that the kernel's change is small.

    Measured on two CPU cores: 128 pixels are twice as slow fused, 512 up to twice as fast.
    """
    if batch is None:
        return height * width >= _FEWEST_PIXELS // _USUAL_BATCH
    return batch * height * width >= _FEWEST_PIXELS


def _conv2d(x, kernel):
    return tf.nn.conv2d(x, tf.cast(kernel, x.dtype), strides=1, padding="SAME")


def _spread(kernel):
    """The sum of `[3, 3, ...]` at all four places in `[4, 4, ...]`."""
    places = [
        [[top, 1 - top], [left, 1 - left], [0, 0], [0, 0]] for top in (0, 1) for left in (0, 1)
    ]
    return tf.add_n([tf.pad(kernel, place) for place in places])


@tf.custom_gradient
def _down(high, kernel):
    """Convolution of stride 2 by `[4, 4, high's channels, low's channels]`."""

    def gradient(d_low):
        return _up(d_low, kernel), _kernel_gradient(high, kernel, d_low)

    return tf.nn.conv2d(high, kernel, strides=2, padding="SAME"), gradient


@tf.custom_gradient
def _up(low, kernel):
    """Transposed convolution: the adjoint of `_down` by the same kernel.

    A window of 2×2 pixels gives 2×2 of the result, at half a pixel's offset. TensorFlow's own
    transposed convolution is as fast in a CPU's plain graph, but up to six times slower by XLA.
    """
    _, height, width, channels = low.shape
    filters = kernel.shape[2]
    windows = tf.reverse(tf.reshape(kernel, [2, 2, 2, 2, filters, channels]), [0, 2])
    windows = tf.reshape(tf.transpose(windows, [0, 2, 5, 1, 3, 4]), [2, 2, channels, 4 * filters])
    padded = tf.pad(low, [[0, 0], [1, 1], [1, 1], [0, 0]])
    y = tf.nn.conv2d(padded, windows, strides=1, padding="VALID")
    y = tf.reshape(y, [-1, height + 1, width + 1, 2, 2, filters])
    y = tf.reshape(
        tf.transpose(y, [0, 1, 3, 2, 4, 5]), [-1, 2 * height + 2, 2 * width + 2, filters]
    )

    def gradient(d_high):
        return _down(d_high, kernel), _kernel_gradient(d_high, kernel, low)

    return y[:, 1:-1, 1:-1], gradient


def _kernel_gradient(high, kernel, low):
    return tf.compat.v1.nn.conv2d_backprop_filter(
        high, kernel.shape, low, strides=[1, 2, 2, 1], padding="SAME"
    )
