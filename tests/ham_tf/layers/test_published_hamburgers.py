"""The published blocks: their switches and errors. Their numbers: test_segmentation_code.py."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from ham_tf import (
    CDLayer,
    DualHam,
    EMLayer,
    HamburgerV1,
    HamburgerV2,
    HamburgerV2Plus,
    NMFLayer,
    SelfAttention,
    VQLayer,
)
from ham_tf.layers.sublayers import build_sublayer

BLOCKS = {"v1": HamburgerV1, "v2": HamburgerV2, "v2plus": HamburgerV2Plus}
every_block = pytest.mark.parametrize("make", BLOCKS.values(), ids=BLOCKS)


def features(channels=16):
    return np.random.RandomState(0).randn(2, 6, 6, channels).astype(np.float32)


@every_block
@pytest.mark.parametrize(
    ("name", "ham"),
    [
        ("nmf", NMFLayer),
        ("cd", CDLayer),
        ("vq", VQLayer),
        ("em", EMLayer),
        ("self_attention", SelfAttention),
        ("pooled_attention", SelfAttention),
    ],
)
def test_one_argument_switches_the_context_module(make, name, ham):
    block = make(name, gate=1.0)
    y = block(features())
    assert y.shape == (2, 6, 6, 16)
    assert type(block.ham) is ham
    assert np.isfinite(y).all()
    assert (block.lower_bread is None) == (ham is SelfAttention)


def test_defaults_of_hams_by_name():
    """Those of the authors' segmentation code."""
    block = HamburgerV1("nmf", ham_channels=24)
    block.build((None, 6, 6, 16))
    assert (block.ham.rank, block.ham.steps, block.ham.eval_steps) == (3, 6, 7)
    assert block.ham.normalize_bases
    block = HamburgerV1("cd", rank=5)
    block.build((None, 6, 6, 16))
    assert (block.ham.rank, block.ham.ridge) == (5, 0.1)


def test_parameters_of_the_cost_table():
    """Table 3 of the paper: 0.50 M in the breads of a ham, 1.00 M in self-attention."""
    for name, expected in (("nmf", 2 * 512**2), ("self_attention", 4 * 512**2)):
        block = HamburgerV1(name, normalization=None)
        block.build((None, 8, 8, 512))
        kernels = [w for w in block.trainable_weights if "kernel" in w.name]
        assert sum(int(np.prod(kernel.shape)) for kernel in kernels) == expected


def test_version_1_is_the_formula():
    x, block = features(), HamburgerV1("nmf", ham_channels=8)
    y = block(x)
    burger = block.normalization(block.upper_bread(block.ham(block.lower_bread(x))))
    np.testing.assert_allclose(y, np.maximum(x + burger, 0), rtol=1e-5, atol=1e-6)


def test_gan_form():
    """A gate from 0 and no activation: the identity at first."""
    x = features()
    assert np.array_equal(HamburgerV1("nmf", gate=0.0, activation=None)(x), x)
    assert np.array_equal(HamburgerV2Plus("nmf")(x), np.maximum(x, 0))


def test_dual_ham_halves_the_channels():
    x = features(8)
    dual = DualHam(NMFLayer(2), NMFLayer(2, spatial=False))
    y = dual(x).numpy()
    assert np.array_equal(y[..., :4], dual.spatial_ham(x[..., :4]))
    assert np.array_equal(y[..., 4:], dual.channel_ham(x[..., 4:]))
    with pytest.raises(ValueError, match=r"even number of channels. Received: shape=\(2, 6, 6, 7"):
        DualHam(NMFLayer(2), NMFLayer(2, spatial=False))(x[..., :7])


def test_widths_of_the_dual_form():
    block = HamburgerV2Plus("nmf", channel_ham="cd", ham_channels=24, cheese_factor=2)
    block.build((None, 6, 6, 16))
    widths = [layer.filters for layer in (block.lower_bread, block.cheese, block.upper_bread)]
    assert widths == [48, 12, 16]
    assert isinstance(block.ham.channel_ham, CDLayer)
    assert not block.ham.channel_ham.spatial
    assert (block.gate.numpy(), block.skip_gate.numpy()) == (0.0, 1.0)


def test_rank_is_that_of_the_hams_by_name():
    x = features()
    block = HamburgerV2Plus(NMFLayer(4), channel_ham="nmf", rank=3)
    block(x)
    assert (block.ham.spatial_ham.rank, block.ham.channel_ham.rank) == (4, 3)
    block = HamburgerV2Plus("pooled_attention", channel_ham="cd", rank=3, gate=1.0)
    assert block(x).shape == x.shape
    assert block.ham.channel_ham.rank == 3


@pytest.mark.parametrize(("channels", "groups"), [(64, 32), (24, 8), (7, 1)])
def test_group_norm(channels, groups):
    block = HamburgerV1(NMFLayer(2), normalization="group")
    y = block(features(channels), training=True)
    assert block.normalization.groups == groups
    assert np.isfinite(y).all()


@every_block
@pytest.mark.parametrize("ham", [NMFLayer, CDLayer, VQLayer, EMLayer])
def test_learns_nothing_that_inference_has_not(make, ham):
    """By default no part of a block normalises in training by what inference does not know."""
    block = make(ham(4, 3, bases_policy="fixed"), gate=1.0)
    x = features()
    trained = block(x, training=True)
    assert np.array_equal(block(x, training=False), trained)
    assert not any("moving" in weight.name for weight in block.weights)


@every_block
def test_positions_for_images(make):
    x = features()
    block = make("nmf", normalization=None, gate=1.0)
    y = block(x)
    flat = make("nmf", normalization=None, gate=1.0)
    flat.build((None, 36, 16))
    flat.set_weights([w.reshape(v.shape) for w, v in zip(block.get_weights(), flat.get_weights())])
    np.testing.assert_allclose(
        flat(x.reshape(2, 36, 16)), np.reshape(y, (2, 36, 16)), rtol=1e-4, atol=1e-5
    )


@every_block
def test_mixed_precision_reaches_the_layers_inside(make):
    block = make("nmf", dtype="mixed_bfloat16")
    assert block(features()).dtype == tf.bfloat16
    assert block.lower_bread.compute_dtype == "bfloat16"
    assert block.ham.compute_dtype == "bfloat16"
    assert block.lower_bread.kernel.dtype == "float32"


@every_block
def test_layers_given_are_saved(make, tmp_path):
    x, inputs = features(), keras.Input([6, 6, 16])
    block = make(
        CDLayer(3, ridge=0.2, name="ham"),
        ham_channels=8,
        normalization=keras.layers.LayerNormalization(name="normalization"),
        gate=0.3,
    )
    model = keras.Model(inputs, block(inputs))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert np.array_equal(loaded(x), model(x))
    assert loaded.layers[-1].ham.ridge == 0.2


@pytest.mark.parametrize(
    ("make", "arguments", "message"),
    [
        (HamburgerV1, {"ham": "pca"}, "`ham` must be one of 'nmf', .* Received: ham='pca'"),
        (HamburgerV1, {"ham_channels": 0}, "`ham_channels` must be an integer of at least 1"),
        (HamburgerV1, {"rank": 0}, "`rank` must be an integer of at least 1. Received: rank=0"),
        (
            HamburgerV1,
            {"ham": NMFLayer(2), "rank": 2},
            "`rank` is that of a decomposition given by",
        ),
        (HamburgerV1, {"ham": "self_attention", "rank": 2}, "attention has none. .* rank=2"),
        (HamburgerV1, {"ham": NMFLayer}, "`ham` must be a Keras layer. Received: ham=<class"),
        (HamburgerV1, {"normalization": 1}, "`normalization` must be a Keras layer or None"),
        (HamburgerV2Plus, {"channel_ham": NMFLayer}, "`channel_ham` must be a Keras layer"),
        (HamburgerV1, {"normalization": "layer"}, "`normalization` must be one of 'batch', 'gr"),
        (HamburgerV2Plus, {"channel_ham": "self_attention"}, "`channel_ham` must be one of 'nmf'"),
        (HamburgerV2Plus, {"cheese_factor": 0}, "`cheese_factor` must be an integer of at least"),
    ],
)
def test_wrong_arguments(make, arguments, message):
    with pytest.raises(ValueError, match=message):
        make(**arguments)


@pytest.mark.parametrize(
    ("block", "message"),
    [
        (HamburgerV2Plus("nmf", cheese_factor=3), "`cheese_factor` must divide .* for 16 channels"),
    ],
)
def test_what_does_not_fit_the_input(block, message):
    with pytest.raises(ValueError, match=message):
        block(features())


def test_only_the_dual_form_takes_a_second_ham():
    with pytest.raises((TypeError, ValueError), match="channel_ham"):
        HamburgerV1("nmf", channel_ham="cd")


@every_block
def test_inside_a_network_channels_stay_last_whatever_the_global_setting(make):
    x = np.random.RandomState(0).randn(2, 16, 16, 16).astype(np.float32)
    block = make("nmf", gate=1.0)
    y = block(x)
    keras.backend.set_image_data_format("channels_first")
    try:
        other = make("nmf", gate=1.0)
        build_sublayer(other, x.shape)
    finally:
        keras.backend.set_image_data_format("channels_last")
    other.set_weights(block.get_weights())
    np.testing.assert_allclose(other(x), y, rtol=1e-5, atol=1e-6)
