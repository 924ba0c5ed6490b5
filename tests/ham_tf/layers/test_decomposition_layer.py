"""What all decomposition layers share: shapes, seeds, precision, errors."""

import numpy as np
import pytest
import tensorflow as tf
from conftest import StoredBases, relative_error, two_devices
from tensorflow import keras

from ham_tf import NMF, CDLayer, EMLayer, NMFLayer, VQLayer, factorize

LAYERS = {"nmf": NMFLayer, "cd": CDLayer, "vq": VQLayer, "em": EMLayer}
every_layer = pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS)


def features(*shape, seed=0):
    return np.random.RandomState(seed).randn(*shape).astype(np.float32)


@every_layer
@pytest.mark.parametrize("shape", [(3, 4, 5, 8), (3, 20, 8)])
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("groups", [1, 4])
@pytest.mark.parametrize("spatial", [True, False])
def test_shape_and_dtype(make, shape, training, groups, spatial):
    layer = make(rank=2, groups=groups, spatial=spatial)
    y = layer(features(*shape), training=training)
    assert y.shape == shape
    assert y.dtype == tf.float32
    assert np.isfinite(y).all()
    assert tuple(layer.compute_output_shape(shape)) == shape


@every_layer
def test_images_and_positions_agree(make):
    x = features(2, 4, 5, 8)
    layer = make(rank=3)
    assert np.array_equal(np.reshape(layer(x), (2, 20, 8)), layer(x.reshape(2, 20, 8)))


@every_layer
@pytest.mark.parametrize("groups", [1, 2])
def test_spatial_false_is_the_transposed_matrix(make, groups):
    x = features(2, 4, 4, 8)
    bases = np.random.RandomState(0).rand(1, groups, 16, 2).astype(np.float32)
    whole = make(rank=2, groups=groups, spatial=False, bases_initializer=StoredBases(bases))
    y = whole(x).numpy().reshape(2, 16, 8)
    for index, group in enumerate(np.split(np.arange(8), groups)):
        transposed = make(rank=2, bases_initializer=StoredBases(bases[:, index]))
        expected = transposed(np.swapaxes(x.reshape(2, 16, 8)[..., group], 1, 2)).numpy()
        np.testing.assert_allclose(y[..., group], np.swapaxes(expected, 1, 2), rtol=1e-4, atol=1e-5)


def test_groups_are_factorised_separately():
    x = features(1, 4, 4, 8)
    y = NMFLayer(rank=2, groups=2)(x).numpy()
    changed = x.copy()
    changed[..., 4:] += 1.0
    changed_y = NMFLayer(rank=2, groups=2)(changed).numpy()
    assert np.array_equal(y[..., :4], changed_y[..., :4])
    assert not np.allclose(y[..., 4:], changed_y[..., 4:])


@every_layer
def test_inference_is_deterministic_and_independent_of_the_batch(make):
    """Of the batch up to rounding: some CPUs' matrix products depend on how many there are."""
    layer, x = make(rank=3), features(5, 3, 5, 7)  # no multiples of a CPU's vectors
    y = layer(x, training=False).numpy()
    assert all(np.array_equal(y, layer(x)) for _ in range(100))
    alone = np.concatenate([layer(x[i : i + 1], training=False) for i in range(5)])
    # What a temperature of 100 makes of that rounding; other bases would differ by 1.
    np.testing.assert_allclose(alone, y, atol=1e-3)


@every_layer
def test_training_draws_fresh_bases_per_sample_and_call(make):
    # More steps can lead different bases to the same clusters: 8 of 100 draws here.
    layer = make(rank=2, steps=1, bases_policy="fresh_in_training")
    x = np.repeat(features(1, 4, 4, 8), 2, axis=0)
    first, second = layer(x, training=True).numpy(), layer(x, training=True).numpy()
    assert not np.allclose(first[0], first[1])
    assert not np.allclose(first, second)


@pytest.mark.parametrize("mode", ["eager", "graph", "xla"])
def test_training_draws_follow_the_seed_in_every_mode(mode):
    x = features(2, 4, 4, 8)

    def run(seed, global_seed=5, mode=mode):
        keras.utils.set_random_seed(global_seed)
        layer = NMFLayer(rank=2, seed=seed)

        def call(x):
            return layer(x, training=True)

        call(x)  # builds; the first draw
        if mode != "eager":
            call = tf.function(call, jit_compile=mode == "xla")
        return np.stack([call(x) for _ in range(2)])

    for seed in (None, 3):
        np.testing.assert_array_equal(run(seed), run(seed))
        np.testing.assert_allclose(run(seed), run(seed, mode="eager"), rtol=1e-4, atol=1e-6)
    assert not np.allclose(run(None), run(None, global_seed=6))
    assert not np.allclose(run(3), run(4))
    np.testing.assert_array_equal(run(3), run(3, global_seed=6))


def test_training_draws_go_on_after_a_checkpoint(tmp_path):
    x = features(2, 4, 4, 8)
    layer = NMFLayer(rank=2, seed=1)
    layer(x, training=True)
    path = tf.train.Checkpoint(layer=layer).save(str(tmp_path / "checkpoint"))
    expected = layer(x, training=True).numpy()
    restored = NMFLayer(rank=2, seed=1)
    restored(x)
    tf.train.Checkpoint(layer=restored).restore(path).assert_existing_objects_matched()
    assert np.array_equal(restored(x, training=True), expected)


def test_seed_chooses_the_fixed_draw():
    x = features(2, 4, 4, 8)
    assert np.array_equal(NMFLayer(2)(x), NMFLayer(2, seed=0)(x))
    assert not np.allclose(NMFLayer(2, seed=1)(x), NMFLayer(2)(x))


@every_layer
def test_eval_steps(make):
    x = features(1, 6, 6, 8)
    many = make(rank=2, steps=6)(x).numpy()
    assert np.array_equal(make(rank=2, steps=1, eval_steps=6)(x), many)
    assert not np.allclose(make(rank=2, steps=6, eval_steps=1)(x), many)


@every_layer
@pytest.mark.parametrize("spatial", [True, False])
@pytest.mark.parametrize("steps", [0, 2])
def test_return_factors(make, spatial, steps):
    x = features(3, 4, 5, 8)
    layer = make(rank=2, groups=2, spatial=spatial, steps=steps, return_factors=True)
    y, coefficients, bases = layer(x)
    samples, length = (20, 4) if spatial else (4, 20)
    assert coefficients.shape == (3, 2, samples, 2)
    assert bases.shape == (3, 2, length, 2)
    shapes = [tuple(shape) for shape in layer.compute_output_shape((3, 4, 5, 8))]
    assert shapes == [y.shape, coefficients.shape, bases.shape]
    product = np.array(coefficients) @ np.swapaxes(bases, 2, 3)
    product = np.transpose(product, [0, 2, 1, 3] if spatial else [0, 3, 1, 2]).reshape(x.shape)
    np.testing.assert_allclose(product, y, rtol=1e-5, atol=1e-6)
    model_input = keras.Input([4, 5, 8])
    model = keras.Model(model_input, layer(model_input))
    assert [tuple(output.shape)[1:] for output in model.outputs] == [s[1:] for s in shapes]


@pytest.mark.parametrize("gradient", ["one_step", "last_step", "unrolled"])
def test_gradient_is_passed_on(gradient):
    x = tf.constant(features(2, 4, 4, 8))
    bases = np.random.RandomState(0).rand(1, 1, 8, 2).astype(np.float32)
    layer = NMFLayer(2, gradient=gradient, bases_initializer=StoredBases(bases))

    def gradient_of(function):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(function(x) ** 2)
        return tape.gradient(y, x)

    expected = gradient_of(
        lambda x: factorize(NMF(2), tf.reshape(x, [2, 1, 16, 8]), bases, 6, gradient)[0]
    )
    assert relative_error(gradient_of(layer), expected) < 1e-6


class TestPrecision:
    @every_layer
    @pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float16"])
    def test_decomposes_in_float32(self, make, policy):
        x = features(2, 4, 4, 8)
        y = make(rank=2, dtype=policy)(x)
        compute_dtype = policy.split("_")[-1]
        assert y.dtype == compute_dtype
        assert np.array_equal(y, tf.cast(make(rank=2)(x), compute_dtype))

    @every_layer
    @pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
    @pytest.mark.parametrize("kind", ["zero", "constant", "tiny", "huge", "one_hot"])
    def test_finite_for_degenerate_inputs(self, make, dtype, kind):
        x = features(2, 4, 4, 8)
        x = {
            "zero": 0 * x,
            "constant": 0 * x + 1,
            "tiny": x * 1e-15,
            "huge": x * 1e15,
            "one_hot": np.eye(8, dtype=np.float32)[np.zeros([2, 4, 4], int)],
        }[kind]
        for inputs in (tf.constant(x), tf.cast(x, dtype)):  # 1e15 is infinite in float16
            layer = make(rank=2, dtype="float32" if dtype == "float32" else f"mixed_{dtype}")
            with tf.GradientTape() as tape:
                tape.watch(inputs)
                y = layer(inputs, training=True)
                loss = tf.reduce_mean(tf.cast(y, tf.float32))
            assert np.isfinite(tf.cast(y, tf.float32)).all()
            assert np.isfinite(tf.cast(tape.gradient(loss, inputs), tf.float32)).all()

    def test_float64(self):
        x = np.random.RandomState(0).randn(2, 4, 4, 8)
        assert NMFLayer(2, dtype="float64")(x).dtype == tf.float64
        assert NMFLayer(2)(x).dtype == tf.float32


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


def test_training_may_be_a_tensor():
    layer, x = NMFLayer(2, steps=1, eval_steps=6, bases_policy="fixed"), features(2, 4, 4, 8)

    @tf.function
    def call(training):
        return layer(x, training=training)

    for training in (True, False):
        expected = layer(x, training=training)
        np.testing.assert_allclose(call(tf.constant(training)), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("policy", ["fresh", "online"])
def test_a_model_is_put_together_inside_a_strategy(policy):
    strategy = two_devices()
    x = features(4, 4, 4, 8)
    with strategy.scope():
        inputs = keras.Input([4, 4, 8])
        layer = NMFLayer(2, bases_policy=policy)
        model = keras.Model(inputs, layer(inputs))
        assert np.isfinite(layer(x, training=True)).all()
    run = tf.function(lambda x: strategy.run(lambda x: model(x, training=True), (x,)))
    for result in strategy.experimental_local_results(run(tf.constant(x))):
        assert np.isfinite(result).all()


def test_an_empty_batch_stays_empty():
    assert NMFLayer(2)(features(0, 4, 4, 8)).shape == (0, 4, 4, 8)


@pytest.mark.parametrize(
    ("make", "arguments", "message"),
    [
        (NMFLayer, {"rank": 0}, "`rank` must be an integer of at least 1. Received: rank=0"),
        (NMFLayer, {"rank": 1.5}, "`rank` must be an integer of at least 1. Received: rank=1.5"),
        (NMFLayer, {"steps": -1}, "`steps` must be an integer of at least 0. Received: steps=-1"),
        (NMFLayer, {"eval_steps": -1}, "`eval_steps` must be an integer of at least 0"),
        (NMFLayer, {"groups": 0}, "`groups` must be an integer of at least 1"),
        (NMFLayer, {"seed": "a"}, "`seed` must be an integer of at least 0. Received: seed='a'"),
        (NMFLayer, {"seed": 2**31}, "`seed` must be at most 2147483647. Received: seed=214748"),
        (NMFLayer, {"epsilon": 0.0}, "`epsilon` must be a positive number. .* epsilon=0.0"),
        (NMFLayer, {"normalize_bases": 1}, "`normalize_bases` must be True or False"),
        (NMFLayer, {"relu": None}, "`relu` must be True or False. Received: relu=None"),
        (NMFLayer, {"spatial": "no"}, "`spatial` must be True or False. Received: spatial='no'"),
        (NMFLayer, {"gradient": "bptt"}, "`gradient` must be one of 'one_step', .*='bptt'"),
        (NMFLayer, {"bases_policy": "random"}, "`bases_policy` must be one of .*='random'"),
        (NMFLayer, {"momentum": 0}, "`momentum` must be a positive number. .* momentum=0"),
        (NMFLayer, {"momentum": 1.1}, "`momentum` must be at most 1. Received: momentum=1.1"),
        (NMFLayer, {"return_factors": 1}, "`return_factors` must be True or False"),
        (CDLayer, {"ridge": -1}, "`ridge` must be a positive number. Received: ridge=-1"),
        (CDLayer, {"inverse_temperature": 0}, "`inverse_temperature` must be a positive"),
        (VQLayer, {"inverse_temperature": "x"}, "`inverse_temperature` must be a positive"),
    ],
)
def test_wrong_arguments(make, arguments, message):
    with pytest.raises(ValueError, match=message):
        make(**{"rank": 2, **arguments})


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (NMFLayer(2, groups=3), [4, 4, 8], "`groups` must divide the channels. .* groups=3"),
        (NMFLayer(9), [4, 4, 8], "`rank` must not exceed the channels of a group.* rank=9"),
        (NMFLayer(3, groups=4), [4, 4, 8], "`rank` must not exceed .* 8 channels in 4 groups"),
        (NMFLayer(2), [8], "`inputs` must have shape"),
        (NMFLayer(2), [2, 4, 4, 8], "`inputs` must have shape"),
        (NMFLayer(2), [4, 4, None], "must be known when the layer is built"),
    ],
)
def test_wrong_inputs(layer, shape, message):
    with pytest.raises(ValueError, match=message):
        layer(keras.Input(shape))


def test_rank_of_inputs_is_checked_after_building_too():
    layer = NMFLayer(2)
    layer(features(1, 4, 4, 8))
    with pytest.raises(ValueError, match=r"`inputs` must have shape .* shape=\(4, 8\)"):
        layer(features(4, 8))


@every_layer
@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("jit_compile", [False, True])
def test_nan_stays_in_its_sample(make, dtype, jit_compile):
    x = features(3, 4, 4, 8)
    broken = x.copy()
    broken[1, 2, 2, 3] = np.nan
    layer = make(rank=2, dtype="float32" if dtype == "float32" else f"mixed_{dtype}")
    layer.build(x.shape)
    call = tf.function(lambda x: tf.cast(layer(x), tf.float32), jit_compile=jit_compile)
    healthy, y = call(tf.cast(x, dtype)), call(tf.cast(broken, dtype))
    assert np.isnan(y[1]).all()
    assert np.array_equal(y[0], healthy[0])
    assert np.array_equal(y[2], healthy[2])


def test_integer_inputs():
    with pytest.raises(ValueError, match="`inputs` must be floating point.*dtype=int32"):
        NMFLayer(2)(np.ones([1, 4, 4, 8], np.int32))
    with pytest.raises(ValueError, match="`inputs` must be floating point.*dtype=uint8"):
        NMFLayer(2)(tf.ones([1, 4, 4, 8], tf.uint8))
    with pytest.raises(ValueError, match="`inputs` must be floating point.*dtype=uint8"):
        NMFLayer(2)(keras.Input([4, 4, 8], dtype="uint8"))


@pytest.mark.parametrize("policy", ["fresh_in_training", "online"])
@pytest.mark.parametrize("training", [True, False])
def test_other_channels_than_built_for(policy, training):
    layer = NMFLayer(2, bases_policy=policy)
    layer(features(1, 4, 4, 8))
    with pytest.raises(ValueError, match=r"the 8 channels the layer was built for.*4, 4, 6"):
        layer(features(1, 4, 4, 6), training=training)
