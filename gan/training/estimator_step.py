"""What the estimator's training step does beside TF-GAN's: averages, augmentation, measurements."""

from typing import Callable, Optional

import tensorflow as tf
from tensorflow.compiler.tf2xla.python import xla
from tensorflow.python.tpu.tpu_function import get_tpu_context  # No public name tells the shards.

from checkpoints.tensor_names import average_name, engine_names
from gan.config.training import TrainingConfig
from gan.networks import weights_by_path
from gan.training.augmentation import make_augmentation
from gan.training.estimator_bridge import models_of_graph
from gan.training.training_step import MEASURED

_MEASURED_NAME = "measured_in_last_step"


def make_augment(training: TrainingConfig) -> Optional[Callable]:
    """Augmentation as `KerasGAN` wants it, by the draws of `TrainingStep`; None for none."""
    augmentation = make_augmentation(training.augmentation)
    if augmentation is None:
        return None

    def augment(images, sub_step, is_real):
        shards = get_tpu_context().number_of_shards or 1
        replica = xla.replica_id() if shards > 1 else 0
        draws = 2 * (training.discriminator_steps + 1) * shards
        step = tf.compat.v1.train.get_or_create_global_step().read_value()
        step = tf.cast(step % 2**20, tf.int32)
        of_step = (2 * sub_step + int(is_real)) * shards + replica
        return augmentation(images, tf.stack([training.seed, step * draws + of_step]))

    return augment


class GradientRecorder:
    """Makes optimizers that note the gradients they apply.

    Args:
        make_optimizer: learning rate to a TF1 optimizer.

    Attributes:
        gradients: network to its gradients of every sub-step that trains it.
    """

    def __init__(self, make_optimizer: Callable):
        self._make_optimizer = make_optimizer
        self.gradients = {"generator": [], "discriminator": []}

    def optimizer(self, network: str, learning_rate: float):
        """Makes the optimizer of a network of the current graph."""
        optimizer = self._make_optimizer(learning_rate)
        apply = optimizer.apply_gradients
        noted = self.gradients[network] = []  # Those of an earlier graph are of no use.

        def apply_gradients(grads_and_vars, *args, **kwargs):
            grads_and_vars = list(grads_and_vars)
            noted.append([gradient for gradient, _ in grads_and_vars])
            return apply(grads_and_vars, *args, **kwargs)

        optimizer.apply_gradients = apply_gradients
        return optimizer


def after_step(train_op, training: TrainingConfig, gradients: dict[str, list]):
    """The end of a step: measures it, and moves the generator's averages.

    It comes after all that TF-GAN builds, so that the graph of the step is the same with
    and without it.

    Args:
        train_op: TF-GAN's, which counts the step at its end.
        training: the job's.
        gradients: network to those of its sub-steps.

    Returns:
        The op that does the step and this.
    """
    models, last = models_of_graph(), training.discriminator_steps - 1
    values = {
        "loss/generator": models.generator_losses[-1],
        "loss/discriminator": models.discriminator_losses[last],
        "logits/real": tf.reduce_mean(models.real_logits[last]),
        "logits/fake": tf.reduce_mean(models.generated_logits[last]),
    }
    shards = get_tpu_context().number_of_shards or 1
    for network, of_sub_steps in gradients.items():
        # The optimizers are given the mean over all shards already.
        # Those of gathered weights are sparse, and their repeated rows not summed yet.
        dense = [tf.convert_to_tensor(gradient) for gradient in of_sub_steps[-1]]
        values[f"gradient_norm/{network}"] = tf.linalg.global_norm(dense)
    measured = tf.stack([values[name] for name in MEASURED])
    if shards > 1:
        measured = tf.compat.v1.tpu.cross_replica_sum(measured / shards)
    stored = tf.compat.v1.get_variable(
        _MEASURED_NAME,
        [len(MEASURED)],
        initializer=tf.compat.v1.zeros_initializer(),
        trainable=False,
        use_resource=True,
        collections=[tf.compat.v1.GraphKeys.LOCAL_VARIABLES],
    )
    with tf.control_dependencies([train_op]):
        updates = [stored.assign(measured, read_value=False)]
        if training.ema_decay:
            updates += _move_averages(models.generator, training)
        return tf.group(train_op, *updates)


def measured_variable() -> tf.Variable:
    """Where `after_step` stores what it measured, float32 in the order of `MEASURED`."""
    (variable,) = (
        variable
        for variable in tf.compat.v1.local_variables()
        if variable.op.name.endswith(_MEASURED_NAME)
    )
    return variable


def _move_averages(generator, training):
    """Assignments as of `MovingAverage`, which makes its variables outside of loops only."""
    step = tf.compat.v1.train.get_global_step().read_value()
    is_copied = step <= training.ema_start
    old_share = tf.where(is_copied, 0.0, training.ema_decay)
    new_share = tf.where(is_copied, 1.0, 1.0 - training.ema_decay)
    weights = weights_by_path(generator)
    names = engine_names("generator", weights)
    assignments = []
    for path, weight in weights.items():
        average = tf.compat.v1.get_variable(
            average_name(names[path]),
            weight.shape,
            initializer=tf.compat.v1.zeros_initializer(),
            trainable=False,
            use_resource=True,
        )
        value = old_share * average.read_value() + new_share * weight.read_value()
        assignments.append(average.assign(value, read_value=False))
    return assignments
