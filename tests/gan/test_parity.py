"""Both networks against the authors', from their own checkpoint: outputs, gradients, state."""

import os
import pathlib
import re

import numpy as np
import pytest
import tensorflow as tf
from conftest import StoredBases, relative_error, tf_variable

from checkpoints.checkpoint_files import read_variables
from gan.discriminator import Discriminator
from gan.generator import Generator
from gan.networks import weights_by_path

FOLDER = os.environ.get("HAM_TF_GOLDEN")
pytestmark = pytest.mark.skipif(
    not FOLDER, reason="HAM_TF_GOLDEN names no folder of the authors' reference checkpoints"
)

GENERATOR_LAYERS = [
    (r"^block(\d)/norm1", r"g_block\1/cbn_0"),
    (r"^block(\d)/norm2", r"g_block\1/cbn_1"),
    (r"^block(\d)/conv(\d)", r"g_block\1/snconv\2/snconv\2"),
    (r"^block(\d)/shortcut", r"g_block\1/snconv3/snconv3"),
    (r"^dense", "g_snh0/dense"),
    (r"^norm", "g_bn"),
    (r"^to_image", "g_snconv_last/g_snconv_last"),
    (r"^hamburger/gate", "g_ops/sigma_ratio"),
    (r"^hamburger/(upper_bread|cheese)_bn", r"g_ops/\1_bn"),
    (r"^hamburger/(\w+_bread|cheese)", r"g_ops/sn_\1"),
]
DISCRIMINATOR_LAYERS = [
    (r"^block1/", "optimized_block1/"),
    (r"^(\w*block\d)/conv(\d)", r"d_\1/sn_conv\2/sn_conv\2"),
    (r"^(\w*block\d)/shortcut", r"d_\1/sn_conv3/sn_conv3"),
    (r"^dense", "d_sn_linear/dense"),
    (r"^embedding/embeddings", "d_embedding/embedding_map"),
    (r"^embedding/u", "d_embedding/u"),
    (r"^hamburger/gate", "d_ops/sigma_ratio"),
    (r"^hamburger/(\w+_bread|cheese)", r"d_ops/sn_\1"),
]


def original_name(path, scope, layers, normalized):
    """The authors' name of a weight, from ours."""
    # Version 1 normalises after the upper bread, version 2 after the cheese.
    path = path.replace("hamburger/normalization", f"hamburger/{normalized}_bn")
    for pattern, replacement in layers:
        path = re.sub(pattern, replacement, path)
    name = f"{scope}/{path}"
    if "_ops/sn_" in name:
        name = name.replace("/kernel", "/weights")
    if not name.endswith("/u"):
        return name
    layer = name[: -len("/u")]
    if layer.endswith("d_embedding"):
        return f"{layer}/spectral_normalize/spectral_norm/spectral_norm_u"
    # The name of the vector repeats the full name of its kernel.
    kernel = f"{layer}/{'weights' if '_ops/sn_' in layer else 'kernel'}"
    return f"{layer}/{kernel}/spectral_normalize/spectral_norm/spectral_norm_u"


CASES = {
    "v1_nmf": ("gan_golden.npz", "gan_tf1_ckpt", {"ham": "nmf", "ham_version": 1}),
    "v2_cd": ("gan_golden_v2cd.npz", "gan_tf1_ckpt_v2cd", {"ham": "cd", "ham_version": 2}),
}


@pytest.fixture(scope="module", params=list(CASES))
def case(request):
    return CASES[request.param]


@pytest.fixture(scope="module")
def stored(case):
    return dict(np.load(pathlib.Path(FOLDER, case[0])))


def load(model, scope, layers, case):
    variables = read_variables(os.path.join(FOLDER, case[1], "model.ckpt-2"), scope)
    normalized = "upper_bread" if case[2]["ham_version"] == 1 else "cheese"
    weights = {
        original_name(path, scope, layers, normalized): weight
        for path, weight in weights_by_path(model).items()
    }
    originals = {name for name in variables if not name.endswith(("/Adam", "/Adam_1"))}
    assert set(weights) == originals
    for name, weight in weights.items():
        weight.assign(variables[name])
    return weights


def check_gradients(tape, target, upstream, weights, stored, prefix, tolerance):
    keys = [key for key in stored if key.startswith(prefix)]
    variables = [tf_variable(weights[key[len(prefix) :]]) for key in keys]
    for key, gradient in zip(keys, tape.gradient(target, variables, output_gradients=upstream)):
        assert relative_error(gradient, stored[key]) < tolerance, key


def check_updates(model, weights, stored, prefix):
    model.update_spectral_norms()
    keys = [key for key in stored if key.startswith(prefix)]
    assert keys
    for key in keys:
        assert relative_error(weights[key[len(prefix) :]], stored[key]) < 1e-5, key


def give_bases(monkeypatch, ham, bases):
    monkeypatch.setattr(ham, "bases_initializer", StoredBases(bases))
    # At inference too, where our rule is one draw for all samples.
    monkeypatch.setattr(ham, "bases_policy", "fresh")


def test_generator(case, stored, monkeypatch):
    generator = Generator(
        128, num_classes=7, z_dim=16, base_channels=4, ham_channels=16, ham_rank=4, **case[2]
    )
    weights = load(generator, "Generator/generator", GENERATOR_LAYERS, case)
    give_bases(monkeypatch, generator.hamburger.ham, stored["bases_G"])
    inputs = [tf.constant(stored["z"]), tf.constant(stored["labels"])]
    np.testing.assert_allclose(generator(inputs, training=False), stored["gen_eval"], atol=1e-5)
    with tf.GradientTape() as tape:
        images = generator(inputs, training=True)
    # Batch statistics are float32 sums over 32,768 values: the original's own
    # rounding is 3e-5 in the images and 2e-3 in the gradients.
    assert relative_error(images, stored["gen_train"]) < 3e-4
    check_gradients(tape, images, stored["images"], weights, stored, "gen_grad/", 1e-2)
    check_updates(generator, weights, stored, "gen_after/")


def test_discriminator(case, stored, monkeypatch):
    discriminator = Discriminator(
        128, num_classes=7, base_channels=4, ham_channels=8, ham_rank=2, **case[2]
    )
    weights = load(discriminator, "Discriminator/discriminator", DISCRIMINATOR_LAYERS, case)
    give_bases(monkeypatch, discriminator.hamburger.ham, stored["bases_D"])
    images, labels = tf.constant(stored["images"]), tf.constant(stored["labels"])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(images)
        logits = discriminator([images, labels], training=True)
    assert relative_error(logits, stored["disc_logits"]) < 1e-5
    upstream = stored["disc_dlogits"]
    gradient = tape.gradient(logits, images, output_gradients=upstream)
    assert relative_error(gradient, stored["disc_dimages"]) < 1e-4
    check_gradients(tape, logits, upstream, weights, stored, "disc_grad/", 1e-4)
    check_updates(discriminator, weights, stored, "disc_after/")
    second = discriminator([images, labels], training=False)
    assert relative_error(second, stored["disc_logits_second_call"]) < 1e-5
