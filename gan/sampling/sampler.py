"""Images from a generator, addressed by class, seed and truncation."""

import itertools
from collections.abc import Iterable, Iterator

import numpy as np
import tensorflow as tf

from gan.sampling.image_plan import Sample
from gan.sampling.latents import draw_latent, interpolate_latents

_MOST_AT_ONCE = 16  # images whose features are held together; more are no faster


def sample_images(
    generator, samples: Iterable[Sample], z_dim: int, num_classes: int, batch_size: int = 64
) -> Iterator[tuple[Sample, np.ndarray]]:
    """Draws images one after the other.

    An image depends on its sample alone, to the last bit: neither the batch size nor
    other samples change it. For that each is computed as a batch of one, several of
    these side by side; in a larger batch an image's place decides by which of a
    processor's instructions, which round differently, it is computed.

    Args:
        generator: a `Generator`.
        samples: which images; all are changed between classes, or none is.
        z_dim: length of a latent.
        num_classes: number of classes.
        batch_size: images per call of TensorFlow; of these up to 16 are computed at once.

    Yields:
        Each sample with its image, float32 `[size, size, channels]` in [-1, 1].
    """

    samples = iter(samples)
    draw = None
    while batch := list(itertools.islice(samples, batch_size)):
        latents = np.stack([_latent(sample, z_dim) for sample in batch])
        labels = np.stack([_label(sample, num_classes) for sample in batch])
        if draw is None:
            draw = _one_by_one(generator, latents, labels, min(batch_size, _MOST_AT_ONCE))
        yield from zip(batch, draw(tf.constant(latents), tf.constant(labels)).numpy())


def _one_by_one(generator, latents, labels, at_once):
    """A function of batches of the given arrays' kind, of any size."""
    signature = [tf.TensorSpec([None, *a.shape[1:]], a.dtype) for a in (latents, labels)]

    @tf.function(input_signature=signature, autograph=False)
    def draw(latents, labels):
        with generator.normalized_once():
            return tf.map_fn(
                lambda one: generator([one[0][None], one[1][None]], training=False)[0],
                (latents, labels),
                fn_output_signature=tf.float32,
                parallel_iterations=at_once,
            )

    return draw


def _latent(sample, z_dim):
    latent = draw_latent(sample.seed, z_dim, sample.truncation)
    if sample.to_seed is None:
        return latent
    end = draw_latent(sample.to_seed, z_dim, sample.truncation)
    return interpolate_latents(latent, end, sample.position)


def _label(sample, num_classes):
    """int32 scalar, or float32 weights `[num_classes]` of a class that changes."""
    if sample.to_label is None:
        return np.int32(sample.label)
    weights = np.zeros(num_classes, np.float32)
    weights[sample.label] = 1 - sample.position
    weights[sample.to_label] += np.float32(sample.position)
    return weights
