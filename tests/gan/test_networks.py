"""Generator and discriminator: shapes, exact sizes, the published architecture."""

import dataclasses
import json
import math

import numpy as np
import pytest
import tensorflow as tf
from conftest import DATA
from tensorflow import keras

from gan.config import ModelConfig
from gan.discriminator import Discriminator
from gan.generator import Generator
from gan.layers.residual_block import DownBlock, UpBlock, downsample, upsample
from gan.networks import make_discriminator, make_generator, weights_by_path
from gan.presets import digits, hamgan_baby, hamgan_strong, smoke

SMALL = dict(num_classes=3, base_channels=2, ham_channels=4, ham_rank=2, ham_steps=1)

SIZES = (16, 32, 64, 128, 256)


def count(weights):
    return sum(math.prod(weight.shape) for weight in weights)


def expected_generator(size, ch, classes, z, ham, image_channels):
    """Trainable parameters, written out independently of the model."""
    blocks = {16: [2, 1], 32: [4, 2, 1], 64: [8, 4, 2, 1], 128: [16, 8, 4, 2, 1]}
    blocks[256] = [16, 16, 8, 4, 2, 1]
    widths = [ch * multiple for multiple in blocks[size]]
    ham_width = {16: 2, 32: 2, 64: 2, 128: 4, 256: 8}[size] * ch
    total = z * 16 * widths[0] + 16 * widths[0]
    before = widths[0]
    for width in widths:
        total += 2 * classes * before + 2 * classes * width  # gains and biases
        total += 9 * before * width + width + 9 * width * width + width + before * width + width
        before = width
    total += 2 * ham_width * ham + 2 * classes * ham_width + 1
    return total + 2 * before + 9 * before * image_channels + image_channels


def expected_discriminator(size, ch, classes, ham, image_channels):
    downs = {16: [1, 2], 32: [1, 2, 4], 64: [1, 2, 4, 8], 128: [1, 2, 4, 8, 16]}
    downs[256] = [1, 2, 4, 8, 16, 16]
    widths = [ch * multiple for multiple in downs[size]]
    ham_width = {16: 1, 32: 1, 64: 1, 128: 2, 256: 4}[size] * ch
    total, before = 0, image_channels
    for width in widths:
        total += 9 * before * width + width + 9 * width * width + width + before * width + width
        before = width
    total += 2 * (9 * before * before + before)  # the block of the same size: no shortcut
    return total + 2 * ham_width * ham + 1 + before + 1 + classes * before


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("channels", [1, 3])
def test_shapes_and_sizes(size, channels):
    generator = Generator(size, channels, z_dim=5, **SMALL)
    discriminator = Discriminator(size, channels, **SMALL)
    images = generator([tf.random.normal([2, 5]), tf.constant([0, 2])], training=False)
    assert images.shape == (2, size, size, channels)
    assert np.abs(images).max() <= 1
    assert discriminator([images, tf.constant([0, 2])], training=False).shape == (2, 1)
    assert count(generator.trainable_weights) == expected_generator(size, 2, 3, 5, 4, channels)
    assert count(discriminator.trainable_weights) == expected_discriminator(size, 2, 3, 4, channels)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(
    "ham", ModelConfig.__dataclass_fields__["ham"].metadata["choices"], ids=str
)
def test_every_context_module(ham, training):
    """The choices of `--ham` and those of the models are the same."""
    config = dataclasses.replace(smoke().model, ham=ham)
    generator, discriminator = make_generator(config), make_discriminator(config)
    latents, labels = np.zeros([2, config.z_dim], np.float32), np.array([0, 1])
    images = generator([latents, labels], training=training)
    assert images.shape == (2, 16, 16, 1)
    assert discriminator([images, labels], training=training).shape == (2, 1)
    paths = weights_by_path(generator)
    assert ("hamburger/gate" in paths) == (ham != "none")
    assert ("hamburger/ham/query/kernel" in paths) == ham.endswith("attention")


def test_another_context_module_in_each_network():
    config = dataclasses.replace(
        smoke().model, discriminator_ham="vq", discriminator_ham_version=2, ham_groups=2
    )
    generator, discriminator = make_generator(config), make_discriminator(config)
    assert type(generator.hamburger.ham).__name__ == "NMFLayer"
    assert type(discriminator.hamburger.ham).__name__ == "VQLayer"
    assert (generator.hamburger.cheese, generator.hamburger.ham.groups) == (None, 2)
    assert discriminator.hamburger.cheese is not None


def test_an_unknown_context_module():
    with pytest.raises(ValueError, match="`ham` must be one of .* Received: ham='pca'"):
        Generator(16, ham="pca", **SMALL)


@pytest.mark.parametrize("size", SIZES)
def test_hamburger_sees_32_pixels_or_half_the_image(size):
    generator, discriminator = Generator(size, z_dim=5, **SMALL), Discriminator(size, **SMALL)
    shape = (None, 4, 4, generator.first_channels)
    for block in generator.up_blocks[: generator.blocks_before_ham]:
        shape = block.compute_output_shape(shape)
    assert shape[1] == min(32, size // 2)
    shape = (None, size, size, 3)
    for block in discriminator.down_blocks[: discriminator.blocks_before_ham]:
        shape = block.compute_output_shape(shape)
    assert shape[1] == min(32, size // 2)


@pytest.mark.parametrize("preset", [hamgan_strong, hamgan_baby])
def test_full_size_equals_the_released_model(preset):
    manifest = json.loads((DATA / "hamgan_manifest.json").read_text())
    totals = manifest["totals"]
    model = preset().model
    for scope, network in (
        ("generator", make_generator(model)),
        ("discriminator", make_discriminator(model)),
    ):
        assert count(network.trainable_weights) == totals[f"{scope}_trainable_parameters"]
        assert count(network.non_trainable_weights) == totals[f"{scope}_non_trainable_values"]
        ours = sorted((tuple(w.shape), bool(w.trainable)) for w in network.weights)
        released = sorted((tuple(v["shape"]), v["trainable"]) for v in manifest[scope])
        assert ours == released


@pytest.mark.parametrize(
    ("preset", "generator_size", "discriminator_size"),
    [(digits, 119_810, 143_778), (smoke, 3_762, 2_438)],
)
def test_presets_have_exact_sizes(preset, generator_size, discriminator_size):
    model = preset().model
    assert count(make_generator(model).trainable_weights) == generator_size
    assert count(make_discriminator(model).trainable_weights) == discriminator_size


def test_weight_names():
    """Checkpoints depend on them; both Keras versions must agree."""
    model = smoke().model
    names = {
        "generator": sorted(weights_by_path(make_generator(model))),
        "discriminator": sorted(weights_by_path(make_discriminator(model))),
    }
    assert names == json.loads((DATA / "weight_names.json").read_text())


def test_blocks_are_the_published_ones():
    """Written out in the published order, with convolutions apart from the resampling."""

    def convolved(layer, x):
        return tf.nn.conv2d(x, layer.normalized_weight(), 1, "SAME") + layer.bias

    x, labels = tf.random.stateless_normal([2, 6, 6, 3], [0, 0]), tf.constant([1, 3])

    up = UpBlock(5, 4)
    y = up(x, labels)
    for norm in (up.norm1, up.norm2):
        norm.gamma.assign(np.random.RandomState(0).rand(*norm.gamma.shape))
    y = up(x, labels)
    h = convolved(up.conv1, upsample(tf.nn.relu(up.norm1(x, labels))))
    h = up.conv2(tf.nn.relu(up.norm2(h, labels)))
    np.testing.assert_allclose(y, h + up.shortcut(upsample(x)), atol=1e-5)

    down = DownBlock(5)
    y = down(x)
    h = downsample(convolved(down.conv2, tf.nn.relu(down.conv1(tf.nn.relu(x)))))
    np.testing.assert_allclose(y, h + downsample(down.shortcut(x)), atol=1e-5)

    first = DownBlock(5, first=True)
    y = first(x)
    h = downsample(convolved(first.conv2, tf.nn.relu(first.conv1(x))))
    np.testing.assert_allclose(y, h + first.shortcut(downsample(x)), atol=1e-5)

    same = DownBlock(3, downsampling=False)
    y = same(x)
    h = same.conv2(tf.nn.relu(same.conv1(tf.nn.relu(x))))
    np.testing.assert_allclose(y, h + x, atol=1e-5)


def test_resampling():
    x = tf.constant(np.arange(8, dtype=np.float32).reshape(1, 2, 2, 2))
    doubled = upsample(x).numpy()
    assert doubled[0, :, :, 0].tolist() == [[0, 0, 2, 2], [0, 0, 2, 2], [4, 4, 6, 6], [4, 4, 6, 6]]
    assert np.array_equal(downsample(doubled), x)


def test_class_changes_the_image_and_the_logit():
    generator, discriminator = Generator(16, z_dim=5, **SMALL), Discriminator(16, **SMALL)
    for weight in generator.weights:
        if weight.name.split("/")[-1].startswith("gamma"):
            weight.assign(np.random.RandomState(0).rand(*weight.shape))
    latents = tf.ones([2, 5])
    images = generator([latents, tf.constant([0, 1])], training=False)
    assert not np.allclose(images[0], images[1])
    same = tf.stack([images[0], images[0]])
    logits = discriminator([same, tf.constant([0, 1])], training=False)
    assert not np.allclose(logits[0], logits[1])


def test_inference_does_not_depend_on_the_batch():
    generator = Generator(16, z_dim=5, **SMALL)
    generator.hamburger.gate.assign(1.0)
    latents, labels = tf.random.stateless_normal([4, 5], [1, 2]), tf.constant([0, 1, 2, 0])
    together = generator([latents, labels], training=False)
    alone = [generator([latents[i : i + 1], labels[i : i + 1]], training=False) for i in range(4)]
    np.testing.assert_allclose(tf.concat(alone, 0), together, atol=1e-5)


def test_same_seed_same_weights():
    def weights():
        keras.utils.set_random_seed(3)
        return make_generator(smoke().model).get_weights()

    assert all(np.array_equal(a, b) for a, b in zip(weights(), weights()))


def test_models_save_and_load(tmp_path):
    generator = Generator(16, z_dim=5, **SMALL)
    generator.hamburger.gate.assign(0.5)
    inputs = [tf.random.normal([2, 5]), tf.constant([0, 2])]
    images = generator(inputs, training=False)
    generator.save(tmp_path / "generator.keras")
    loaded = keras.models.load_model(tmp_path / "generator.keras")
    np.testing.assert_array_equal(loaded(inputs, training=False), images)


@pytest.mark.parametrize("model", [Generator, Discriminator])
def test_impossible_image_size(model):
    with pytest.raises(ValueError, match="`image_size` must be one of .* image_size=100"):
        model(image_size=100)
