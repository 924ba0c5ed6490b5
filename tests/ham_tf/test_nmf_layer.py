"""NMFLayer as a Keras layer: shapes, determinism, seeds, saving, errors."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from ham_tf import NMFLayer


def features(*shape, seed=0):
    return np.random.RandomState(seed).randn(*shape).astype(np.float32)


def functional_model(**arguments):
    inputs = keras.Input([None, None, 8])
    return keras.Model(inputs, NMFLayer(rank=2, **arguments)(inputs))


@pytest.mark.parametrize("shape", [(3, 4, 5, 8), (3, 20, 8)])
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("groups", [1, 4])
def test_shape_and_dtype(shape, training, groups):
    layer = NMFLayer(rank=2, groups=groups)
    y = layer(features(*shape), training=training)
    assert y.shape == shape
    assert y.dtype == tf.float32
    assert np.min(y) >= 0
    assert tuple(layer.compute_output_shape(shape)) == shape
    assert layer.weights == []


def test_images_and_positions_agree():
    x = features(2, 4, 5, 8)
    layer = NMFLayer(rank=3)
    assert np.array_equal(np.reshape(layer(x), (2, 20, 8)), layer(x.reshape(2, 20, 8)))


def test_trains_in_a_functional_model():
    inputs = keras.Input([4, 4, 8])
    outputs = NMFLayer(rank=2, seed=0)(keras.layers.Dense(8, name="before")(inputs))
    model = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(outputs))
    model.compile("sgd", "mse")
    before = [np.array(weight) for weight in model.get_weights()]
    model.fit(features(16, 4, 4, 8), features(16, 8), batch_size=8, verbose=0)
    after = model.get_weights()
    assert all(np.isfinite(weight).all() for weight in after)
    assert not np.allclose(before[0], after[0])


def test_inference_is_deterministic_and_independent_of_the_batch():
    layer, x = NMFLayer(rank=2), features(5, 4, 4, 8)
    y = layer(x, training=False).numpy()
    assert np.array_equal(y, layer(x))
    # One product for the batch or one per sample may sum in another order.
    alone = np.concatenate([layer(x[i : i + 1], training=False) for i in range(5)])
    np.testing.assert_allclose(alone, y, rtol=1e-5, atol=1e-6)


def test_training_draws_fresh_bases_per_sample_and_call():
    layer = NMFLayer(rank=2)
    x = np.repeat(features(1, 4, 4, 8), 2, axis=0)
    first, second = layer(x, training=True).numpy(), layer(x, training=True).numpy()
    assert not np.allclose(first[0], first[1])
    assert not np.allclose(first, second)


def test_training_is_reproducible_by_seed():
    x = features(2, 4, 4, 8)

    def run():
        keras.utils.set_random_seed(5)
        layer = NMFLayer(rank=2)
        return np.stack([layer(x, training=True) for _ in range(2)])

    assert np.array_equal(run(), run())


def test_seed_chooses_the_fixed_draw():
    x = features(2, 4, 4, 8)
    assert np.array_equal(NMFLayer(2)(x), NMFLayer(2, seed=0)(x))
    assert not np.allclose(NMFLayer(2, seed=1)(x), NMFLayer(2)(x))


def test_eager_graph_and_xla_agree():
    layer, x = NMFLayer(rank=2, groups=2), features(2, 4, 4, 8)
    eager = layer(x).numpy()
    graph = tf.function(layer)(x)
    xla = tf.function(layer, jit_compile=True)(x)
    np.testing.assert_allclose(graph, eager, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(xla, eager, rtol=1e-4, atol=1e-6)


def test_unknown_batch_and_size():
    model = functional_model()
    for height in (3, 6):
        assert model(features(2, height, 4, 8)).shape == (2, height, 4, 8)


def test_eval_steps():
    x = features(1, 6, 6, 8)
    many = NMFLayer(rank=2, steps=6)(x).numpy()
    assert np.array_equal(NMFLayer(rank=2, steps=1, eval_steps=6)(x), many)
    assert not np.allclose(NMFLayer(rank=2, steps=6, eval_steps=1)(x), many)


def test_groups_are_factorised_separately():
    x = features(1, 4, 4, 8)
    y = NMFLayer(rank=2, groups=2)(x).numpy()
    changed = x.copy()
    changed[..., 4:] += 1.0
    changed_y = NMFLayer(rank=2, groups=2)(changed).numpy()
    assert np.array_equal(y[..., :4], changed_y[..., :4])
    assert not np.allclose(y[..., 4:], changed_y[..., 4:])


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_decomposes_in_float32(policy):
    x = features(2, 4, 4, 8)
    y = NMFLayer(rank=2, dtype=policy)(x)
    compute_dtype = policy.split("_")[1]
    assert y.dtype == compute_dtype
    expected = NMFLayer(rank=2)(tf.cast(tf.cast(x, compute_dtype), tf.float32))
    assert np.array_equal(y, tf.cast(expected, compute_dtype))


def test_saves_and_loads(tmp_path):
    model = functional_model(steps=3, eval_steps=2, groups=2, epsilon=1e-5, seed=4)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    x = features(2, 4, 4, 8)
    assert np.array_equal(loaded(x), model(x))
    assert loaded.layers[-1].get_config() == model.layers[-1].get_config()


def test_runs_in_a_tf1_graph():
    x = features(2, 4, 4, 8)
    eager = NMFLayer(rank=2)(x).numpy()
    if keras.Model.__module__.startswith("keras.src.models"):
        pytest.skip("Keras 3 has no TF1 graphs")
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        layer = NMFLayer(rank=2)
        y = session.run(layer(tf.constant(x), training=False))
        drawn = layer(tf.constant(x), training=True)
        assert not np.array_equal(session.run(drawn), session.run(drawn))
    np.testing.assert_allclose(y, eager, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rank": 0}, "`rank` must be an integer of at least 1. Received: rank=0"),
        ({"rank": 1.5}, "`rank` must be an integer of at least 1. Received: rank=1.5"),
        ({"rank": 2, "steps": -1}, "`steps` must be an integer of at least 0. Received: steps=-1"),
        ({"rank": 2, "eval_steps": -1}, "`eval_steps` must be an integer of at least 0"),
        ({"rank": 2, "groups": 0}, "`groups` must be an integer of at least 1"),
        ({"rank": 2, "seed": "a"}, "`seed` must be an integer of at least 0. Received: seed='a'"),
        ({"rank": 2, "epsilon": 0.0}, "`epsilon` must be positive. Received: epsilon=0.0"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        NMFLayer(**arguments)


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (NMFLayer(2, groups=3), [4, 4, 8], "`groups` must divide the channels. .* groups=3"),
        (NMFLayer(2), [8], "`inputs` must have shape"),
        (NMFLayer(2), [4, 4, None], "must be known when the layer is built"),
    ],
)
def test_wrong_inputs(layer, shape, message):
    with pytest.raises(ValueError, match=message):
        layer(keras.Input(shape))
