"""The configuration of a released TensorFlow 1 checkpoint, from the shapes of its variables.

Shapes tell the image's size and channels, classes, widths and whether there is a
cheese. They do not tell which decomposition, how many bases (drawn at random, no
variable), steps and groups: those come from the caller, from a `config.json` of
the authors' settings beside the checkpoint, or are assumed to be the published ones.
"""

import json
import os
from typing import Any, NamedTuple, Optional

from checkpoints.checkpoint_files import CheckpointError
from checkpoints.tensor_names import SCOPES
from gan.config import ConfigError, ModelConfig, field_names

_PUBLISHED_CHANNELS_PER_BASE = 8  # 256 / 32 in the generator, 128 / 16 in the discriminator

# Keys of the authors' settings to our fields; "G" and "D" hold the hamburgers'.
_SETTINGS = {
    "gf_dim": "generator_channels",
    "df_dim": "discriminator_channels",
    "num_classes": "num_classes",
    "z_dim": "z_dim",
    "image_size": "image_size",
}
_HAMBURGER_SETTINGS = {
    "ham_type": "ham",
    "version": "ham_version",
    "K": "ham_steps",
    "S": "ham_groups",
    "D": "ham_channels",
    "R": "ham_rank",
}
_NEVER_STORED = ("ham", "ham_steps", "ham_groups", "generator_ham_rank", "discriminator_ham_rank")


class ReleasedConfig(NamedTuple):
    """A model's configuration and how sure it is.

    Attributes:
        model: the configuration.
        assumed: fields that nothing told, set as published.
    """

    model: ModelConfig
    assumed: list[str]


def released_config(
    path: str, shapes: dict[str, tuple], settings: Optional[dict[str, Any]] = None
) -> ReleasedConfig:
    """Infers the configuration of a released checkpoint.

    Args:
        path: its path prefix, for messages and the `config.json` beside it.
        shapes: released variable names to shapes.
        settings: fields of `ModelConfig` that are known; what the shapes tell must agree.

    Raises:
        CheckpointError: if the generator is missing, or settings and shapes disagree.
        ConfigError: if the result cannot work.
    """
    told = _told_by_shapes(path, shapes)
    sources = [("was given", dict(settings or {}))]
    beside = os.path.join(os.path.dirname(path), "config.json")
    if os.path.isfile(beside):
        sources.append((f"in {beside}", _read_settings(beside)))
    values = {}
    for source, known in sources:
        wrong = [
            f"{name} is {told[name]} in the checkpoint, but {value} {source}"
            for name, value in known.items()
            if name in told and told[name] != value
        ]
        if wrong:
            raise CheckpointError(f"{path}: {'; '.join(wrong)}.")
        values = {**known, **values}
    values.update(told)
    published = {}
    if values.get("ham") == "none" and "discriminator_ham_channels" in told:
        published["discriminator_ham"] = ModelConfig.ham
    for network in SCOPES:
        channels = values.get(f"{network}_ham_channels")
        if channels is not None:
            published[f"{network}_ham_rank"] = max(1, channels // _PUBLISHED_CHANNELS_PER_BASE)
    assumed = [
        name
        for name in _NEVER_STORED
        if name not in values and not (name.endswith("_rank") and name not in published)
    ]
    if values.get("ham") == "none":
        assumed = [name for name in published if name not in values]
    try:
        return ReleasedConfig(ModelConfig(**{**published, **values}), assumed)
    except ConfigError as error:
        raise CheckpointError(f"{path}: {error}") from error


def _told_by_shapes(path, shapes):
    generator, discriminator = SCOPES["generator"], SCOPES["discriminator"]

    def shape(name):
        if name not in shapes:
            raise CheckpointError(f"{path}: no HamGAN: {name} is missing.")
        return shapes[name]

    blocks = 0
    while f"{generator}g_block{blocks + 1}/cbn_0/gamma" in shapes:
        blocks += 1
    image_kernel = shape(f"{generator}g_snconv_last/g_snconv_last/kernel")
    told = {
        "image_size": 4 * 2**blocks,
        "image_channels": image_kernel[-1],
        "num_classes": shape(f"{generator}g_block1/cbn_0/gamma")[0],
        "z_dim": shape(f"{generator}g_snh0/dense/kernel")[0],
        "generator_channels": image_kernel[-2],
    }
    first = f"{discriminator}d_optimized_block1/sn_conv1/sn_conv1/kernel"
    if first in shapes:
        told["discriminator_channels"] = shapes[first][-1]
    versions = {}
    for network, ops in (("generator", "g_ops"), ("discriminator", "d_ops")):
        scope = f"{SCOPES[network]}{ops}"
        if f"{scope}/sn_lower_bread/weights" in shapes:
            told[f"{network}_ham_channels"] = shapes[f"{scope}/sn_lower_bread/weights"][-1]
            versions[network] = 2 if f"{scope}/sn_cheese/weights" in shapes else 1
    if "generator" in versions:
        told["ham_version"] = versions["generator"]
    else:
        told["ham"] = "none"
    if first in shapes:
        if "discriminator" not in versions and "generator" in versions:
            told["discriminator_ham"] = "none"
        elif versions.get("discriminator") != versions.get("generator"):
            told["discriminator_ham_version"] = versions["discriminator"]
    return told


def _read_settings(path):
    try:
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
        known = {
            ours: _integer(theirs, content[theirs])
            for theirs, ours in _SETTINGS.items()
            if theirs in content
        }
        hamburgers = {network: content.get(network) for network in ("G", "D")}
        for network, prefix in (("G", "generator_"), ("D", "discriminator_")):
            for theirs, ours in _HAMBURGER_SETTINGS.items():
                if not hamburgers[network] or theirs not in hamburgers[network]:
                    continue
                value = hamburgers[network][theirs]
                if theirs == "version":
                    value = int(str(value).lower().lstrip("v"))
                value = value.lower() if theirs == "ham_type" else _integer(theirs, value)
                # What both networks share has one field, and one of the discriminator's
                # own where that differs.
                if f"{prefix}{ours}" in field_names("model"):
                    known[f"{prefix}{ours}"] = value
                elif network == "G":
                    known[ours] = value
        return _without_repetitions(known)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise CheckpointError(
            f"{path}: cannot be read as the settings of the checkpoint beside it ({error}). "
            "Mend it, or move it away and give the settings as flags."
        ) from error


def _integer(name, value):
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{name} is {value!r}, expected an integer")
    return value


def _without_repetitions(known):
    """Leaves out what the discriminator has as the generator."""
    return {
        name: value
        for name, value in known.items()
        if not (
            name.startswith("discriminator_ham")
            and value == known.get(name[len("discriminator_") :])
        )
    }
