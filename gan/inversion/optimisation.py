"""Finds the latent whose generated image is closest to a given image."""

import dataclasses
from collections.abc import Sequence
from typing import Callable, NamedTuple, Optional

import numpy as np
import tensorflow as tf
from tensorflow import keras

from gan.inversion.settings import InversionError, InversionSettings
from gan.sampling.latents import draw_latent


class Losses(NamedTuple):
    """How far images are from the target, each `[count]` float32.

    Attributes:
        total: the weighted sum that is minimised.
        pixel: mean squared error of the pixels, which are in [-1, 1].
        feature: squared error of the discriminator's feature maps, relative to the
            target's mean square, averaged over the maps; 0 where it is not used.
    """

    total: np.ndarray
    pixel: np.ndarray
    feature: np.ndarray


@dataclasses.dataclass(frozen=True)
class Inversion:
    """The best of all starts and classes.

    Attributes:
        latent: float32 `[z_dim]`.
        label: its class.
        image: what the generator makes of the two, float32 `[size, size, channels]`
            in [-1, 1].
        losses: of this image, one number each.
        history: losses of the start that led to it, `[steps + 1]` each, before the
            first step to after the last. The best was kept, wherever it came up.
        snapshots: step to the image which that start had reached, as `image`.
        class_losses: label to the total loss of its best start.
    """

    latent: np.ndarray
    label: int
    image: np.ndarray
    losses: Losses
    history: Losses
    snapshots: dict[int, np.ndarray]
    class_losses: dict[int, float]


class Inverter:
    """Compares the generator's images with one target. All samples are independent.

    Args:
        generator: Keras model of `[latents, labels]`.
        discriminator: Keras model with `feature_maps(images)`; None to compare
            pixels alone.
        target: `[size, size, channels]` in [-1, 1].
        settings: the weights.

    Raises:
        InversionError: if nothing is left to compare.
    """

    def __init__(self, generator, discriminator, target, settings: InversionSettings):
        if settings.feature_weight == 0:
            discriminator = None
        if discriminator is None and settings.pixel_weight == 0:
            raise InversionError(
                "--pixel_weight=0: must be positive without a discriminator, whose features are "
                "all else that could be compared."
            )
        self._generator = generator
        self._discriminator = discriminator
        self._settings = settings
        self._target = tf.constant(target, tf.float32)[None]
        self._target_maps = self._feature_maps(self._target)

    def images(self, latents, labels):
        """The generator's images `[count, size, size, channels]`."""
        return self._generator([latents, labels], training=False)

    def losses(self, latents, labels) -> Losses:
        """Losses of latents `[count, z_dim]` with labels `[count]`, as tensors `[count]`."""
        images = self.images(latents, labels)
        pixel = _mean_square(images - self._target)
        feature = tf.zeros_like(pixel)
        if self._target_maps:
            # Relative to the target's own size: the maps of later blocks are larger.
            errors = [
                _mean_square(found - wanted) / (_mean_square(wanted) + 1e-6)
                for found, wanted in zip(self._feature_maps(images), self._target_maps)
            ]
            feature = tf.add_n(errors) / len(errors)
        prior = tf.square(_mean_square(latents) - 1.0)
        settings = self._settings
        total = (
            settings.pixel_weight * pixel
            + settings.feature_weight * feature
            + settings.prior_weight * prior
        )
        return Losses(total, pixel, feature)

    def _feature_maps(self, images):
        if self._discriminator is None:
            return []
        return self._discriminator.feature_maps(images, training=False)


def invert(
    generator,
    discriminator,
    target,
    labels: Sequence[int],
    settings: InversionSettings,
    snapshot_steps: Sequence[int] = (),
    on_step: Optional[Callable[[int, float], None]] = None,
) -> Inversion:
    """Minimises the distance to an image by Adam on the latent.

    Every class of `labels` gets the same starts, the latents of consecutive seeds;
    all are optimised as one batch, and the best is returned.

    Args:
        generator: Keras model of `[latents, labels]` with `z_dim`.
        discriminator: Keras model with `feature_maps`, or None for pixels alone.
        target: `[size, size, channels]` in [-1, 1].
        labels: the classes to try.
        settings: how.
        snapshot_steps: after which steps to keep the image, 0 for the start.
        on_step: called after each step with its number, from 1, and the lowest
            total loss so far.

    Raises:
        InversionError: if the target does not fit the generator, nothing is left to
            compare, or no loss is ever finite.
    """
    expected = tuple(generator.compute_output_shape([(1, generator.z_dim), (1,)]))[1:]
    if tuple(np.shape(target)) != expected:
        raise InversionError(
            f"The image has the shape {list(np.shape(target))}, the generator's are "
            f"{list(expected)}: read it in the model's size."
        )
    inverter = Inverter(generator, discriminator, target, settings)
    labels = np.repeat(np.asarray(labels, np.int32), settings.starts)
    starts = [
        draw_latent(settings.seed + index, generator.z_dim) for index in range(settings.starts)
    ]
    descent = _Descent(inverter, np.tile(starts, [len(labels) // len(starts), 1]), labels, settings)

    best = Losses(*(np.full(len(labels), np.inf, np.float32) for _ in Losses._fields))
    best_latents = descent.position()
    history, snapshots = [], {}
    for step in range(settings.steps + 1):
        latents = descent.position()
        # Losses of the latents as they were before the step.
        losses = descent.step() if step < settings.steps else descent.measure()
        losses = Losses(*(loss.numpy() for loss in losses))
        history.append(losses)
        if step in snapshot_steps:
            snapshots[step] = latents
        better = losses.total < best.total
        best_latents[better] = latents[better]
        for kept, new in zip(best, losses):
            kept[better] = new[better]
        if step > 0 and on_step is not None:
            on_step(step, float(best.total.min()))

    if not np.isfinite(best.total).any():
        raise InversionError(
            "No loss is finite, not even at the start: the model's weights are damaged."
        )
    index = int(np.argmin(best.total))

    def image(latent):
        return inverter.images(latent[None], labels[index : index + 1]).numpy()[0]

    return Inversion(
        latent=best_latents[index],
        label=int(labels[index]),
        image=image(best_latents[index]),
        losses=Losses(*(float(loss[index]) for loss in best)),
        history=Losses(*(np.array([loss[index] for loss in column]) for column in zip(*history))),
        snapshots={step: image(latents[index]) for step, latents in snapshots.items()},
        class_losses={
            int(label): float(best.total[labels == label].min()) for label in np.unique(labels)
        },
    )


class _Descent:
    """Adam on a batch of latents, each as if it were alone.

    Attributes:
        step: moves the latents; returns their losses before. Traced once and for all.
    """

    def __init__(self, inverter, latents, labels, settings):
        self._latents = tf.Variable(latents)
        self._labels = tf.constant(labels)
        self._inverter = inverter
        rate = keras.optimizers.schedules.CosineDecay(settings.learning_rate, settings.steps)
        self._optimizer = keras.optimizers.Adam(rate)
        self._optimizer.build([self._latents])
        self.step = tf.function(self._step, autograph=False).get_concrete_function()

    def position(self):
        """The latents as they are now, `[count, z_dim]`."""
        return self._latents.numpy().copy()  # Or it could be the memory that Adam writes to.

    def measure(self):
        """Losses of the latents."""
        return self._inverter.losses(tf.convert_to_tensor(self._latents), self._labels)

    def _step(self):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(self._latents)
            losses = self.measure()
            total = tf.reduce_sum(losses.total)
        self._optimizer.apply_gradients([(tape.gradient(total, self._latents), self._latents)])
        return losses


def _mean_square(x):
    """Per sample: `[count, ...]` to `[count]`."""
    return tf.reduce_mean(tf.square(x), axis=list(range(1, len(x.shape))))
