"""From a model configuration to the two Keras models."""

from gan.config import ModelConfig
from gan.discriminator import Discriminator
from gan.generator import Generator


def make_generator(model: ModelConfig) -> Generator:
    """Builds the generator with fresh weights."""
    return Generator(
        image_size=model.image_size,
        image_channels=model.image_channels,
        num_classes=model.num_classes,
        z_dim=model.z_dim,
        base_channels=model.generator_channels,
        ham_channels=model.generator_ham_channels,
        ham_rank=model.generator_ham_rank,
        ham_steps=model.ham_steps,
        ham_groups=model.ham_groups,
        ham_version=model.ham_version,
        ham=None if model.ham == "none" else model.ham,
        batch_norm_decay=model.batch_norm_decay,
    )


def make_discriminator(model: ModelConfig) -> Discriminator:
    """Builds the discriminator with fresh weights."""
    return Discriminator(
        image_size=model.image_size,
        image_channels=model.image_channels,
        num_classes=model.num_classes,
        base_channels=model.discriminator_channels,
        ham_channels=model.discriminator_ham_channels,
        ham_rank=model.discriminator_ham_rank,
        ham_steps=model.ham_steps,
        ham_groups=model.ham_groups,
        ham_version=model.ham_version,
        ham=None if model.ham == "none" else model.ham,
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
