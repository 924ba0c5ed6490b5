"""From a run folder to a generator with its trained weights, on any TensorFlow."""

from typing import NamedTuple, Optional

import numpy as np
from tensorflow import keras

from checkpoints.checkpoint_files import CheckpointError, find_checkpoint, read_variables
from gan.config import ExperimentConfig
from gan.networks import make_discriminator, make_generator, weights_by_path
from gan.run_folder import RunFolder


class LoadedModels(NamedTuple):
    """What a run has trained.

    Attributes:
        generator: `generator([latents, labels], training=False)` gives images.
        discriminator: `discriminator([images, labels], training=False)` gives logits.
        config: the job.
        step: generator steps trained.
    """

    generator: keras.Model
    discriminator: keras.Model
    config: ExperimentConfig
    step: int


def load(run: str, step: Optional[int] = None, discriminator: bool = True) -> LoadedModels:
    """Loads the models of a run folder.

    Args:
        run: the folder.
        step: which checkpoint; None for the newest.
        discriminator: whether to load the discriminator, too.

    Raises:
        RunFolderError, ConfigError: if the folder is none of ours.
        CheckpointError: if there is no such checkpoint, or it is damaged or of
            another model.
    """
    folder = RunFolder(run)
    config = folder.read_config()
    path = find_checkpoint(folder.checkpoint_dir, step)
    generator, discriminator = make_generator(config.model), make_discriminator(config.model)
    for model, scope in ((generator, "Generator"), (discriminator, "Discriminator")):
        _assign(model, f"{scope}/{model.name}/", path)
    return LoadedModels(generator, discriminator, config, int(path.rsplit("-", 1)[1]))


def _assign(model, prefix, path):
    stored = {
        name[len(prefix) :]: value
        for name, value in read_variables(path, prefix).items()
        if not name.endswith(("/Adam", "/Adam_1"))
    }
    weights = weights_by_path(model)
    problems = [f"{name} is missing" for name in sorted(set(weights) - set(stored))]
    problems += [f"{name} is unknown" for name in sorted(set(stored) - set(weights))]
    problems += [
        f"{name} has shape {list(stored[name].shape)}, not {list(weight.shape)}"
        for name, weight in weights.items()
        if name in stored and tuple(stored[name].shape) != tuple(weight.shape)
    ]
    problems += [
        f"{name} is not finite" for name, value in stored.items() if not np.isfinite(value).all()
    ]
    if problems:
        more = f" (and {len(problems) - 3} more)" if len(problems) > 3 else ""
        raise CheckpointError(
            f"{path}: does not fit the {model.name} of config.json: "
            f"{'; '.join(problems[:3])}{more}."
        )
    for name, weight in weights.items():
        weight.assign(stored[name])
