"""From any checkpoint to Keras models with its weights, on any TensorFlow."""

from typing import NamedTuple, Optional

import numpy as np
from tensorflow import keras

from checkpoints.checkpoint_files import CheckpointError
from checkpoints.opening import Checkpoint, open_checkpoint, open_run
from gan.config import ExperimentConfig
from gan.networks import make_discriminator, make_generator, weights_by_path

MAKERS = {"generator": make_generator, "discriminator": make_discriminator}


class LoadedModels(NamedTuple):
    """What a checkpoint holds.

    Attributes:
        generator: `generator([latents, labels], training=False)` gives images.
        discriminator: `discriminator([images, labels], training=False)` gives logits;
            None where there is none, or it was not asked for.
        config: the job, as far as it is known.
        step: generator steps trained.
        averaged: whether the generator's weights are moving averages over training.
    """

    generator: keras.Model
    discriminator: Optional[keras.Model]
    config: ExperimentConfig
    step: int
    averaged: bool = False


def load(
    name_or_path: str,
    step: Optional[int] = None,
    discriminator: bool = True,
    preset: Optional[str] = None,
    averaged: bool = True,
    **settings,
) -> LoadedModels:
    """Loads a released model by name, or any checkpoint.

        model = checkpoints.load("digits")
        latents = tf.random.normal([10, model.config.model.z_dim])
        images = model.generator([latents, tf.range(10)], training=False)

    Args:
        name_or_path: a released model's name; a run folder, or `best` in one; a converted
            folder; or a TensorFlow checkpoint of the authors. See `checkpoints.opening`.
        step: which checkpoint of a folder with several; None for the newest.
        discriminator: whether to load the discriminator, too.
        preset: the preset of an authors' checkpoint.
        averaged: whether the generator gets the moving averages of its weights where
            these are stored; False for the weights that were trained.
        **settings: fields of `ModelConfig` that an authors' checkpoint does not tell,
            as `ham="cd"`.

    Raises:
        CheckpointError: if there is no such checkpoint, or it is damaged, of another
            model, or not finite.
        ConfigError, RunFolderError: for a configuration that cannot be used.
    """
    checkpoint = open_checkpoint(name_or_path, step, preset, settings, averaged)
    return load_opened(checkpoint, discriminator)


def load_run(path: str, step: Optional[int] = None, discriminator: bool = True) -> LoadedModels:
    """Loads a checkpoint of a run by the path of its folder, which is never taken for a name.

    The arguments and errors are those of `load`.
    """
    return load_opened(open_run(path, step), discriminator)


def load_opened(checkpoint: Checkpoint, discriminator: bool = True) -> LoadedModels:
    """Builds the models of a checkpoint that was opened, and fills them with its weights.

    Raises:
        CheckpointError: if it is damaged, does not fit, or is not finite.
    """
    models = {
        network: MAKERS[network](checkpoint.config.model)
        for network in checkpoint.networks
        if discriminator or network == "generator"
    }
    if "generator" not in models:
        raise CheckpointError(f"{checkpoint.path}: no generator is stored.")
    weights = {network: weights_by_path(model) for network, model in models.items()}
    for network, names in checkpoint.names(weights).items():
        for path, name in names.items():
            weights[network][path].assign(read_finite(checkpoint, name))
    return LoadedModels(
        models["generator"],
        models.get("discriminator"),
        checkpoint.config,
        checkpoint.step,
        checkpoint.averaged,
    )


def read_finite(checkpoint: Checkpoint, name: str) -> np.ndarray:
    """Reads one array of a checkpoint.

    Raises:
        CheckpointError: if it holds a number that is not finite.
    """
    value = checkpoint.read(name)
    if not np.isfinite(value).all():
        raise CheckpointError(f"{checkpoint.path}: {name} is not finite.")
    return value
