"""Conditional batch norm against NumPy."""

import numpy as np
import pytest
import tensorflow as tf
from conftest import relative_error, tf_variable, two_devices

from gan.layers.conditional_batch_norm import ConditionalBatchNorm


def images(seed=0):
    return (3 * np.random.RandomState(seed).randn(6, 4, 4, 5) + 2).astype(np.float32)


def test_training_normalises_and_applies_the_class():
    layer, x, labels = ConditionalBatchNorm(3), images(), np.array([0, 1, 2, 0, 1, 2])
    layer(x, labels)
    gamma = np.random.RandomState(1).rand(3, 1, 1, 5).astype(np.float32)
    beta = np.random.RandomState(2).rand(3, 1, 1, 5).astype(np.float32)
    layer.gamma.assign(gamma)
    layer.beta.assign(beta)
    y = layer(x, labels, training=True)
    mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
    expected = (x - mean) / np.sqrt(variance + 1e-3) * gamma[labels] + beta[labels]
    np.testing.assert_allclose(y, expected, atol=1e-5)


def test_moving_averages():
    layer, x = ConditionalBatchNorm(decay=0.9), images()
    layer(x)
    np.testing.assert_allclose(layer.moving_mean, np.zeros(5))
    layer(x, training=True)
    mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
    np.testing.assert_allclose(layer.moving_mean, 0.1 * mean, rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance, 0.9 + 0.1 * variance, rtol=1e-5)
    y = layer(x, training=False)
    expected = (x - 0.1 * mean) / np.sqrt(0.9 + 0.1 * variance + 1e-3)
    np.testing.assert_allclose(y, expected, atol=1e-5)


def test_moving_averages_run_inside_a_tf_function():
    layer, x = ConditionalBatchNorm(decay=0.9), images()
    layer(x)
    tf.function(lambda x: layer(x, training=True))(x)
    np.testing.assert_allclose(layer.moving_mean, 0.1 * x.mean((0, 1, 2)), rtol=1e-5)


def test_two_replicas_do_what_one_device_does():
    x, labels = images(), np.array([0, 1, 2, 0, 1, 2])
    x[3:] += 4.0  # Replicas of different means: their own moments would not do.
    target = np.random.RandomState(3).randn(*x.shape).astype(np.float32)
    strategy, results = two_devices(), {}
    for replicas, scope in ((1, tf.distribute.get_strategy()), (2, strategy)):
        with scope.scope():
            layer = ConditionalBatchNorm(3, decay=0.9)
            layer.build([None, 4, 4, 5])
        layer.gamma.assign(np.random.RandomState(1).rand(3, 1, 1, 5))

        def train(x, labels, target, layer=layer):
            variables = [tf_variable(weight) for weight in layer.trainable_weights]
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = layer(x, labels, training=True)
                loss = tf.reduce_sum(target * y**3)
            of_x, *of_variables = tape.gradient(loss, [x, *variables])
            context = tf.distribute.get_replica_context()
            return y, of_x, context.all_reduce("SUM", of_variables)

        def part(context, replicas=replicas):
            size = 6 // replicas
            own = slice(size * context.replica_id_in_sync_group, None)
            return tuple(tf.constant(array[own][:size]) for array in (x, labels, target))

        parts = scope.experimental_distribute_values_from_function(part)
        y, of_x, of_variables = scope.run(tf.function(train), parts)
        local = scope.experimental_local_results
        results[replicas] = [np.concatenate(local(y)), np.concatenate(local(of_x))]
        results[replicas] += [local(gradient)[0] for gradient in of_variables]
        for weight in (layer.moving_mean, layer.moving_variance):
            stored = [value.numpy() for value in local(tf_variable(weight))]
            np.testing.assert_array_equal(stored[0], stored[-1])
            results[replicas].append(stored[0])
    for one, two in zip(results[1], results[2]):
        assert relative_error(two, one) < 1e-5


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_narrow_inputs_are_normalised_in_float32(dtype):
    wide, narrow = ConditionalBatchNorm(), ConditionalBatchNorm(dtype=f"mixed_{dtype}")
    x = tf.cast(images() + 50.0, dtype)
    y, expected = narrow(x, training=True), wide(tf.cast(x, tf.float32), training=True)
    assert y.dtype == dtype
    assert tf.as_dtype(narrow.moving_mean.dtype) == tf.float32
    np.testing.assert_array_equal(y, tf.cast(expected, dtype))
    np.testing.assert_array_equal(narrow.moving_mean, wide.moving_mean)
    np.testing.assert_array_equal(narrow.moving_variance, wide.moving_variance)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"num_classes": 0}, "`num_classes` must be"), ({"decay": 1.0}, "`decay` must be in")],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        ConditionalBatchNorm(**arguments)


def layer_of_random_classes():
    layer, x = ConditionalBatchNorm(3), images()
    layer(x, np.zeros(6, np.int32))
    layer.gamma.assign(np.random.RandomState(1).rand(3, 1, 1, 5))
    layer.beta.assign(np.random.RandomState(2).rand(3, 1, 1, 5))
    return layer, x


@pytest.mark.parametrize("training", [False, True])
def test_weights_mix_the_classes(training):
    layer, x = layer_of_random_classes()
    weights = np.random.RandomState(3).rand(6, 3).astype(np.float32)
    y = layer(x, weights, training=training)
    if training:
        mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
    else:
        mean, variance = np.zeros(5), np.ones(5)
    gamma = weights @ np.asarray(layer.gamma)[:, 0, 0]
    beta = weights @ np.asarray(layer.beta)[:, 0, 0]
    expected = (x - mean) / np.sqrt(variance + 1e-3) * gamma[:, None, None] + beta[:, None, None]
    np.testing.assert_allclose(y, expected, atol=1e-5)


def test_all_weight_on_one_class_is_that_class():
    layer, x = layer_of_random_classes()
    labels = np.array([0, 1, 2, 2, 1, 0])
    np.testing.assert_array_equal(layer(x, np.eye(3, dtype=np.float32)[labels]), layer(x, labels))


def test_gradient_reaches_the_weights():
    layer, x = layer_of_random_classes()
    weights = tf.Variable(np.full([6, 3], 1 / 3, np.float32))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(x, weights) ** 2)
    assert np.abs(tape.gradient(loss, weights)).min() > 0


def test_float_labels_that_are_no_weights():
    layer, x = layer_of_random_classes()
    with pytest.raises(ValueError, match="`labels` must be integers .* Received: float32"):
        layer(x, np.zeros(6, np.float32))
