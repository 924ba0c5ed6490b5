"""A new random seed for every training call of a layer."""

import random

import tensorflow as tf


class DrawSeeds:
    """Counts the draws of a layer, so that each gets a seed of its own.

    The draws depend on the first seed and on how many came before, nothing else:
    they are equal in eager mode, graphs and XLA. The count is saved in
    TensorFlow checkpoints but is no weight of the layer.

    Args:
        seed: integer in [0, 2³¹), or None for one that follows `keras.utils.set_random_seed`.
    """

    def __init__(self, seed=None):
        self.seed = seed
        self._first = seed
        self._count = None

    def build(self):
        """Creates the counter, and chooses the first seed if there is none.

        Returns:
            An object that tracks the counter in checkpoints, for the layer to
            keep as an attribute; None in a TF1 graph, which runs no updates of
            variables that no output depends on.
        """
        if not tf.compat.v1.executing_eagerly_outside_functions():
            return None
        if self._first is None:
            self._first = random.randrange(2**31)
        with tf.init_scope():
            # Each replica counts for itself: no synchronisation in the middle of a step.
            self._count = tf.Variable(
                0,
                dtype=tf.int64,
                trainable=False,
                name="draws",
                synchronization=tf.VariableSynchronization.ON_READ,
                aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
            )
        # No tf.train.Checkpoint, which Keras 2 cannot make again from a SavedModel, and
        # no tf.Module, whose variables it takes for the layer's weights.
        tracked = tf.__internal__.tracking.AutoTrackable()
        tracked.count = self._count
        return tracked

    def next(self):
        """Returns the seed of the next draw: `[2]` int32."""
        if self._count is None:
            return tf.random.uniform([2], maxval=tf.int32.max, dtype=tf.int32, seed=self.seed)
        context = tf.distribute.get_replica_context()  # none while a model is put together
        replica = 0 if context is None else context.replica_id_in_sync_group
        # Replicas must not draw alike; the large odd factor keeps seeds 0, 1, 2, … apart.
        first = self._first + 0x9E3779B1 * tf.cast(replica, tf.int64)
        return tf.cast(tf.stack([first, self._count.assign_add(1)]) % 2**31, tf.int32)

    def fixed(self):
        """Returns the seed of the fixed draw at inference: `[2]` int32."""
        return tf.constant([self.seed or 0, 0], tf.int32)
