"""Scaling of losses, so that small gradients survive in float16."""

import tensorflow as tf

_INITIAL = 2.0**15
_STEPS_TO_GROW = 2000
_LEAST, _MOST = 1.0, 2.0**24


class LossScale:
    """A factor that halves when a gradient overflows, and doubles after 2000 steps without.

    A step whose gradients overflow is taken with gradients of zero, so that nothing
    in the step depends on a value of the tensors: replicas and XLA need that. With
    Adam's published decay of 0 of the first moment, weights then stay as they are.

    Reference:
        Micikevicius et al., "Mixed precision training", ICLR 2018.
    """

    def __init__(self):
        only_one = dict(trainable=False, aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA)
        self._scale = tf.Variable(_INITIAL, **only_one)
        self._good_steps = tf.Variable(0, dtype=tf.int64, **only_one)

    def scaled(self, loss):
        return loss * tf.convert_to_tensor(self._scale)

    def unscaled(self, gradients, is_finite):
        """Gradients of the loss itself; zeros unless `is_finite`, on all replicas alike."""
        factor = 1.0 / tf.convert_to_tensor(self._scale)
        return [tf.where(is_finite, g * factor, tf.zeros_like(g)) for g in gradients]

    def update(self, is_finite):
        """Moves the factor after a step."""
        scale, good = tf.convert_to_tensor(self._scale), tf.convert_to_tensor(self._good_steps)
        grows = good + 1 >= _STEPS_TO_GROW
        grown = tf.where(grows, scale * 2, scale)
        self._scale.assign(tf.clip_by_value(tf.where(is_finite, grown, scale / 2), _LEAST, _MOST))
        self._good_steps.assign(tf.where(is_finite & ~grows, good + 1, 0))

    def variables(self, name: str) -> dict[str, tf.Variable]:
        """What is saved, by name."""
        return {f"{name}/factor": self._scale, f"{name}/good_steps": self._good_steps}
