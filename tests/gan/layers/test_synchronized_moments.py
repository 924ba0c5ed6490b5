"""Moments over replicas are those of the whole batch, and so are their gradients."""

import numpy as np
import tensorflow as tf
from conftest import relative_error, two_devices
from tensorflow.python.tpu.tpu_function import tpu_shard_context

from gan.layers.synchronized_moments import moments


def images(mean=2.0):
    # Replicas of different means: their own moments are not those of the batch.
    x = np.random.RandomState(0).randn(6, 4, 4, 5) + mean
    x[3:] += 1.0
    return x.astype(np.float32)


def loss_of(mean, variance):
    return tf.reduce_sum(tf.sin(mean) + tf.range(5.0) * tf.sqrt(variance))


def test_one_device_computes_what_tensorflow_does():
    x = images()
    for actual, expected in zip(moments(x), tf.nn.moments(x, [0, 1, 2])):
        np.testing.assert_array_equal(actual, expected)


def test_two_replicas():
    x = images()
    strategy = two_devices()

    @tf.function
    def replica(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            mean, variance = moments(x)
            loss = loss_of(mean, variance)
        return mean, variance, tape.gradient(loss, x)

    parts = strategy.experimental_distribute_values_from_function(
        lambda context: tf.constant(x[3 * context.replica_id_in_sync_group :][:3])
    )
    means, variances, gradients = (
        strategy.experimental_local_results(result) for result in strategy.run(replica, [parts])
    )
    whole = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(whole)
        mean, variance = tf.nn.moments(whole, [0, 1, 2])
        loss = 2 * loss_of(mean, variance)  # Both replicas' losses.
    np.testing.assert_array_equal(means[0], means[1])
    np.testing.assert_array_equal(variances[0], variances[1])
    assert relative_error(means[0], mean) < 1e-6
    assert relative_error(variances[0], variance) < 1e-6
    expected = tape.gradient(loss, whole)
    assert relative_error(np.concatenate(gradients), expected) < 1e-5


def test_shift_saves_the_digits_of_a_large_mean():
    x = images(mean=1000.0)
    strategy = two_devices()
    parts = strategy.experimental_distribute_values_from_function(
        lambda context: tf.constant(x[3 * context.replica_id_in_sync_group :][:3])
    )

    def error(shift):
        _, variances = strategy.run(tf.function(lambda x: moments(x, shift)), [parts])
        variance = strategy.experimental_local_results(variances)[0]
        return relative_error(variance, x.astype(np.float64).var((0, 1, 2)))

    assert error(shift=1000.0) < 1e-3 < error(shift=0.0)


def test_variance_of_equal_pixels_is_not_negative():
    strategy = two_devices()
    run = tf.function(lambda: moments(tf.fill([2, 3, 3, 4], 1234.567)))
    _, variances = strategy.run(run)
    assert np.min(strategy.experimental_local_results(variances)[0]) >= 0


def test_shards_of_a_tpu_estimator(monkeypatch):
    """The other shards are replaced: each has the same as this one, plus one."""
    x = images()
    with tf.Graph().as_default() as graph, tpu_shard_context(4):
        moments(tf.constant(x))
        (exchange,) = [op for op in graph.get_operations() if op.type == "CrossReplicaSum"]
        assert exchange.inputs[0].shape == [2, 5]
        np.testing.assert_array_equal(tf.get_static_value(exchange.inputs[1]), [[0, 1, 2, 3]])

    def exchange_with_shifted_twin(about_zero):
        mean, square = tf.unstack(about_zero)
        twin = tf.stack([mean + 0.5, square + 2 * mean + 0.5])  # Of the halves: x + 1.
        return tf.stack([mean, square]) + twin

    monkeypatch.setattr(tf.compat.v1.tpu, "cross_replica_sum", exchange_with_shifted_twin)
    with tpu_shard_context(2):
        mean, variance = moments(tf.constant(x))
    both = np.concatenate([x, x + 1])
    assert relative_error(mean, both.mean((0, 1, 2))) < 1e-6
    assert relative_error(variance, both.var((0, 1, 2))) < 1e-5
