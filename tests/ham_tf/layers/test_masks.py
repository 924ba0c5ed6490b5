"""Padding that a mask marks is as good as not there, or the layer says that it takes no mask."""

import warnings

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from ham_tf import (
    CDLayer,
    DualHam,
    EMLayer,
    HamburgerV1,
    HamburgerV2Plus,
    NMFLayer,
    SelfAttention,
    VQLayer,
)

IDS = np.array([[1, 2, 3, 4, 0, 0, 0], [5, 6, 7, 8, 9, 0, 0]])
LENGTHS = (4, 5)
LAYERS = {"nmf": NMFLayer, "cd": CDLayer, "vq": VQLayer, "em": EMLayer}
every_layer = pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS)


def embedding():
    law = keras.initializers.RandomNormal(stddev=1.0, seed=3)
    return keras.layers.Embedding(20, 8, mask_zero=True, embeddings_initializer=law)


def assert_padding_does_not_count(call):
    """`call` maps integers to a result per position."""
    whole = np.array(call(IDS))
    for sample, length in enumerate(LENGTHS):
        alone = np.array(call(IDS[sample : sample + 1, :length]))
        np.testing.assert_allclose(whole[sample, :length], alone[0], rtol=1e-3, atol=1e-4)
        assert not whole[sample, length:].any()


@every_layer
@pytest.mark.parametrize(
    "arguments",
    [{}, {"groups": 2}, {"steps": 0}, {"bases_policy": "fixed"}, {"dtype": "mixed_float16"}],
    ids=str,
)
def test_padding_does_not_count(make, arguments):
    embed, layer = embedding(), make(3, **arguments)
    assert_padding_does_not_count(lambda ids: layer(embed(tf.constant(ids))))


@every_layer
def test_in_training_the_gradient_is_that_without_padding(make):
    """Whatever the padding holds, even NaN."""
    x = np.random.RandomState(0).randn(2, 7, 8).astype(np.float32)
    x[0, 4:] = np.nan
    mask = np.arange(7) < np.array([[4], [7]])

    def value_and_gradient(x, mask):
        x, layer = tf.constant(x), make(2, bases_policy="fresh_in_training", seed=0)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=True, mask=mask)
            total = tf.reduce_sum(y**2)
        return y.numpy(), tape.gradient(total, x).numpy()

    for whole, alone in zip(value_and_gradient(x, mask), value_and_gradient(x[:1, :4], None)):
        np.testing.assert_allclose(whole[0, :4], alone[0], rtol=1e-2, atol=1e-3)
        assert not whole[0, 4:].any()
        assert np.isfinite(whole).all()


@pytest.mark.parametrize("make", [NMFLayer, CDLayer])
def test_dead_clusters_and_tiny_inputs(make):
    """Padding must not count among the pixels of a basis, however few those are."""
    random = np.random.RandomState(0)
    x = np.repeat(random.randn(1, 2, 8), 3, axis=1).astype(np.float32)
    padded = np.concatenate([x, np.zeros([1, 500, 8], np.float32)], axis=1)
    mask = np.arange(506)[None] < 6
    for scale in (1.0, 1e-6, 1e20):
        layer = make(4)
        y = layer(padded * np.float32(scale), mask=mask).numpy()
        alone = layer(x * np.float32(scale)).numpy()
        np.testing.assert_allclose(y[:, :6], alone, rtol=1e-3, atol=1e-4 * scale)


@pytest.mark.parametrize("model", ["functional", "subclassed", "sequential"])
@pytest.mark.parametrize("make", [NMFLayer, CDLayer])
def test_models_pass_the_mask_on(make, model):
    layers = [embedding(), make(3), keras.layers.GlobalAveragePooling1D()]
    if model == "functional":
        x = inputs = keras.Input([None], dtype="int32")
        for layer in layers:
            x = layer(x)
        call = keras.Model(inputs, x)
    elif model == "sequential":
        call = keras.Sequential(layers)
    else:

        class Subclassed(keras.Model):
            def __init__(self):
                super().__init__()
                self.parts = layers

            def call(self, x):
                for layer in self.parts:
                    x = layer(x)
                return x

        call = Subclassed()
    whole = call.predict(IDS, verbose=0)
    for sample, length in enumerate(LENGTHS):
        alone = call.predict(IDS[sample : sample + 1, :length], verbose=0)
        np.testing.assert_allclose(whole[sample], alone[0], rtol=1e-3, atol=1e-4)


def test_saved_models_keep_the_mask(tmp_path):
    inputs = keras.Input([None], dtype="int32")
    model = keras.Model(inputs, NMFLayer(3)(embedding()(inputs)))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert_padding_does_not_count(lambda ids: loaded.predict(ids, verbose=0))


def test_masks_of_images():
    x = np.random.RandomState(0).rand(2, 4, 5, 8).astype(np.float32)
    expected = NMFLayer(2)(x[:, :3])
    rows = np.arange(4) < 3
    x[:, 3] = -1.0  # what `Masking` leaves out
    layer = NMFLayer(2)
    for y in (
        layer(x, mask=np.broadcast_to(rows[None, :, None], [2, 4, 5])),
        layer(x, mask=np.broadcast_to(rows, [2, 4])),
        layer(x, mask=np.broadcast_to(rows, [2, 4]).astype(np.int64)),
        layer(keras.layers.Masking(-1.0)(tf.constant(x))),
    ):
        np.testing.assert_allclose(y[:, :3], expected, rtol=1e-4, atol=1e-5)
        assert not np.any(y[:, 3])


def test_shapes_may_be_unknown():
    layer, x = NMFLayer(2), np.random.RandomState(0).rand(2, 7, 8).astype(np.float32)
    mask = np.arange(7) < np.array([[4], [7]])
    expected = layer(x, mask=mask)
    for shape, mask_shape in (([None, None, 8], [None, None]), (None, None)):
        signature = [tf.TensorSpec(shape), tf.TensorSpec(mask_shape, tf.bool)]
        call = tf.function(lambda x, m: layer(x, mask=m), input_signature=signature)
        np.testing.assert_allclose(call(x, mask), expected, rtol=1e-4, atol=1e-5)


def test_factors_of_padding_are_zero():
    layer = CDLayer(2, return_factors=True)
    y, coefficients, bases = layer(embedding()(tf.constant(IDS)))
    assert not np.any(coefficients[0, 0, 4:])
    assert np.any(coefficients[0, 0, :4])
    assert np.array_equal(y._keras_mask, IDS != 0)
    assert getattr(bases, "_keras_mask", None) is None


@pytest.mark.parametrize("shape", [[2], [2, 4], [2, 4, 5, 8], [2, 5, 5]])
def test_masks_of_another_shape(shape):
    if shape == [2, 4]:
        shape = [2, 5]
    message = r"`mask` must have the shape of `inputs` without the channels, \(2, 4, 5\)"
    with pytest.raises(ValueError, match=message):
        NMFLayer(2)(np.ones([2, 4, 5, 8], np.float32), mask=np.ones(shape, bool))


@pytest.mark.parametrize(
    "make",
    [
        lambda: NMFLayer(2, spatial=False),
        lambda: VQLayer(2, spatial=False),
        SelfAttention,
        lambda: HamburgerV1("nmf"),
        lambda: HamburgerV1("self_attention"),
        lambda: HamburgerV2Plus("cd"),
        lambda: DualHam(NMFLayer(2), NMFLayer(2, spatial=False)),
    ],
)
def test_others_refuse_masks(make):
    inputs = keras.Input([7], dtype="int32")
    for ids in (inputs, tf.constant(IDS)):
        with warnings.catch_warnings():  # Keras 3 warns of the convolutions inside
            warnings.simplefilter("ignore", UserWarning)
            with pytest.raises(ValueError, match=r"takes no mask: .*Received: mask of shape=\("):
                make()(embedding()(ids))
    assert make()(np.ones([2, 7, 8], np.float32)).shape == (2, 7, 8)
