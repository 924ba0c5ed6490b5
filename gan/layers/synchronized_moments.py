"""Mean and variance of a batch that may be spread over several replicas."""

import tensorflow as tf
from tensorflow.python.tpu.tpu_function import get_tpu_context  # No public name tells the shards.


def moments(inputs, shift=0.0):
    """Biased mean and variance of every channel, over batch and pixels of all replicas.

    One replica computes what `tf.nn.moments` does. Several exchange one tensor
    `[2, channels]`, and one more for the gradient, which reaches the inputs of all
    replicas as if they were one batch: that of the sum of all replicas' losses.

    Args:
        inputs: `[batch, height, width, channels]`, float32: a replica's part, of the same
            size everywhere.
        shift: `[channels]` or a scalar, a guess of the mean and the same on all replicas. The
            better it is, the fewer digits the variance of several replicas loses.

    Returns:
        Mean and variance, each `[channels]`.
    """
    mean, variance = tf.nn.moments(inputs, axes=[0, 1, 2])
    mean_over_replicas = _mean_over_replicas()
    if mean_over_replicas is None:
        return mean, variance
    shift = tf.stop_gradient(tf.convert_to_tensor(shift, inputs.dtype))
    about_shift = tf.stack([mean - shift, variance + tf.square(mean - shift)])
    offset, square = tf.unstack(mean_over_replicas(about_shift))
    # Rounding must not make it negative.
    return shift + offset, tf.maximum(square - tf.square(offset), 0.0)


def _mean_over_replicas():
    """The function that averages a tensor over replicas, differentiable; None for one replica."""
    context = tf.distribute.get_replica_context()  # None while a model is put together.
    if context is not None and context.num_replicas_in_sync > 1:
        return lambda tensor: context.all_reduce(tf.distribute.ReduceOp.MEAN, tensor)
    shards = get_tpu_context().number_of_shards  # In the graph of a TPU estimator.
    if shards is not None and shards > 1:
        return lambda tensor: tf.compat.v1.tpu.cross_replica_sum(tensor / shards)
    return None
