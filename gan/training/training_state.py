"""All that training changes: networks, optimizers, averages, counters, by checkpoint name.

The names are those of TF-GAN's estimator, so that a run may change its engine,
and with it its TensorFlow: `Generator/generator/PATH` for a weight, `/Adam` and
`/Adam_1` after it for Adam's moments. What only this engine has begins with
`distribute/`; the estimator passes over it.
"""

from typing import Optional

import numpy as np
import tensorflow as tf
from tensorflow import keras

from checkpoints.tensor_names import SCOPES
from gan.config import ExperimentConfig
from gan.networks import make_discriminator, make_generator, weights_by_path
from gan.training.loss_scale import LossScale
from gan.training.moving_average import MovingAverage

_EPSILON = 1e-8  # of TF1's Adam, which the published runs used; Keras's own is 1e-7


def as_variable(weight) -> tf.Variable:
    """The TensorFlow variable of a Keras 2 or Keras 3 weight."""
    return weight if isinstance(weight, tf.Variable) else weight.value


class TrainingState:
    """Networks and what belongs to their training. To be made in a strategy's scope.

    Args:
        config: the job.

    Attributes:
        generator, discriminator: Keras models.
        generator_optimizer, discriminator_optimizer: Adam.
        generator_scale, discriminator_scale: of the losses, for float16; else None.
        moving_average: of the generator's weights, or None.
        step: generator steps done, int64.
        images: images of all steps so far (steps times batch size), int64.
        examples: of real images read so far, all sub-steps of discriminator and
            generator; where the data goes on. int64.
        finite: whether every loss and gradient since the last look was finite.
    """

    def __init__(self, config: ExperimentConfig):
        training, precision = config.training, config.execution.precision
        self._discriminator_steps = training.discriminator_steps
        policy = None if precision == "float32" else precision
        self.generator = make_generator(config.model, dtype=policy)
        self.discriminator = make_discriminator(config.model, dtype=policy)
        self.generator_optimizer = _adam(training, training.generator_lr, self.generator)
        self.discriminator_optimizer = _adam(
            training, training.discriminator_lr, self.discriminator
        )
        is_half = precision == "mixed_float16"
        self.generator_scale = LossScale() if is_half else None
        self.discriminator_scale = LossScale() if is_half else None
        self.moving_average: Optional[MovingAverage] = None
        if training.ema_decay:
            self.moving_average = MovingAverage(
                self.generator, training.ema_decay, training.ema_start
            )
        self.step, self.images, self.examples = (
            tf.Variable(0, dtype=tf.int64, trainable=False) for _ in range(3)
        )
        self.finite = tf.Variable(True, trainable=False)

    def variables(self) -> dict[str, tf.Variable]:
        """Everything that is saved, by its name in a checkpoint; powers of Adam's decays apart."""
        named = {
            "global_step": self.step,
            "distribute/images": self.images,
            "distribute/examples": self.examples,
        }
        for network, model, optimizer, scale in (
            ("generator", self.generator, self.generator_optimizer, self.generator_scale),
            (
                "discriminator",
                self.discriminator,
                self.discriminator_optimizer,
                self.discriminator_scale,
            ),
        ):
            scope = SCOPES[network]
            paths = {id(weight): path for path, weight in weights_by_path(model).items()}
            for weight in model.weights:
                named[scope + paths[id(weight)]] = as_variable(weight)
            # Neither Keras makes public which slot belongs to which weight.
            slots = zip(model.trainable_weights, optimizer._momentums, optimizer._velocities)
            for weight, momentum, velocity in slots:
                name = scope + paths[id(weight)]
                named[f"{name}/Adam"] = as_variable(momentum)
                named[f"{name}/Adam_1"] = as_variable(velocity)
            # A ham counts its draws of bases, so that each has a seed of its own.
            counts = (getattr(layer, "draw_count", None) for layer in model._flatten_layers())
            for index, count in enumerate(count for count in counts if count is not None):
                named[f"distribute/{network}_draws/{index}"] = count
            if scale is not None:
                named.update(scale.variables(f"distribute/{network}_loss_scale"))
        if self.moving_average is not None:
            named.update(self.moving_average.variables_by_name())
        return named

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything that is saved, by name, as this replica has it."""
        arrays = {name: _local(variable) for name, variable in self.variables().items()}
        step = int(arrays["global_step"])
        for network, optimizer, steps in (
            ("generator", self.generator_optimizer, step),
            ("discriminator", self.discriminator_optimizer, step * self._discriminator_steps),
        ):
            # Of the step to come, as TF1's Adam stores them.
            for name, decay in (("beta1", optimizer.beta_1), ("beta2", optimizer.beta_2)):
                power = np.float32(decay) ** (steps + 1)
                arrays[f"{network}_train/{name}_power"] = np.float32(power)
        return arrays

    def assign(self, arrays: dict[str, np.ndarray]):
        """Takes over a checkpoint's arrays, of this engine or the estimator's.

        What begins with `distribute/` and is missing stays as it is; averages of
        weights start from the weights.

        Raises:
            KeyError: naming a weight or a moment that is missing.
            ValueError: naming one of another shape.
        """
        for name, variable in self.variables().items():
            value = arrays.get(name)
            if value is None and name.endswith("/ExponentialMovingAverage"):
                value = arrays.get(name[: -len("/ExponentialMovingAverage")])
            if value is None:
                if name.startswith("distribute/"):
                    continue
                raise KeyError(name)
            if value.shape != tuple(variable.shape):
                raise ValueError(name)
            variable.assign(value)
        step = int(arrays["global_step"])
        _set_iterations(self.generator_optimizer, step)
        _set_iterations(self.discriminator_optimizer, step * self._discriminator_steps)
        self.finite.assign(True)


def _adam(training, learning_rate, model):
    optimizer = keras.optimizers.Adam(
        learning_rate, beta_1=training.adam_beta1, beta_2=training.adam_beta2, epsilon=_EPSILON
    )
    optimizer.build(model.trainable_weights)
    return optimizer


def _set_iterations(optimizer, count):
    as_variable(optimizer.iterations).assign(count)


def _local(variable):
    values = getattr(variable, "values", None)  # of a distributed variable: its replicas'
    return (values[0] if values else variable).numpy()
