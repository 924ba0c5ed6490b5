"""Both networks against the authors', loaded from their checkpoints: outputs, gradients, state."""

import os
import pathlib

import numpy as np
import pytest
import tensorflow as tf
from conftest import StoredBases, relative_error, tf_variable

import checkpoints
from checkpoints.tensor_names import released_names
from gan.config import ModelConfig
from gan.networks import weights_by_path

FOLDER = os.environ.get("HAM_TF_GOLDEN")
pytestmark = pytest.mark.skipif(
    not FOLDER, reason="HAM_TF_GOLDEN names no folder of the authors' reference checkpoints"
)

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


@pytest.fixture(scope="module")
def models(case):
    return checkpoints.load(os.path.join(FOLDER, case[1]))


def by_released_name(network, model):
    weights = weights_by_path(model)
    return {name: weights[path] for path, name in released_names(network, weights).items()}


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


def test_configuration(case, models):
    """What the shapes and the settings beside the checkpoint tell."""
    expected = ModelConfig(
        num_classes=7,
        z_dim=16,
        generator_channels=4,
        discriminator_channels=4,
        generator_ham_channels=16,
        generator_ham_rank=4,
        discriminator_ham_channels=8,
        discriminator_ham_rank=2,
        **case[2],
    )
    assert (models.config.model, models.step) == (expected, 2)


def test_generator(models, stored, monkeypatch):
    generator = models.generator
    weights = by_released_name("generator", generator)
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


def test_discriminator(models, stored, monkeypatch):
    discriminator = models.discriminator
    weights = by_released_name("discriminator", discriminator)
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
