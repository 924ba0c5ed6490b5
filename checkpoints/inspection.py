"""What a checkpoint holds, for a person to read."""

import math
from typing import Any

import numpy as np

from checkpoints.checkpoint_files import CheckpointError
from checkpoints.loading import MAKERS
from checkpoints.opening import Checkpoint
from gan.networks import weights_by_path


def describe(checkpoint: Checkpoint, with_names: bool = False) -> tuple[str, bool]:
    """Reads a checkpoint wholly and describes it.

    Args:
        checkpoint: opened by `open_checkpoint`.
        with_names: whether to list every weight with its stored name and shape.

    Returns:
        The text, and whether the checkpoint can be used.

    Raises:
        CheckpointError: if it is damaged.
    """
    config, model = checkpoint.config, checkpoint.config.model
    models = {network: MAKERS[network](model) for network in checkpoint.networks}
    weights = {network: weights_by_path(keras_model) for network, keras_model in models.items()}
    colour = "colour" if model.image_channels == 3 else "grey"
    names = config.classes().describe()
    rows = [
        ("format", checkpoint.format),
        ("path", checkpoint.path),
        ("step", f"{checkpoint.step:,}"),
        ("preset", config.preset),
        ("images", f"{model.image_size}×{model.image_size}, {colour}"),
        ("classes", f"{model.num_classes:,}" + (f": {names}" if names else "")),
        ("latent", f"{model.z_dim}"),
    ]
    for network, hamburger in (
        ("generator", model.generator_hamburger),
        ("discriminator", model.discriminator_hamburger),
    ):
        if network not in models:
            rows.append((network, "not stored"))
            continue
        trainable = sum(math.prod(w.shape) for w in models[network].trainable_weights)
        others = sum(math.prod(w.shape) for w in models[network].non_trainable_weights)
        rows += [
            (network, f"{trainable:,} trainable parameters, {others:,} others"),
            ("", _describe_hamburger(hamburger)),
        ]
    if checkpoint.averaged:
        rows.append(("averaged", "loading gives the moving averages of the generator's weights"))
    if checkpoint.assumed:
        rows.append(("assumed", f"{checkpoint.describe_assumed()} (not told by the checkpoint)"))
    extra = ", ".join(
        f"{count} {kind}" for kind, count in checkpoint.extra_entries().items() if count
    )
    rows.append(("also stored", extra or "nothing"))
    usable, names = True, {}
    try:
        names = checkpoint.names(weights)
        rows.append(("variables", f"{sum(map(len, names.values()))}, each used once"))
    except CheckpointError as error:
        usable = False
        rows.append(("variables", str(error)))
    infinite = _not_finite(checkpoint)
    rows.append(("finite", "all values" if not infinite else f"NOT: {', '.join(infinite)}"))
    usable = usable and not infinite
    text = "\n".join(f"{name:16}{value}" for name, value in rows)
    if with_names and names:
        text += "\n\n" + _table(checkpoint, names)
    return text, usable


def _describe_hamburger(hamburger):
    if hamburger.ham == "none":
        return "no hamburger"
    if hamburger.ham.endswith("attention"):
        return f"{hamburger.ham} in a hamburger of version {hamburger.version}"
    return (
        f"hamburger V{hamburger.version}, {hamburger.ham}: {hamburger.channels} channels, rank "
        f"{hamburger.rank}, {hamburger.steps} steps, {hamburger.groups} "
        f"group{'s' if hamburger.groups > 1 else ''}"
    )


def _not_finite(checkpoint: Checkpoint) -> list[str]:
    def is_finite(value: Any):
        return not np.issubdtype(value.dtype, np.floating) or np.isfinite(value).all()

    return [name for name in checkpoint.shapes if not is_finite(checkpoint.read(name))]


def _table(checkpoint, names):
    lines = []
    for network, own in names.items():
        width = max(map(len, own))
        lines.append(f"{network}: Keras weight, shape, stored as")
        for path, name in sorted(own.items()):
            shape = "×".join(map(str, checkpoint.shapes[name])) or "scalar"
            lines.append(f"  {path:{width}}  {shape:>14}  {name}")
    return "\n".join(lines)
