"""Names of the authors' released variables, and ours: one row per layer.

A released variable is called `SCOPE/LAYER/WEIGHT`, with the layer from the tables
below. Ours is the layer's path in the Keras model. `{n}` counts blocks from 1.
`python -m checkpoints.inspect CHECKPOINT --names` prints the whole list.
"""

import re
from collections.abc import Iterable

SCOPES = {
    "generator": "Generator/generator/",
    "discriminator": "Discriminator/discriminator/",
}

# Ours -> released. The gates are weights of the hamburger itself.
GENERATOR_LAYERS = {
    "dense": "g_snh0/dense",
    "block{n}/norm1": "g_block{n}/cbn_0",
    "block{n}/norm2": "g_block{n}/cbn_1",
    "block{n}/conv1": "g_block{n}/snconv1/snconv1",
    "block{n}/conv2": "g_block{n}/snconv2/snconv2",
    "block{n}/shortcut": "g_block{n}/snconv3/snconv3",
    "hamburger": "g_ops",
    "hamburger/lower_bread": "g_ops/sn_lower_bread",
    "hamburger/cheese": "g_ops/sn_cheese",
    "hamburger/upper_bread": "g_ops/sn_upper_bread",
    "hamburger/normalization": "g_ops/{normalized}_bn",
    "norm": "g_bn",
    "to_image": "g_snconv_last/g_snconv_last",
}
DISCRIMINATOR_LAYERS = {
    "block1/conv1": "d_optimized_block1/sn_conv1/sn_conv1",
    "block1/conv2": "d_optimized_block1/sn_conv2/sn_conv2",
    "block1/shortcut": "d_optimized_block1/sn_conv3/sn_conv3",
    "block{n}/conv1": "d_block{n}/sn_conv1/sn_conv1",
    "block{n}/conv2": "d_block{n}/sn_conv2/sn_conv2",
    "block{n}/shortcut": "d_block{n}/sn_conv3/sn_conv3",
    "hamburger": "d_ops",
    "hamburger/lower_bread": "d_ops/sn_lower_bread",
    "hamburger/cheese": "d_ops/sn_cheese",
    "hamburger/upper_bread": "d_ops/sn_upper_bread",
    "dense": "d_sn_linear/dense",
    "embedding": "d_embedding",
}
_LAYERS = {"generator": GENERATOR_LAYERS, "discriminator": DISCRIMINATOR_LAYERS}

# Weights that are called otherwise; all others have the same name.
_WEIGHTS = {"gate": "sigma_ratio", "embeddings": "embedding_map"}
_SINGULAR_VECTOR = "spectral_normalize/spectral_norm/spectral_norm_u"

_AVERAGE = "/ExponentialMovingAverage"  # as TensorFlow's own averages are called
_OPTIMIZER_SLOT = re.compile(r"(.+)/(Adam|Adam_1)")
_ENGINE_STATE = "distribute/"  # what only the distribute engine stores: counters, loss scales
_COUNTERS = {
    f"{network}_train/{power}" for network in SCOPES for power in ("beta1_power", "beta2_power")
} | {"global_step"}


def released_names(network: str, paths: Iterable[str]) -> dict[str, str]:
    """The authors' names of a network's weights.

    Args:
        network: "generator" or "discriminator".
        paths: our paths of all its weights, as `block1/conv1/kernel`.

    Returns:
        Path to full released name. Paths that the authors' networks do not have
        (those of attention blocks) are left out.
    """
    paths = list(paths)
    has_cheese = any(path.startswith("hamburger/cheese/") for path in paths)
    # Version 1 normalises after the upper bread, version 2 after the cheese.
    normalized = "cheese" if has_cheese else "upper_bread"
    names = {}
    for path in paths:
        layer, weight = path.rsplit("/", 1)
        released = _released_layer(_LAYERS[network], layer)
        if released is not None:
            scope_and_layer = SCOPES[network] + released.format(n="", normalized=normalized)
            names[path] = _released_weight(scope_and_layer, layer, weight)
    return names


def engine_names(network: str, paths: Iterable[str]) -> dict[str, str]:
    """The names under which our engines store the same weights."""
    return {path: SCOPES[network] + path for path in paths}


def average_name(name: str) -> str:
    """The name under which our engines store the moving average of a variable."""
    return name + _AVERAGE


def variable_of_average(name: str):
    """The variable whose moving average this is; None for what is no average."""
    return name[: -len(_AVERAGE)] if name.endswith(_AVERAGE) else None


def is_released(names: Iterable[str]) -> bool:
    """Whether variables of a checkpoint have the authors' names, and not our engine's."""
    return any(name.startswith(f"{SCOPES['generator']}g_") for name in names)


def variable_of_slot(name: str):
    """The variable that an Adam slot belongs to; None for what is no slot."""
    match = _OPTIMIZER_SLOT.fullmatch(name)
    return match[1] if match else None


def is_counter(name: str) -> bool:
    """Whether a name is that of a step counter, a power of Adam's decays, or the like."""
    return name in _COUNTERS or name.startswith("distribute/")


def _released_layer(layers, layer):
    if layer in layers:
        return layers[layer]
    match = re.match(r"block(\d+)/", layer)
    if match is None:
        return None
    row = layers.get(layer.replace(match[0], "block{n}/", 1))
    return row and row.replace("{n}", match[1])


def _released_weight(scope_and_layer, layer, weight):
    # The authors call the kernels of bread and cheese "weights".
    kernel = "weights" if layer.startswith("hamburger/") else "kernel"
    if weight == "kernel":
        return f"{scope_and_layer}/{kernel}"
    if weight != "u":
        return f"{scope_and_layer}/{_WEIGHTS.get(weight, weight)}"
    if layer == "embedding":
        return f"{scope_and_layer}/{_SINGULAR_VECTOR}"
    # The name of the vector repeats the full name of its kernel.
    return f"{scope_and_layer}/{scope_and_layer}/{kernel}/{_SINGULAR_VECTOR}"
