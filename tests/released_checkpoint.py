"""Writes checkpoints as the authors' training code does, with random values."""

import json

import numpy as np
from conftest import DATA, write_checkpoint

from checkpoints.tensor_names import released_names
from gan.config import ModelConfig
from gan.networks import make_discriminator, make_generator, weights_by_path

# The released structure, small; ranks are an eighth of the channels, as published.
SMALL = ModelConfig(
    image_size=32,
    num_classes=5,
    z_dim=6,
    generator_channels=2,
    discriminator_channels=3,
    generator_ham_channels=8,
    generator_ham_rank=1,
    discriminator_ham_channels=16,
    discriminator_ham_rank=2,
)


def released_shapes(model: ModelConfig):
    """Released names of all variables of a model to (shape, trainable)."""
    shapes = {}
    for network, make in (("generator", make_generator), ("discriminator", make_discriminator)):
        weights = weights_by_path(make(model))
        for path, name in released_names(network, weights).items():
            shapes[name] = (tuple(weights[path].shape), bool(weights[path].trainable))
    return shapes


def manifest_shapes():
    """The same of the full-size released model, from the authors' list."""
    manifest = json.loads((DATA / "hamgan_manifest.json").read_text())
    return {
        variable["name"]: (tuple(variable["shape"]), variable["trainable"])
        for network in ("generator", "discriminator")
        for variable in manifest[network]
    }


def random_variables(shapes, seed=0, step=12, slots=True):
    """Random values under which images are neither flat nor saturated, and what Adam stores."""
    random = np.random.default_rng(seed)
    variables = {"global_step": np.int64(step)}
    for name, (shape, trainable) in shapes.items():
        leaf = name.rsplit("/", 1)[-1]
        value = random.standard_normal(shape, np.float32) * np.float32(0.3)
        if leaf in ("gamma", "moving_variance", "sigma_ratio"):
            value = 1 + np.abs(value)
        variables[name] = np.float32(value)
        if slots and trainable:
            variables[f"{name}/Adam"] = variables[f"{name}/Adam_1"] = np.zeros(shape, np.float32)
    if slots:
        for network in ("generator", "discriminator"):
            for power in ("beta1_power", "beta2_power"):
                variables[f"{network}_train/{power}"] = np.float32(0.5)
    return variables


def write_small(folder, model=SMALL, change=lambda variables: None, name="model.ckpt-12"):
    """Writes a checkpoint of `model`; returns its variables.

    Args:
        folder: a `pathlib.Path`.
        change: is given the variables before they are written.
        name: of the checkpoint.
    """
    variables = random_variables(released_shapes(model))
    change(variables)
    write_checkpoint(str(folder / name), variables)
    return variables
