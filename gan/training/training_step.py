"""One training step of a GAN, as one replica does it: the sub-steps of both networks in turn."""

from typing import Callable, Optional

import tensorflow as tf

from gan.training.losses import discriminator_hinge_loss, generator_hinge_loss
from gan.training.training_state import TrainingState, as_variable

MEASURED = (
    "loss/generator",
    "loss/discriminator",
    "logits/real",
    "logits/fake",
    "gradient_norm/generator",
    "gradient_norm/discriminator",
)


class TrainingStep:
    """The step of one replica: discriminator sub-steps, then one of the generator.

    As in TF-GAN's estimator, every sub-step stores new singular vectors of both
    networks first, takes its own part of the step's batch, and generates its
    images in training mode.

    Args:
        state: what is trained.
        discriminator_steps: sub-steps of the discriminator.
        seed: of the augmentation.
        augment: `(images, seed) -> images`, for what the discriminator sees; or None.
    """

    def __init__(
        self,
        state: TrainingState,
        discriminator_steps: int,
        seed: int = 0,
        augment: Optional[Callable] = None,
    ):
        self._state = state
        self._discriminator_steps = discriminator_steps
        self._seed = seed
        self._augment = augment

    def __call__(self, generated, real):
        """Trains both networks by one step.

        Args:
            generated: `{"latents": [sub-steps, batch, z_dim], "labels": [sub-steps, batch]}`.
            real: `{"images": [sub-steps, batch, size, size, channels], "labels"}`, likewise.

        Returns:
            float32 scalars in the order of `MEASURED`, of this replica's last sub-steps: of
            losses and logits its share, so that the sum over replicas is the mean; the
            sum of norms is at least the norm of all replicas' gradients together.
        """
        context = tf.distribute.get_replica_context()
        share = 1.0 / context.num_replicas_in_sync
        measured = {}
        for index in range(self._discriminator_steps + 1):
            of_generated = {name: value[index] for name, value in generated.items()}
            of_real = {name: value[index] for name, value in real.items()}
            self._state.generator.update_spectral_norms()
            self._state.discriminator.update_spectral_norms()
            if index < self._discriminator_steps:
                self._train_discriminator(index, of_generated, of_real, share, measured)
            else:
                self._train_generator(index, of_generated, share, measured)
        return [measured[name] for name in MEASURED]

    def _train_discriminator(self, index, generated, real, share, measured):
        state, labels = self._state, generated["labels"]
        images = state.generator([generated["latents"], labels], training=True)
        variables = _trainable(state.discriminator)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(variables)
            fake = self._judge(images, labels, index, 0)
            real = self._judge(real["images"], real["labels"], index, 1)
            loss = tf.reduce_mean(discriminator_hinge_loss(real, fake)) * share
            scaled = _scaled(loss, state.discriminator_scale)
        measured["loss/discriminator"] = loss
        measured["logits/real"] = tf.reduce_mean(real) * share
        measured["logits/fake"] = tf.reduce_mean(fake) * share
        measured["gradient_norm/discriminator"] = _apply(
            state.discriminator_optimizer,
            state.discriminator_scale,
            tape.gradient(scaled, variables),
            state.discriminator.trainable_weights,
        )

    def _train_generator(self, index, generated, share, measured):
        state, labels = self._state, generated["labels"]
        variables = _trainable(state.generator)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(variables)
            images = state.generator([generated["latents"], labels], training=True)
            fake = self._judge(images, labels, index, 0)
            loss = tf.reduce_mean(generator_hinge_loss(fake)) * share
            scaled = _scaled(loss, state.generator_scale)
        measured["loss/generator"] = loss
        measured["gradient_norm/generator"] = _apply(
            state.generator_optimizer,
            state.generator_scale,
            tape.gradient(scaled, variables),
            state.generator.trainable_weights,
        )

    def _judge(self, images, labels, sub_step, is_real):
        """Logits, float32, of images that were augmented by draws of their own."""
        if self._augment is not None:
            context = tf.distribute.get_replica_context()
            replica = tf.cast(context.replica_id_in_sync_group, tf.int32)
            draws = 2 * (self._discriminator_steps + 1) * context.num_replicas_in_sync
            step = tf.cast(tf.convert_to_tensor(self._state.step) % 2**20, tf.int32)
            of_step = (2 * sub_step + is_real) * context.num_replicas_in_sync + replica
            images = self._augment(images, tf.stack([self._seed, step * draws + of_step]))
        return tf.cast(self._state.discriminator([images, labels], training=True), tf.float32)


def _trainable(model):
    return [as_variable(weight) for weight in model.trainable_weights]


def _scaled(loss, scale):
    return loss if scale is None else scale.scaled(loss)


def _apply(optimizer, scale, gradients, weights):
    """Takes one step by the gradients of all replicas; returns their norm on this replica."""
    gradients = [tf.convert_to_tensor(gradient) for gradient in gradients]
    norm = tf.linalg.global_norm(gradients)
    if scale is not None:
        # Infinite anywhere, infinite everywhere: the sum over replicas decides for all.
        context = tf.distribute.get_replica_context()
        total = norm
        if context.num_replicas_in_sync > 1:
            total = context.all_reduce(tf.distribute.ReduceOp.SUM, norm)
        is_finite = tf.math.is_finite(total)
        gradients = scale.unscaled(gradients, is_finite)
        scale.update(is_finite)
        norm = tf.linalg.global_norm(gradients)
    optimizer.apply_gradients(zip(gradients, weights))
    return norm
