"""Both networks under Keras's mixed precision policies: dtypes, closeness to float32, gradients."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from conftest import relative_error, tf_variable
from tensorflow import keras

from gan.layers.spectral_normalization import SpectralNormConv2D
from gan.networks import make_discriminator, make_generator, weights_by_path
from gan.presets import smoke
from gan.training.losses import discriminator_hinge_loss, generator_hinge_loss

POLICIES = ("mixed_bfloat16", "mixed_float16")
# One rounding to 16 bits is 2⁻⁸ or 2⁻¹¹ of a value; some ten layers add theirs up.
TOLERANCE = {"mixed_bfloat16": 10 * 2**-8, "mixed_float16": 10 * 2**-11}
BATCH = 6


def make_models(policy, **changes):
    """Models of equal weights whatever the policy, with open gates."""
    model = dataclasses.replace(smoke().model, **changes)
    keras.utils.set_random_seed(0)
    models = make_generator(model, dtype=policy), make_discriminator(model, dtype=policy)
    for network in models:
        random = np.random.RandomState(1)
        for path, weight in sorted(weights_by_path(network).items()):
            if path.endswith(("gamma", "beta", "gate", "bias")):
                weight.assign(np.asarray(weight) + np.float32(0.3 * random.rand(*weight.shape)))
    return models


def make_inputs():
    model, random = smoke().model, np.random.RandomState(2)
    latents = np.float32(random.randn(BATCH, model.z_dim))
    images = np.float32(random.rand(BATCH, model.image_size, model.image_size, 1) * 2 - 1)
    return tf.constant(latents), tf.constant(images), tf.constant(np.arange(BATCH))


def trainable(model):
    return [tf_variable(weight) for weight in model.trainable_weights]


def assert_finite_float32(tensors):
    for tensor in tensors:
        tensor = tf.convert_to_tensor(tensor)
        assert tensor.dtype == tf.float32
        assert np.isfinite(tensor).all()


@pytest.mark.parametrize("policy", POLICIES)
def test_close_to_float32(policy):
    """At inference, where the hams' bases are one fixed draw."""
    latents, images, labels = make_inputs()
    found = {}
    for dtype in (None, policy):
        generator, discriminator = make_models(dtype)
        generated = generator([latents, labels], training=False)
        logits = discriminator([images, labels], training=False)
        assert (generated.dtype, logits.dtype) == (tf.float32, tf.float32)
        found[dtype] = generated, logits
    for narrow, wide in zip(found[policy], found[None]):
        error = relative_error(narrow, wide)
        assert 0 < error < TOLERANCE[policy]  # Not 0: 16 bits are really in use.


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(
    "changes",
    [{}, {"ham": "cd", "ham_version": 2}, {"ham": "vq"}, {"ham": "pooled_attention"}],
    ids=["nmf", "cd_v2", "vq", "attention"],
)
def test_gradients_of_both_losses_are_finite(policy, changes):
    generator, discriminator = make_models(policy, **changes)
    latents, images, labels = make_inputs()
    generator.update_spectral_norms()
    discriminator.update_spectral_norms()

    @tf.function
    def gradients():
        with tf.GradientTape(persistent=True) as tape:
            generated = generator([latents, labels], training=True)
            fake = discriminator([generated, labels], training=True)
            real = discriminator([images, labels], training=True)
            generator_loss = tf.reduce_mean(generator_hinge_loss(fake))
            discriminator_loss = tf.reduce_mean(discriminator_hinge_loss(real, fake))
        return (
            tape.gradient(generator_loss, trainable(generator)),
            tape.gradient(discriminator_loss, trainable(discriminator)),
        )

    of_generator, of_discriminator = gradients()
    assert_finite_float32([*of_generator, *of_discriminator])
    assert any(np.abs(gradient).max() > 0 for gradient in of_generator)
    assert any(np.abs(gradient).max() > 0 for gradient in of_discriminator)
    # The moving moments of the training call, too.
    assert_finite_float32([*generator.weights, *discriminator.weights])


@pytest.mark.parametrize("policy", POLICIES)
def test_gradients_are_close_to_float32(policy):
    """Of the discriminator, whose training mode differs by fresh bases alone: without a ham."""
    _, images, labels = make_inputs()
    discriminators = [make_models(dtype, ham="none")[1] for dtype in (policy, None)]
    errors = []
    for seed in range(5):  # A relu may switch by rounding and take a gradient along: the median.
        drawn = np.random.RandomState(seed).uniform(-1, 1, size=images.shape)
        gradients = [
            gradient_of_logits(network, tf.constant(drawn, tf.float32), labels)
            for network in discriminators
        ]
        errors.append(np.linalg.norm(gradients[0] - gradients[1]) / np.linalg.norm(gradients[1]))
    assert 0 < np.median(errors) < TOLERANCE[policy]


def gradient_of_logits(discriminator, images, labels):
    with tf.GradientTape() as tape:
        logits = discriminator([images, labels], training=True)
        loss = tf.reduce_sum(logits * np.arange(1, BATCH + 1, dtype=np.float32)[:, None])
    gradients = tape.gradient(loss, trainable(discriminator))
    return np.concatenate([np.ravel(tf.convert_to_tensor(gradient)) for gradient in gradients])


@pytest.mark.parametrize("policy", POLICIES)
def test_moments_and_singular_vectors_are_those_of_float32(policy):
    """σ and u come from float32 weights: not one bit is lost. Moments lose their inputs' bits."""
    latents, _, labels = make_inputs()
    found = {}
    for dtype in (None, policy):
        generator, discriminator = make_models(dtype, ham="none")
        generator.update_spectral_norms()
        discriminator.update_spectral_norms()
        vectors = [
            np.asarray(tf.convert_to_tensor(weight))
            for network in (generator, discriminator)
            for path, weight in sorted(weights_by_path(network).items())
            if path.endswith("/u")
        ]
        generator([latents, labels], training=True)
        found[dtype] = vectors, generator.norm
    for narrow, wide in zip(found[policy][0], found[None][0]):
        np.testing.assert_array_equal(narrow, wide)
    for name in ("moving_mean", "moving_variance"):
        narrow, wide = (getattr(found[dtype][1], name) for dtype in (policy, None))
        assert tf.convert_to_tensor(narrow).dtype == tf.float32
        assert relative_error(narrow, wide) < TOLERANCE[policy]


@pytest.mark.parametrize("policy", POLICIES)
def test_the_divided_kernel_is_rounded_once(policy):
    layers = {}
    for dtype in (None, policy):
        keras.utils.set_random_seed(0)
        layers[dtype] = SpectralNormConv2D(4, 3, at_most_one=False, dtype=dtype)
        layers[dtype].build((None, 5, 5, 3))
    narrow, wide = layers[policy].normalized_weight(), layers[None].normalized_weight()
    assert narrow.dtype == policy.rsplit("_", 1)[1]
    np.testing.assert_array_equal(
        tf.cast(narrow, tf.float32), tf.cast(tf.cast(wide, narrow.dtype), tf.float32)
    )
    x = tf.random.stateless_normal([1, 5, 5, 3], [0, 0])
    assert layers[policy](x).dtype == narrow.dtype
    assert tf.convert_to_tensor(layers[policy].kernel).dtype == tf.float32


def test_the_global_policy_counts_where_none_is_named():
    latents, images, labels = make_inputs()
    before = (
        keras.mixed_precision.global_policy()
        if hasattr(keras.mixed_precision, "global_policy")
        else keras.mixed_precision.dtype_policy()
    )
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        generator, discriminator = make_models(None)
        assert generator.up_blocks[0].conv1.compute_dtype == "bfloat16"
        assert generator.up_blocks[0].norm1.compute_dtype == "bfloat16"
        assert discriminator.dense.compute_dtype == "float32"
        assert generator([latents, labels], training=False).dtype == tf.float32
        assert discriminator([images, labels], training=False).dtype == tf.float32
    finally:
        keras.mixed_precision.set_global_policy(before)


@pytest.mark.parametrize("policy", [None, "mixed_bfloat16"])
def test_a_saved_model_keeps_its_policy(tmp_path, policy):
    latents, _, labels = make_inputs()
    generator, _ = make_models(policy)
    generator.save(tmp_path / "generator.keras")
    loaded = keras.models.load_model(tmp_path / "generator.keras")
    assert loaded.compute_dtype == ("float32" if policy is None else "bfloat16")
    images = generator([latents, labels], training=False)
    np.testing.assert_array_equal(loaded([latents, labels], training=False), images)
