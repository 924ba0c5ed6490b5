"""From a model configuration to the two Keras models."""

from typing import Optional

from gan.config import ModelConfig
from gan.discriminator import Discriminator
from gan.generator import Generator


def make_generator(model: ModelConfig, dtype: Optional[str] = None) -> Generator:
    """Builds the generator with fresh weights.

    Args:
        model: its sizes.
        dtype: name of a Keras policy, as "mixed_bfloat16"; None for the global one.
    """
    hamburger = model.generator_hamburger
    return Generator(
        image_size=model.image_size,
        image_channels=model.image_channels,
        num_classes=model.num_classes,
        z_dim=model.z_dim,
        base_channels=model.generator_channels,
        ham_channels=hamburger.channels,
        ham_rank=hamburger.rank,
        ham_steps=hamburger.steps,
        ham_groups=hamburger.groups,
        ham_version=hamburger.version,
        ham=None if hamburger.ham == "none" else hamburger.ham,
        batch_norm_decay=model.batch_norm_decay,
        dtype=dtype,
    )


def make_discriminator(model: ModelConfig, dtype: Optional[str] = None) -> Discriminator:
    """Builds the discriminator with fresh weights; see `make_generator`."""
    hamburger = model.discriminator_hamburger
    return Discriminator(
        image_size=model.image_size,
        image_channels=model.image_channels,
        num_classes=model.num_classes,
        base_channels=model.discriminator_channels,
        ham_channels=hamburger.channels,
        ham_rank=hamburger.rank,
        ham_steps=hamburger.steps,
        ham_groups=hamburger.groups,
        ham_version=hamburger.version,
        ham=None if hamburger.ham == "none" else hamburger.ham,
        dtype=dtype,
    )


def weights_by_path(model):
    """The weights of a model by their place in it, equal under Keras 2 and 3.

    Returns:
        Paths such as `block1/conv1/kernel` (without the model's name) to variables.
    """
    weights = {}
    for weight in model.weights:
        path = getattr(weight, "path", None) or weight.name.split(":")[0]
        weights[path[path.index(f"{model.name}/") + len(model.name) + 1 :]] = weight
    return weights
