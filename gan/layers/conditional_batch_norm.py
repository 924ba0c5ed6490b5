"""Batch normalisation whose gain and bias depend on the class."""

import tensorflow as tf
from tensorflow import keras

from gan.layers.precision import add_wide_weight, widened
from gan.layers.synchronized_moments import moments


@keras.utils.register_keras_serializable(package="hamgan")
class ConditionalBatchNorm(keras.layers.Layer):
    """Batch normalisation with one gain and bias per class and channel.

    Training normalises with the moments of the batch (biased variance), over all
    replicas of a distribution strategy or shards of a TPU, and moves the stored ones
    towards them; inference uses the stored ones. 16-bit inputs are normalised in
    float32.

    Args:
        num_classes: number of classes, or None for one gain and bias for all.
        decay: weight of the old value in the moving averages.
        epsilon: added to the variance.

    Call arguments:
        inputs: `[batch, height, width, channels]`.
        labels: integers `[batch]` in `[0, num_classes)`, or float weights of the classes
            `[batch, num_classes]`, by which their gains and biases are mixed; None if
            unconditional.
        training: whether to use the moments of the batch.

    Returns:
        A tensor with the shape of `inputs`, of the compute dtype.

    Raises:
        ValueError: for float labels of another rank.

    Reference:
        de Vries et al., "Modulating early visual processing by language",
        NIPS 2017; constants as in the authors' HamGAN.
    """

    def __init__(self, num_classes=None, decay=0.999, epsilon=1e-3, **kwargs):
        super().__init__(**kwargs)
        if num_classes is not None and num_classes < 1:
            raise ValueError(f"`num_classes` must be at least 1. Received: {num_classes}")
        if not 0 <= decay < 1:
            raise ValueError(f"`decay` must be in [0, 1). Received: {decay}")
        self.num_classes = num_classes
        self.decay = decay
        self.epsilon = epsilon

    def build(self, input_shape):
        channels = input_shape[-1]
        # One row per class, with axes for height and width: a gathered batch
        # then broadcasts over the image as it is.
        shape = [self.num_classes or 1, 1, 1, channels]
        self.gamma = add_wide_weight(self, name="gamma", shape=shape, initializer="ones")
        self.beta = add_wide_weight(self, name="beta", shape=shape, initializer="zeros")
        # Not aggregated: each replica stores its own value, and all compute the same one.
        self.moving_mean = add_wide_weight(
            self, name="moving_mean", shape=[channels], initializer="zeros", trainable=False
        )
        self.moving_variance = add_wide_weight(
            self, name="moving_variance", shape=[channels], initializer="ones", trainable=False
        )
        self.built = True

    def call(self, inputs, labels=None, training=None):
        inputs = widened(self, inputs)
        if training:
            mean, variance = moments(inputs, shift=self.moving_mean)
            inputs = self._with_moving_averages(inputs, mean, variance)
        else:
            mean = tf.convert_to_tensor(self.moving_mean)
            variance = tf.convert_to_tensor(self.moving_variance)
        gamma, beta = tf.convert_to_tensor(self.gamma), tf.convert_to_tensor(self.beta)
        if self.num_classes is not None:
            labels = tf.convert_to_tensor(labels)
            gamma, beta = _rows_of(gamma, labels), _rows_of(beta, labels)
        # Folded, so that the image is passed over once: x · scale + shift.
        scale = gamma * tf.math.rsqrt(variance + self.epsilon)
        return tf.cast(inputs * scale + (beta - mean * scale), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        config = super().get_config()
        config.update(num_classes=self.num_classes, decay=self.decay, epsilon=self.epsilon)
        return config

    def _with_moving_averages(self, inputs, mean, variance):
        """Updates the stored moments and returns `inputs`."""
        updates = [
            stored.assign(self.decay * stored + (1 - self.decay) * tf.stop_gradient(new))
            for stored, new in ((self.moving_mean, mean), (self.moving_variance, variance))
        ]
        if tf.compat.v1.executing_eagerly_outside_functions():
            return inputs
        # In a TF1 graph nothing runs that no output depends on.
        with tf.control_dependencies(updates):
            return tf.identity(inputs)


def _rows_of(table, labels):
    """Rows of `[classes, 1, 1, channels]` for labels, or mixed: `[batch, 1, 1, channels]`."""
    if not labels.dtype.is_floating:
        return tf.gather(table, labels)
    if labels.shape.rank != 2:
        raise ValueError(
            "`labels` must be integers [batch] or weights [batch, num_classes]. "
            f"Received: {labels.dtype.name} of shape {labels.shape}"
        )
    rows = tf.matmul(tf.cast(labels, table.dtype), table[:, 0, 0, :])
    return rows[:, None, None, :]
