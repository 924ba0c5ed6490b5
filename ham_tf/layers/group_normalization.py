"""Group normalisation that exports and keeps its precision."""

import tensorflow as tf
from tensorflow import keras


@keras.utils.register_keras_serializable(package="ham_tf")
class GroupNormalization(keras.layers.GroupNormalization):
    """Keras's layer with moments of its own, over the last axis.

    Keras 2 converts to no TensorFlow Lite model that runs, weighs every number with a
    mask of ones, and sums float16 in float16. Here tensors have the rank of the inputs
    at most, and moments are float32 at least. Each sample's numbers are independent of
    the batch it is in.

    Call arguments:
        inputs: `[batch, ..., channels]`.

    Returns:
        A tensor with the shape of `inputs`, of the compute dtype.

    Reference:
        Wu & He, "Group Normalization", ECCV 2018.
    """

    def call(self, inputs):
        x = inputs if inputs.dtype == tf.float64 else tf.cast(inputs, tf.float32)
        gamma, beta = (tf.cast(weight, x.dtype) for weight in (self.gamma, self.beta))
        # The mean may be many standard deviations: squares are taken after it is gone.
        x -= self._group_means(x)
        # No rsqrt, which rounds otherwise in a CPU's vectors than beside them.
        scale = gamma / tf.sqrt(self._group_means(tf.square(x)) + self.epsilon)
        return tf.cast(x * scale + beta, self.compute_dtype)

    def _group_means(self, x):
        """Means over a sample's positions and a group's channels: `[batch, 1, ..., channels]`."""
        means = tf.reduce_mean(x, axis=list(range(1, x.shape.rank - 1)), keepdims=True)
        grouped = tf.reshape(means, [-1, self.groups, x.shape[-1] // self.groups])
        of_groups = tf.reduce_mean(grouped, axis=-1, keepdims=True) + tf.zeros_like(grouped)
        return tf.reshape(of_groups, tf.shape(means))
