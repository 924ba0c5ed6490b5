"""Exponential moving average of the generator's weights, to sample and evaluate with."""

import tensorflow as tf
from tensorflow import keras

from checkpoints.tensor_names import average_name, engine_names
from gan.networks import weights_by_path


class MovingAverage:
    """Of every weight of a generator: `average = decay · average + (1 - decay) · weight`.

    Moving moments, singular vectors and gates are averaged like kernels, as in
    BigGAN's code. Computed and kept in float32. To be made, as the generator is, in
    the scope of the strategy under which it trains; then every device averages its own copy.

    Args:
        generator: a built Keras model.
        decay: weight of the old value, in [0, 1). BigGAN: 0.9999.
        start: steps until the average begins; until then it equals the weights.
            BigGAN: 20000.

    Raises:
        ValueError: for a decay or start out of range.

    Reference:
        Brock et al., "Large Scale GAN Training for High Fidelity Natural Image
        Synthesis", ICLR 2019, appendix C.
    """

    def __init__(self, generator: keras.Model, decay: float, start: int = 0):
        if not 0 <= decay < 1:
            raise ValueError(f"`decay` must be in [0, 1). Received: decay={decay}")
        if start < 0:
            raise ValueError(f"`start` must not be negative. Received: start={start}")
        self._strategy = tf.distribute.get_strategy()
        self._decay = decay
        self._start = start
        weights = weights_by_path(generator)
        self._weights = {path: _variable(weight) for path, weight in weights.items()}
        self._averages = {
            path: tf.Variable(
                tf.cast(tf.convert_to_tensor(weight), tf.float32), trainable=False, dtype=tf.float32
            )
            for path, weight in self._weights.items()
        }

    def update(self, step):
        """Moves every average towards its weight, or lets it equal the weight.

        To be called once per step of the generator, after the optimizer, outside
        `strategy.run`.

        Args:
            step: generator steps done, this one included; integer or scalar tensor.

        Returns:
            In a graph, an operation that does it; None in eager mode.
        """
        is_copied = tf.convert_to_tensor(step) <= self._start
        old_share = tf.where(is_copied, 0.0, self._decay)
        new_share = tf.where(is_copied, 1.0, 1.0 - self._decay)

        @tf.autograph.experimental.do_not_convert  # There is no control flow to convert.
        def move(average, weight, old_share, new_share):
            weight = tf.cast(tf.convert_to_tensor(weight), tf.float32)
            return average.assign(old_share * average + new_share * weight)

        extended = self._strategy.extended
        return tf.group(
            [
                extended.update(average, move, args=(self._weights[path], old_share, new_share))
                for path, average in self._averages.items()
            ]
        )

    def copy_to(self, generator: keras.Model):
        """Gives another generator of the same shape the averages as its weights."""
        for path, weight in weights_by_path(generator).items():
            weight.assign(tf.convert_to_tensor(self._averages[path]))

    def variables_by_name(self) -> dict[str, tf.Variable]:
        """The averages by name in checkpoints: `.../conv1/kernel/ExponentialMovingAverage`."""
        names = engine_names("generator", self._averages)
        return {average_name(names[path]): average for path, average in self._averages.items()}


def _variable(weight):
    """The TensorFlow variable of a Keras 2 or Keras 3 weight."""
    return weight if isinstance(weight, tf.Variable) else weight.value
