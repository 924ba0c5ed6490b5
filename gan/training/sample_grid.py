"""What a run's sample grids are drawn from: the same latents and labels at every step."""

import tensorflow as tf

from gan.config import ExperimentConfig
from gan.training.monitor import GRID_COLUMNS, grid_labels


def grid_inputs(config: ExperimentConfig):
    """Latents and labels of the sample grid, made in the current graph.

    One latent per column: along it, classes can be compared.

    Returns:
        Latents float32 `[images, z_dim]` and labels int32 `[images]`.
    """
    labels = grid_labels(config.model.num_classes)
    latents = tf.random.stateless_normal(
        [GRID_COLUMNS, config.model.z_dim], [config.training.seed, 0], alg="philox"
    )
    return tf.tile(latents, [len(labels) // GRID_COLUMNS, 1]), tf.constant(labels)
