"""Residual blocks of the generator (up-sampling) and the discriminator (down-sampling)."""

import tensorflow as tf
from tensorflow import keras

from gan.layers.conditional_batch_norm import ConditionalBatchNorm
from gan.layers.resampling_convolution import downsample, upsample
from gan.layers.spectral_normalization import SpectralNormConv2D
from ham_tf.layers.sublayers import build_sublayer


@keras.utils.register_keras_serializable(package="hamgan")
class UpBlock(keras.layers.Layer):
    """Generator block: cBN, relu, up, conv 3×3, cBN, relu, conv 3×3, plus a shortcut.

    Args:
        channels: output channels.
        num_classes: classes of the conditional batch norms.
        decay: of their moving averages.

    Call arguments:
        inputs: `[batch, height, width, any]`.
        labels: integers `[batch]`, or float weights `[batch, num_classes]`.
        training: passed to the batch norms.

    Returns:
        `[batch, 2 height, 2 width, channels]`.
    """

    def __init__(self, channels, num_classes, decay=0.999, **kwargs):
        super().__init__(**kwargs)
        self.channels = channels
        self.num_classes = num_classes
        self.decay = decay
        policy = self.dtype_policy
        self.norm1 = ConditionalBatchNorm(num_classes, decay, name="norm1", dtype=policy)
        self.conv1 = SpectralNormConv2D(channels, 3, resampling="up", name="conv1", dtype=policy)
        self.norm2 = ConditionalBatchNorm(num_classes, decay, name="norm2", dtype=policy)
        self.conv2 = SpectralNormConv2D(channels, 3, name="conv2", dtype=policy)
        self.shortcut = SpectralNormConv2D(channels, 1, name="shortcut", dtype=policy)

    def build(self, input_shape):
        inner_shape = (*input_shape[:-1], self.channels)
        for layer in (self.norm1, self.conv1, self.shortcut):
            build_sublayer(layer, input_shape)
        for layer in (self.norm2, self.conv2):
            build_sublayer(layer, inner_shape)
        self.built = True

    def call(self, inputs, labels, training=None):
        x = tf.nn.relu(self.norm1(inputs, labels, training=training))
        x = self.conv1(x)
        x = tf.nn.relu(self.norm2(x, labels, training=training))
        x = self.conv2(x)
        # The published order is up-sampling, then the 1×1 convolution: equal,
        # since both act on single pixels, and four times the work.
        return x + upsample(self.shortcut(inputs))

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape
        return (batch, 2 * height, 2 * width, self.channels)

    def get_config(self):
        config = super().get_config()
        config.update(channels=self.channels, num_classes=self.num_classes, decay=self.decay)
        return config


@keras.utils.register_keras_serializable(package="hamgan")
class DownBlock(keras.layers.Layer):
    """Discriminator block: relu, conv 3×3, relu, conv 3×3, average pool, plus a shortcut.

    Args:
        channels: output channels.
        downsampling: whether to halve height and width.
        first: whether the block gets the image, which is not rectified.

    Call arguments:
        inputs: `[batch, height, width, any]`.

    Returns:
        `[batch, height / 2, width / 2, channels]`, or height and width unchanged.
    """

    def __init__(self, channels, downsampling=True, first=False, **kwargs):
        super().__init__(**kwargs)
        self.channels = channels
        self.downsampling = downsampling
        self.first = first
        self.conv1 = SpectralNormConv2D(channels, 3, name="conv1", dtype=self.dtype_policy)
        self.conv2 = SpectralNormConv2D(
            channels,
            3,
            resampling="down" if downsampling else None,
            name="conv2",
            dtype=self.dtype_policy,
        )
        self.shortcut = None

    def build(self, input_shape):
        build_sublayer(self.conv1, input_shape)
        build_sublayer(self.conv2, (*input_shape[:-1], self.channels))
        if self.downsampling or input_shape[-1] != self.channels:
            self.shortcut = SpectralNormConv2D(
                self.channels, 1, name="shortcut", dtype=self.dtype_policy
            )
            build_sublayer(self.shortcut, input_shape)
        self.built = True

    def call(self, inputs):
        x = self.conv1(inputs if self.first else tf.nn.relu(inputs))
        x = self.conv2(tf.nn.relu(x))
        skip = inputs
        if self.downsampling:
            # Published after the 1×1 convolution except in the first block:
            # equal by linearity, and a quarter of the work.
            skip = downsample(skip)
        return x + (skip if self.shortcut is None else self.shortcut(skip))

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape
        if self.downsampling:
            height, width = height // 2, width // 2
        return (batch, height, width, self.channels)

    def get_config(self):
        config = super().get_config()
        config.update(channels=self.channels, downsampling=self.downsampling, first=self.first)
        return config
