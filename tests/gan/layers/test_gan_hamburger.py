"""The Hamburger block, with HamGAN's layers, against the authors' code."""

import json

import numpy as np
import pytest
import tensorflow as tf
from conftest import StoredBases, relative_error, tf_variable
from tensorflow import keras

from gan.layers.hamburger import gan_hamburger
from gan.networks import weights_by_path
from ham_tf import Hamburger, NMFLayer
from ham_tf.layers.sublayers import build_sublayer

ORIGINAL_NAMES = {
    "gate": "sigma_ratio",
    "lower_bread/kernel": "sn_lower_bread/weights",
    "cheese/kernel": "sn_cheese/weights",
    "upper_bread/kernel": "sn_upper_bread/weights",
}


def original_name(path, version):
    """The name that the authors' code gives to a weight of the block called `burger`."""
    layer, _, weight = path.rpartition("/")
    if weight == "u":
        kernel = f"burger/sn_{layer}/weights"
        return f"burger/sn_{layer}/{kernel}/spectral_normalize/spectral_norm/spectral_norm_u"
    if layer == "normalization":
        return f"burger/{'upper_bread' if version == 1 else 'cheese'}_bn/{weight}"
    return "burger/" + ORIGINAL_NAMES[path]


@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
@pytest.mark.parametrize("case", ["v1_nmf_s2", "v2_nmf_s1", "v1_cd_s1_nobn"])
def test_equals_original(golden, monkeypatch, case, training):
    stored = {
        key[len(case) + 1 :]: array
        for key, array in golden("hamburger_tf_gan.npz").items()
        if key.startswith(case + "/")
    }
    config = json.loads(str(stored["config_json"]))
    version = int(config["version"][1])
    # The original's D is the width of one group.
    block = gan_hamburger(
        config["C"],
        ham_channels=config["S"] * config["D"],
        rank=config["R"],
        steps=config["K"],
        groups=config["S"],
        ham=config["ham_type"].lower(),
        version=version,
        num_classes=config["num_classes"] or None,
        batch_norm=config["use_bn"],
        name="burger",
    )
    monkeypatch.setattr(block.ham, "bases_initializer", StoredBases(stored["bases"]))
    if not training:  # one fixed draw is the product's rule at inference, not the original's
        monkeypatch.setattr(block.ham, "bases_policy", "fresh")
    build_sublayer(block, stored["x"].shape)
    weights = weights_by_path(block)
    weights = {original_name(path, version): weight for path, weight in weights.items()}
    assert {f"vars/{name}" for name in weights} == {k for k in stored if k.startswith("vars/")}
    for name, weight in weights.items():
        weight.assign(stored[f"vars/{name}"])

    x = tf.constant(stored["x"])
    mode = "train" if training else "eval"
    trainable = [name for name, weight in weights.items() if weight.trainable]
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = block(x, stored.get("labels"), training=training)
    variables = [tf_variable(weights[name]) for name in trainable]
    gradients = tape.gradient(y, [x, *variables], output_gradients=stored["dy"])

    assert relative_error(y, stored[f"y_{mode}"]) < 1e-5
    assert relative_error(gradients[0], stored[f"dx_{mode}"]) < 1e-5
    for name, gradient in zip(trainable, gradients[1:]):
        expected = stored[f"grad_{mode}/{name}"]
        assert relative_error(gradient, expected) < 1e-5, name
    if training:
        for layer in block._flatten_layers():
            if hasattr(layer, "update_spectral_norm"):
                layer.update_spectral_norm()
        for key in (key for key in stored if key.startswith("after/")):
            assert relative_error(weights[key[len("after/") :]], stored[key]) < 1e-5, key


def small_hamburger():
    return Hamburger(
        lower_bread=keras.layers.Conv2D(6, 1, name="lower_bread"),
        ham=NMFLayer(2, name="ham"),
        upper_bread=keras.layers.Conv2D(4, 1, name="upper_bread"),
        normalization=keras.layers.BatchNormalization(name="normalization"),
    )


def test_starts_as_the_identity():
    x = np.random.RandomState(0).randn(2, 5, 5, 4).astype(np.float32)
    block = small_hamburger()
    assert np.array_equal(block(x), x)
    block.gate.assign(1.0)
    assert not np.allclose(block(x), x)


def test_saves_and_loads_with_ordinary_layers(tmp_path):
    inputs = keras.Input([5, 5, 4])
    model = keras.Model(inputs, small_hamburger()(inputs))
    model.layers[-1].gate.assign(0.5)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    x = np.random.RandomState(0).randn(2, 5, 5, 4).astype(np.float32)
    np.testing.assert_array_equal(loaded(x), model(x))


def test_upper_bread_must_return_the_channels():
    block = Hamburger(
        keras.layers.Conv2D(6, 1), NMFLayer(2), keras.layers.Conv2D(5, 1), name="burger"
    )
    with pytest.raises(ValueError, match="5 channels for an input of 4"):
        block(np.zeros([1, 3, 3, 4], np.float32))


def test_weights_by_path_reads_names_inside_the_model():
    inputs = keras.Input([5, 5, 4])
    block = small_hamburger()
    keras.Model(inputs, block(inputs))
    paths = weights_by_path(block)
    assert {"gate", "lower_bread/kernel", "normalization/gamma"} <= set(paths)
