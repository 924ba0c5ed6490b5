"""Images from a generator, addressed by seed."""

import numpy as np
import tensorflow as tf


def sample_images(generator, labels, z_dim, seed, batch_size=64):
    """Generates one image per label.

    The latent of image `i` depends on `seed` and `i` alone, and inference treats
    samples separately: the batch size does not choose other images.

    Args:
        generator: Keras model of `[latents, labels]`.
        labels: integers `[count]`.
        z_dim: length of a latent.
        seed: integer.
        batch_size: images generated at once.

    Returns:
        float32 `[count, size, size, channels]` in [-1, 1].
    """
    labels = np.asarray(labels, np.int32)
    images = []
    for first in range(0, len(labels), batch_size):
        batch = labels[first : first + batch_size]
        latents = tf.stack(
            [
                tf.random.stateless_normal([z_dim], [seed, first + index], alg="philox")
                for index in range(len(batch))
            ]
        )
        images.append(generator([latents, tf.constant(batch)], training=False).numpy())
    return np.concatenate(images)
