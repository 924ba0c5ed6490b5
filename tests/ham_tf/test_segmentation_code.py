"""Every decomposition, layer and block against the authors' segmentation code.

Theirs is PyTorch with channels first, float32 as ours: sums in another order differ
in the last places, and a temperature of 100 magnifies that. Tolerances: 1e-5; 1e-4
for concept decomposition, whose assignments feel it at every step; 5e-4 for the
gradient of vector quantisation, where the reference itself is 2.4e-5 away from the
same computation in float64, and ours 1.2e-5 to 1.1e-4, depending on the processor.
"""

import json

import numpy as np
import pytest
import tensorflow as tf
from conftest import StoredBases, relative_error, tf_variable
from tensorflow import keras

from ham_tf import CDLayer, HamburgerV1, HamburgerV2, HamburgerV2Plus, NMFLayer, VQLayer

VALUE_TOLERANCE = {"nmf": 1e-5, "cd": 1e-4, "vq": 1e-5}
GRADIENT_TOLERANCE = {"nmf": 1e-5, "cd": 1e-4, "vq": 5e-4}


def channels_last(x):
    return np.moveaxis(x, 1, -1)


def read_case(golden, file, case, separator):
    prefix = case + separator
    stored = {k[len(prefix) :]: v for k, v in golden(file).items() if k.startswith(prefix)}
    return json.loads(str(stored["config_json"])), stored


def make_layer(config, bases, **arguments):
    """The layer of a case of `ham_torch_seg.npz`; its S, D and R are groups, channels, rank."""
    arguments = dict(
        rank=config["R"],
        steps=config["train_steps"],
        eval_steps=config["eval_steps"],
        groups=config["S"],
        spatial=config["spatial"],
        bases_initializer=StoredBases(bases),
        **arguments,
    )
    if config["type"] == "NMF":
        # Their relu comes before: the gradient passes at zeros.
        return NMFLayer(relu=False, **arguments)
    if config["type"] == "CD":
        return CDLayer(inverse_temperature=config["inv_t"], ridge=config["beta"], **arguments)
    return VQLayer(inverse_temperature=config["inv_t"], **arguments)


@pytest.mark.parametrize("mode", ["train", "eval"])
@pytest.mark.parametrize("case", ["nmf_s1", "nmf_s2", "nmf_nonspatial", "cd_s1", "vq_s1"])
def test_layers(golden, case, mode):
    config, stored = read_case(golden, "ham_torch_seg.npz", case, "_")
    # "fresh": the reference has bases of its own for each sample at inference too.
    layer = make_layer(config, stored["bases"], bases_policy="fresh")
    x = tf.constant(channels_last(stored["x"]))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=mode == "train")
    dx = tape.gradient(y, x, output_gradients=channels_last(stored["dy"]))
    kind = config["type"].lower()
    assert relative_error(y, channels_last(stored[f"y_{mode}"])) < VALUE_TOLERANCE[kind]
    assert relative_error(dx, channels_last(stored[f"dx_{mode}"])) < GRADIENT_TOLERANCE[kind]


@pytest.mark.parametrize("case", ["nmf_online", "cd_online"])
def test_online_bases(golden, case):
    config, stored = read_case(golden, "ham_torch_seg.npz", case, "_")
    tolerance = VALUE_TOLERANCE[config["type"].lower()]

    def layer(policy, bases=stored["bases_raw"]):
        return make_layer(config, bases, bases_policy=policy, momentum=config["eta"])

    def check(actual, expected):
        assert relative_error(actual, expected) < tolerance

    def stored_bases(layer):
        return np.reshape(layer.bases, stored["bases_before"].shape)

    x0, x1 = (channels_last(stored[name]) for name in ("x0", "x1"))
    published = layer("online_at_inference")
    check(published(x0, training=True), channels_last(stored["y0_train"]))
    check(stored_bases(published), stored["bases_before"])
    check(layer("fixed")(x0), channels_last(stored["y0_eval_no_update"]))
    check(published(x0), channels_last(stored["y0_eval"]))
    check(stored_bases(published), stored["bases_after0"])
    check(published(x1), channels_last(stored["y1_eval"]))
    check(stored_bases(published), stored["bases_after1"])


def copy_weights(block, stored):
    """Gives a block the PyTorch weights of a case; returns their names in its order."""
    places = {
        "lower_bread.0.weight": (block.lower_bread, "kernel"),
        "lower_bread.0.bias": (block.lower_bread, "bias"),
        "cheese.conv.weight": (block.cheese, "kernel"),
        "upper_bread.weight": (block.upper_bread, "kernel"),
        "upper_bread.0.weight": (block.upper_bread, "kernel"),
        "coef_ham": (block, "gate"),
        "coef_shortcut": (block, "skip_gate"),
    }
    for prefix in ("cheese.bn", "upper_bread.1"):
        for theirs, ours in (
            ("weight", "gamma"),
            ("bias", "beta"),
            ("running_mean", "moving_mean"),
            ("running_var", "moving_variance"),
        ):
            places[f"{prefix}.{theirs}"] = (block.normalization, ours)
    weights = {}
    for key, value in stored.items():
        name = key[len("weights/") :]
        if not key.startswith("weights/") or name.endswith("num_batches_tracked"):
            continue
        layer, attribute = places[name]
        weights[name] = getattr(layer, attribute)
        if value.ndim == 4:  # [out, in, 1, 1]
            value = np.transpose(value, [2, 3, 1, 0])
        weights[name].assign(np.reshape(value, weights[name].shape))
    assert len(weights) == len(block.weights)
    return weights


@pytest.mark.parametrize("case", ["v1", "v2", "v2plus", "v2plus_dual"])
def test_blocks(golden, case):
    config, stored = read_case(golden, "hamburger_torch_seg.npz", case, "/")

    def ham(bases, spatial):
        return NMFLayer(
            config["MD_R"],
            config["TRAIN_STEPS"],
            eval_steps=config["EVAL_STEPS"],
            groups=config["MD_S"],
            spatial=spatial,
            bases_policy="fresh",
            bases_initializer=StoredBases(bases),
        )

    # Weight of the old value, where PyTorch gives that of the new one.
    norm = keras.layers.BatchNormalization(momentum=1 - config["bn_momentum"], epsilon=1e-5)
    if config["class"] == "HamburgerV2Plus":
        # The original's D is the width of one group here.
        block = HamburgerV2Plus(
            ham(stored["bases1" if config["DUAL"] else "bases"], spatial=True),
            channel_ham=ham(stored["bases2"], spatial=False) if config["DUAL"] else None,
            ham_channels=config["MD_S"] * config["MD_D"],
            cheese_factor=config["CHEESE_FACTOR"],
            normalization=norm,
        )
    else:
        make = {"HamburgerV1": HamburgerV1, "HamburgerV2": HamburgerV2}[config["class"]]
        block = make(
            ham(stored["bases"], spatial=True), ham_channels=config["MD_D"], normalization=norm
        )
    x = tf.constant(channels_last(stored["x"]))
    block.build(x.shape)
    weights = copy_weights(block, stored)

    assert relative_error(block(x, training=False), channels_last(stored["y_eval"])) < 1e-5
    keys = [key for key in stored if key.startswith("grad_train/")]
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = block(x, training=True)
    variables = [tf_variable(weights[key[len("grad_train/") :]]) for key in keys]
    gradients = tape.gradient(y, [x, *variables], channels_last(stored["dy"]))
    assert relative_error(y, channels_last(stored["y_train"])) < 1e-5
    assert relative_error(gradients[0], channels_last(stored["dx_train"])) < 1e-5
    for key, gradient in zip(keys, gradients[1:]):
        expected = stored[key]
        if expected.ndim == 4:
            expected = np.transpose(expected, [2, 3, 1, 0])
        assert relative_error(np.reshape(gradient, expected.shape), expected) < 1e-5, key
    # Means only: of the variance PyTorch stores the unbiased one, Keras 3 the biased.
    means = [key for key in stored if key.startswith("after/") and key.endswith("running_mean")]
    assert len(means) == 1
    assert relative_error(weights[means[0][len("after/") :]], stored[means[0]]) < 1e-5
