"""Where the initial bases of a layer come from: policies and initializers."""

import random

import numpy as np
import pytest
import tensorflow as tf
from conftest import relative_error
from tensorflow import keras

from ham_tf import NMF, CDLayer, EMLayer, NMFLayer, VQLayer, factorize
from ham_tf.decompositions import unit_bases


def features(*shape):
    return np.random.RandomState(0).randn(*shape).astype(np.float32)


class TestBasesPolicies:
    def test_fresh_draws_at_inference_too(self):
        layer, x = NMFLayer(2, bases_policy="fresh"), features(1, 4, 4, 8)
        assert not np.allclose(layer(x), layer(x))
        assert layer.weights == []

    def test_fixed_is_one_weight_for_training_and_inference(self):
        layer, x = NMFLayer(2, groups=2, bases_policy="fixed"), features(1, 4, 4, 8)
        assert np.array_equal(layer(x, training=True), layer(x, training=False))
        assert [tuple(weight.shape) for weight in layer.weights] == [(1, 2, 4, 2)]
        assert layer.trainable_weights == []
        before = np.array(layer.bases)
        layer(x, training=True)
        assert np.array_equal(layer.bases, before)
        np.testing.assert_allclose(np.linalg.norm(before, axis=2), 1, rtol=1e-6)

    @pytest.mark.parametrize(
        ("policy", "moves"), [("online", True), ("online_at_inference", False)]
    )
    def test_online_bases_move_in_one_mode_only(self, policy, moves):
        layer, x = NMFLayer(2, bases_policy=policy, momentum=0.3), features(3, 4, 4, 8)
        layer.build(x.shape)
        before = np.array(layer.bases)
        layer(x, training=not moves)
        assert np.array_equal(layer.bases, before)
        _, factors = factorize(NMF(2), x.reshape(3, 1, 16, 8), before, 6)
        mean = np.swapaxes(factors.bases, 2, 3).mean(axis=0, keepdims=True)
        layer(x, training=moves)
        expected = unit_bases(before + 0.3 * (mean - before))
        assert relative_error(layer.bases, expected) < 1e-5
        assert relative_error(layer.bases, before) > 1e-3

    def test_a_sample_with_nan_does_not_reach_the_stored_bases(self):
        x = features(3, 4, 4, 8)
        broken = np.concatenate([x, np.full([1, 4, 4, 8], np.nan, np.float32)])
        layers = [NMFLayer(2, bases_policy="online") for _ in range(3)]
        layers[0](x, training=True)
        layers[1](broken, training=True)
        np.testing.assert_allclose(layers[0].bases, layers[1].bases, rtol=1e-5)
        layers[2].build(x.shape)
        before = np.array(layers[2].bases)
        layers[2](broken[3:], training=True)
        np.testing.assert_allclose(layers[2].bases, before, rtol=1e-6)

    def test_a_channel_that_was_silent_comes_back(self):
        layer, x = NMFLayer(2, bases_policy="online"), np.abs(features(3, 4, 4, 8))
        silent = x.copy()
        silent[..., 3] = 0
        for _ in range(60):
            layer(silent, training=True)
        silenced = layer(x).numpy()
        assert silenced[..., 3].mean() > 0.1
        assert relative_error(layer.bases, unit_bases(layer.bases)) < 1e-5

    @pytest.mark.parametrize("make", [NMFLayer, CDLayer, VQLayer, EMLayer])
    def test_blank_images_leave_bases_to_go_on_from(self, make):
        layer, x = make(2, bases_policy="online", momentum=1.0), features(3, 4, 4, 8)
        layer(x, training=True)
        layer(np.zeros_like(x), training=True)
        np.testing.assert_allclose(np.linalg.norm(layer.bases, axis=2), 1, rtol=1e-5)
        layer(x, training=True)
        assert np.linalg.matrix_rank(np.array(layer.bases)[0, 0], tol=1e-3) == 2

    def test_a_fixed_draw_leaves_the_users_random_numbers_alone(self):
        keras.utils.set_random_seed(1)
        expected = random.random()
        keras.utils.set_random_seed(1)
        NMFLayer(2, bases_policy="fixed")(features(1, 4, 4, 8))
        assert random.random() == expected

    def test_stored_bases_stay_float32_in_mixed_precision(self):
        layer = NMFLayer(2, bases_policy="online", dtype="mixed_float16")
        x = features(2, 4, 4, 8)
        layer(x, training=True)
        wide = NMFLayer(2, bases_policy="online")
        wide(x, training=True)
        assert np.array_equal(layer.bases, wide.bases)

    def test_stored_bases_over_pixels_need_their_number(self):
        layer = NMFLayer(2, spatial=False, bases_policy="fixed")
        with pytest.raises(ValueError, match="whose number must be known"):
            layer(keras.Input([None, 4, 8]))
        layer = NMFLayer(2, spatial=False, bases_policy="fixed")
        layer(features(1, 4, 4, 8))
        with pytest.raises(ValueError, match="must have the 16 pixels of the stored bases"):
            layer(features(1, 4, 5, 8), training=True)


class TestBasesInitializer:
    def test_is_called_with_the_documented_shape(self):
        shapes = []

        class Recording(keras.initializers.Initializer):
            def __call__(self, shape, dtype=None, **kwargs):
                shapes.append(list(shape))
                return tf.ones(shape, dtype)

        x = features(3, 4, 5, 8)
        NMFLayer(2, groups=4, bases_initializer=Recording())(x)
        NMFLayer(2, groups=4, bases_initializer=Recording())(x, training=True)
        NMFLayer(2, bases_initializer=Recording(), spatial=False)(x)
        assert shapes == [[1, 4, 2, 2], [3, 4, 2, 2], [1, 1, 20, 2]]

    @pytest.mark.parametrize(
        "initializer",
        [
            keras.initializers.RandomUniform(0.0, 1.0),
            keras.initializers.RandomNormal(0.0, 2.0),
            keras.initializers.TruncatedNormal(0.0, 1.0),
        ],
        ids=lambda initializer: type(initializer).__name__,
    )
    def test_random_ones_without_a_seed_draw_as_the_policy_says(self, initializer):
        layer, x = CDLayer(2, bases_initializer=initializer), features(2, 4, 4, 8)
        assert np.array_equal(layer(x), layer(x))
        first, second = (layer(x, training=True).numpy() for _ in range(2))
        assert not np.allclose(first, second)

    def test_uniform_draws_equal_the_default_of_nmf(self):
        x = features(2, 4, 4, 8)
        uniform = keras.initializers.RandomUniform(0.0, 1.0)
        assert np.array_equal(NMFLayer(2, bases_initializer=uniform)(x), NMFLayer(2)(x))

    def test_any_other_is_taken_as_it_is(self):
        x = features(2, 4, 4, 8)
        layer = NMFLayer(2, bases_initializer="ones")
        assert np.array_equal(layer(x, training=True), layer(x))
        seeded = CDLayer(2, bases_initializer=keras.initializers.RandomNormal(seed=3))
        assert np.array_equal(seeded(x, training=True), seeded(x, training=True))

    @pytest.mark.parametrize("name", ["glorot_uniform", "he_normal", "orthogonal"])
    def test_other_random_ones_need_a_seed(self, name):
        with pytest.raises(ValueError, match="drawn from the layer's seed, or have a seed"):
            CDLayer(2, bases_initializer=name)

    @pytest.mark.parametrize("stddev", [None, 3.0], ids=["scaling", "normal"])
    def test_nmf_takes_absolute_values(self, stddev):
        if stddev is None:
            initializer = keras.initializers.VarianceScaling(seed=1)
        else:
            initializer = keras.initializers.RandomNormal(0.0, stddev)
        layer = NMFLayer(2, bases_initializer=initializer)
        assert np.min(layer(features(2, 4, 4, 8), training=True)) >= 0

    def test_one_that_cannot_draw_unknown_samples(self):
        initializer = keras.initializers.Orthogonal(seed=1)
        layer, x = CDLayer(2, bases_initializer=initializer), features(2, 4, 4, 8)
        assert layer(x, training=True).shape == x.shape
        call = tf.function(
            lambda x: layer(x, training=True),
            input_signature=[tf.TensorSpec([None, 4, 4, 8])],
            autograph=False,
        )
        with pytest.raises(ValueError, match="Give the inputs a fixed batch size"):
            call(x)

    def test_wrong_shape(self):
        def wrong(shape, dtype=None):
            return tf.ones([2, 3], dtype)

        with pytest.raises(ValueError, match=r"= \[1, 1, 8, 2\]. Received: \[2, 3\]"):
            NMFLayer(2, bases_initializer=wrong)(features(2, 4, 4, 8))
