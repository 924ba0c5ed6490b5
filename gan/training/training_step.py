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
        last, measured = self._discriminator_steps, {}
        for index in range(last):
            parts = _part(generated, index), _part(real, index)
            measured.update(self.train_discriminator(*parts, index))
        measured.update(self.train_generator(_part(generated, last)))
        return [measured[name] for name in MEASURED]

    def train_discriminator(self, generated, real, index=0):
        """Does one sub-step of the discriminator.

        Args:
            generated: `{"latents": [batch, z_dim], "labels": [batch]}`.
            real: `{"images": [batch, size, size, channels], "labels": [batch]}`.
            index: number of the sub-step, which the draws of the augmentation depend on.

        Returns:
            Its part of what the step measures, by name.
        """
        state, labels, share = self._state, generated["labels"], _share()
        self._update_spectral_norms()
        images = state.generator([generated["latents"], labels], training=True)
        variables = _trainable(state.discriminator)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(variables)
            with state.discriminator.normalized_once():
                fake = self._judge(images, labels, index, 0)
                real = self._judge(real["images"], real["labels"], index, 1)
            loss = tf.reduce_mean(discriminator_hinge_loss(real, fake)) * share
            scaled = _scaled(loss, state.discriminator_scale)
        norm = _apply(
            state.discriminator_optimizer,
            state.discriminator_scale,
            tape.gradient(scaled, variables),
            state.discriminator.trainable_weights,
        )
        return {
            "loss/discriminator": loss,
            "logits/real": tf.reduce_mean(real) * share,
            "logits/fake": tf.reduce_mean(fake) * share,
            "gradient_norm/discriminator": norm,
        }

    def train_generator(self, generated):
        """Does the sub-step of the generator; see `train_discriminator`."""
        state, labels = self._state, generated["labels"]
        self._update_spectral_norms()
        variables = _trainable(state.generator)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(variables)
            images = state.generator([generated["latents"], labels], training=True)
            fake = self._judge(images, labels, self._discriminator_steps, 0)
            loss = tf.reduce_mean(generator_hinge_loss(fake)) * _share()
            scaled = _scaled(loss, state.generator_scale)
        norm = _apply(
            state.generator_optimizer,
            state.generator_scale,
            tape.gradient(scaled, variables),
            state.generator.trainable_weights,
        )
        return {"loss/generator": loss, "gradient_norm/generator": norm}

    def _update_spectral_norms(self):
        self._state.generator.update_spectral_norms()
        self._state.discriminator.update_spectral_norms()

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


def _part(batch, index):
    return {name: value[index] for name, value in batch.items()}


def _share():
    """Of a mean over this replica's examples in the mean over all."""
    return 1.0 / tf.distribute.get_replica_context().num_replicas_in_sync


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
