"""All layers and all environments: the rows and columns of the conformance table."""

import json
import pathlib
import re
import warnings

import numpy as np
import pytest
import tensorflow as tf
from conftest import two_devices
from tensorflow import keras

import ham_tf

KERAS_2 = not keras.Model.__module__.startswith("keras.src.models")
CHANNELS = 16


def _hamburger(**arguments):
    return ham_tf.Hamburger(
        keras.layers.Conv2D(8, 1, name="lower_bread"),
        ham_tf.NMFLayer(2, name="ham"),
        keras.layers.Conv2D(CHANNELS, 1, name="upper_bread"),
        normalization=keras.layers.BatchNormalization(name="normalization"),
        gate=0.5,
        **arguments,
    )


LAYERS = {
    "NMFLayer": lambda **arguments: ham_tf.NMFLayer(4, **arguments),
    "CDLayer": lambda **arguments: ham_tf.CDLayer(4, **arguments),
    "VQLayer": lambda **arguments: ham_tf.VQLayer(4, **arguments),
    "EMLayer": lambda **arguments: ham_tf.EMLayer(4, **arguments),
    "NMFLayer, grouped": lambda **arguments: ham_tf.NMFLayer(2, groups=4, **arguments),
    "CDLayer over channels": lambda **arguments: ham_tf.CDLayer(2, spatial=False, **arguments),
    "VQLayer over channels": lambda **arguments: ham_tf.VQLayer(2, spatial=False, **arguments),
    "VQLayer, online bases": lambda **arguments: ham_tf.VQLayer(
        4, bases_policy="online", **arguments
    ),
    "SelfAttention": lambda **arguments: ham_tf.SelfAttention(**arguments),
    "SelfAttention, pooled": lambda **arguments: ham_tf.SelfAttention(8, 2, 2, **arguments),
    "Hamburger": _hamburger,
    "HamburgerV1": lambda **arguments: ham_tf.HamburgerV1("nmf", **arguments),
    "HamburgerV2": lambda **arguments: ham_tf.HamburgerV2("vq", **arguments),
    "HamburgerV2Plus": lambda **arguments: ham_tf.HamburgerV2Plus(
        "nmf", channel_ham="nmf", cheese_factor=2, gate=0.5, **arguments
    ),
}

# Cholesky's decomposition is no operation of TensorFlow Lite or ONNX.
NEEDS_CHOLESKY = ("CDLayer", "CDLayer over channels")
ENVIRONMENTS = {}


def environment(title, without=(), reason=None):
    """Registers a check `check(make, tmp_path)` under its column's title."""

    def register(check):
        ENVIRONMENTS[title] = (check, without, reason)
        return check

    return register


def features(batch=2, height=6, width=6):
    return np.random.RandomState(0).randn(batch, height, width, CHANNELS).astype(np.float32)


def functional_model(make, shape=(6, 6, CHANNELS)):
    inputs = keras.Input(list(shape))
    return keras.Model(inputs, make()(inputs))


# Other kernels round otherwise, and hams that multiply cosines by 100 before a softmax,
# step after step, make more of it: 1.2e-4 was seen on one processor, 1e-5 on another.
OTHER_KERNELS = 1e-3


def assert_close(actual, expected):
    np.testing.assert_allclose(actual, expected, rtol=OTHER_KERNELS, atol=OTHER_KERNELS)


@environment("eager")
def runs_eagerly(make, tmp_path):
    layer, x = make(), features()
    y = layer(x)
    assert np.isfinite(y).all()
    assert y.dtype == tf.float32
    assert tuple(layer.compute_output_shape(x.shape)) == y.shape
    assert np.array_equal(layer(x, training=False), y)


@environment("tf.function")
def runs_in_a_function(make, tmp_path):
    layer, x = make(), features()
    expected = layer(x)
    assert_close(tf.function(lambda x: layer(x))(x), expected)


@environment("XLA")
def runs_under_xla(make, tmp_path):
    layer, x = make(), tf.constant(features())
    expected = layer(x)

    @tf.function(jit_compile=True)
    def value_and_gradient(x, training):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=training)
        return y, tape.gradient(y, x)

    y, gradient = value_and_gradient(x, False)
    assert_close(y, expected)
    assert np.isfinite(gradient).all()
    assert np.isfinite(value_and_gradient(x, True)[1]).all()


@environment("mixed float16")
def runs_in_float16(make, tmp_path):
    check_mixed_precision(make, "mixed_float16", 1e-2)


@environment("mixed bfloat16")
def runs_in_bfloat16(make, tmp_path):
    check_mixed_precision(make, "mixed_bfloat16", 1e-1)


def check_mixed_precision(make, policy, tolerance):
    x = features()
    wide, narrow = make(name="block"), make(name="block", dtype=policy)
    wide(x), narrow(x)
    narrow.set_weights(wide.get_weights())
    y = narrow(x)
    assert y.dtype == policy.split("_")[1]
    assert all(weight.dtype in ("float32", tf.float32) for weight in narrow.weights)
    # Hams decompose in float32, but what stands around them rounds.
    expected = wide(x).numpy()
    difference = np.abs(np.array(tf.cast(y, tf.float32)) - expected)
    assert np.mean(difference) < tolerance * np.mean(np.abs(expected))


@environment("unknown sizes")
def takes_unknown_sizes(make, tmp_path):
    model = functional_model(make, (None, None, CHANNELS))
    for batch, height, width in ((1, 6, 6), (3, 8, 4)):
        x = features(batch, height, width)
        y = model(x)
        assert y.shape[:3] == x.shape[:3]
        assert_close(tf.function(model)(x), y)
    # As a generator's tensors arrive at a layer that is built.
    layer = model.layers[-1]
    for shape in (tf.TensorShape(None), [None] * 4):
        call = tf.function(lambda x: layer(x), input_signature=[tf.TensorSpec(shape)])
        assert_close(call(x), y)


@environment("config")
def round_trips_its_config(make, tmp_path):
    layer, x = make(), features()
    y = layer(x)
    config = json.loads(json.dumps(layer.get_config()))
    copy = type(layer).from_config(config)
    copy(x)
    copy.set_weights(layer.get_weights())
    assert np.array_equal(copy(x), y)


@environment(".keras, .h5")
def saves_and_loads(make, tmp_path):
    model, x = functional_model(make), features()
    for weight in model.trainable_weights:  # not only what initializers would make again
        weight.assign(weight + 0.1)
    y = model(x, training=False)
    for file in ("model.keras", "model.h5"):
        with warnings.catch_warnings():  # .h5 is called legacy
            warnings.simplefilter("ignore", UserWarning)
            model.save(tmp_path / file)
        loaded = keras.models.load_model(tmp_path / file, compile=False)
        assert np.array_equal(loaded(x, training=False), y)


@environment("SavedModel")
def exports_a_saved_model(make, tmp_path):
    model, x = functional_model(make), features()
    y = model(x, training=False)
    model.export(str(tmp_path / "model"))
    loaded = tf.saved_model.load(str(tmp_path / "model"))
    assert_close(loaded.serve(x), y)
    if KERAS_2:  # what its callback ModelCheckpoint writes, too
        model.save(tmp_path / "to_train", save_format="tf")
        loaded = keras.models.load_model(tmp_path / "to_train")
        assert_close(loaded(x, training=False), y)
        assert len(loaded.weights) == len(model.weights)
        loaded.compile(keras.optimizers.SGD(0.01), "mse")
        loaded.fit(x, np.zeros(y.shape), verbose=0)
        assert all(np.isfinite(weight).all() for weight in loaded.get_weights())


@environment("training")
def trains(make, tmp_path):
    # VQ's assignments may be so hard that nothing is learnt: with one kernel in 25, say.
    keras.utils.set_random_seed(0)
    inputs = keras.Input([6, 6, CHANNELS])
    x = keras.layers.Conv2D(CHANNELS, 1, name="before")(inputs)
    outputs = keras.layers.GlobalAveragePooling2D()(make()(x))
    model = keras.Model(inputs, outputs)
    model.compile(keras.optimizers.SGD(0.01), "mse")
    before = model.layers[1].get_weights()[0]
    x = features(5)  # the last batch is smaller
    model.fit(x, np.zeros([5, outputs.shape[-1]], np.float32), batch_size=2, verbose=0)
    assert all(np.isfinite(weight).all() for weight in model.get_weights())
    assert not np.array_equal(model.layers[1].get_weights()[0], before)


@environment("frozen")
def stays_frozen(make, tmp_path):
    """A backbone stays what it is while a new head learns, after a reload as well."""
    inputs = keras.Input([6, 6, CHANNELS])
    block = make(name="block", trainable=False)
    outputs = keras.layers.Conv2D(CHANNELS, 1, name="head")(block(inputs))
    model = keras.Model(inputs, outputs)
    assert block.trainable_weights == []
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    loaded.compile(keras.optimizers.SGD(0.01), "mse")
    before = loaded.get_layer("block").get_weights()
    loaded.fit(features(), features(), verbose=0)
    for old, new in zip(before, loaded.get_layer("block").get_weights()):
        assert np.array_equal(old, new)
    block.trainable = True
    never_frozen = make()
    never_frozen.build([None, 6, 6, CHANNELS])
    assert len(block.trainable_weights) == len(never_frozen.trainable_weights)


@environment("two devices")
def runs_on_two_devices(make, tmp_path):
    strategy = two_devices()
    x = features(4)
    with strategy.scope():
        layer = make()
        layer.build(x.shape)

    def run(training):
        # Both replicas get the same, so that only their draws can differ.
        replicated = strategy.experimental_distribute_values_from_function(lambda _: tf.constant(x))
        call = tf.function(lambda x: strategy.run(lambda x: layer(x, training=training), (x,)))
        return [value.numpy() for value in strategy.experimental_local_results(call(replicated))]

    first, second = run(training=False)
    assert np.array_equal(first, second)
    assert_close(first, layer(x, training=False))
    trained = run(training=True)
    assert np.isfinite(trained).all()
    if getattr(layer, "bases_policy", None) == "fresh_in_training":
        assert not np.allclose(trained[0], trained[1])
    for weight in layer.weights:
        variable = weight if KERAS_2 else weight.value
        copies = [copy.numpy() for copy in strategy.experimental_local_results(variable)]
        # Keras 3 synchronises moments only if asked to; the bases always are.
        if "moving" not in weight.name:
            assert np.array_equal(copies[0], copies[-1]), weight.name


@environment("TF1 graph", without=() if KERAS_2 else LAYERS, reason="Keras 3 has no TF1 graphs")
def runs_in_a_tf1_graph(make, tmp_path):
    layer, x = make(name="block"), features()
    expected = layer(x).numpy()
    weights = layer.get_weights()
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        layer = make(name="block")
        y, trained = layer(tf.constant(x), training=False), layer(tf.constant(x), training=True)
        session.run(tf.compat.v1.global_variables_initializer())
        for variable, value in zip(layer.weights, weights):
            variable.load(value, session)
        assert_close(session.run(y), expected)
        assert np.isfinite(session.run(trained)).all()


@environment("TFLite", without=NEEDS_CHOLESKY, reason="TensorFlow Lite has no Cholesky")
def converts_to_tflite(make, tmp_path):
    model, x = functional_model(make), features(1)
    y = model(x, training=False)
    model.export(str(tmp_path / "model"))
    converter = tf.lite.TFLiteConverter.from_saved_model(str(tmp_path / "model"))
    content = converter.convert()
    with warnings.catch_warnings():  # TensorFlow means to move it to a package of its own
        warnings.simplefilter("ignore", UserWarning)
        interpreter = tf.lite.Interpreter(model_content=content)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
    interpreter.invoke()
    converted = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    assert_close(converted, y)


@environment("ONNX", without=NEEDS_CHOLESKY, reason="ONNX has no Cholesky")
def converts_to_onnx(make, tmp_path):
    tf2onnx = pytest.importorskip("tf2onnx", reason="needs tf2onnx and onnxruntime: `.[onnx]`")
    onnx, onnxruntime = pytest.importorskip("onnx"), pytest.importorskip("onnxruntime")
    model, x = functional_model(make), features(3)
    y = model(x, training=False)
    signature = [tf.TensorSpec([None, 6, 6, CHANNELS], tf.float32, name="x")]
    function = tf.function(lambda x: model(x, training=False), input_signature=signature)
    path = str(pathlib.Path(tmp_path, "model.onnx"))
    tf2onnx.convert.from_function(function, signature, opset=17, output_path=path)
    onnx.checker.check_model(path)  # the converter writes operators that ONNX has not
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    assert_close(session.run(None, {session.get_inputs()[0].name: x})[0], y)


def conformance_table():
    """The table of the README: what is checked on both stacks, in Markdown."""
    rows = ["| | " + " | ".join(ENVIRONMENTS) + " |", "|---" * (len(ENVIRONMENTS) + 1) + "|"]
    for name in LAYERS:
        cells = [
            "Keras 2" if title == "TF1 graph" else "–" if name in without else "✓"
            for title, (_, without, _) in ENVIRONMENTS.items()
        ]
        word, *rest = re.split("(?=,| )", name, maxsplit=1)
        rows.append("| " + " | ".join([f"`{word}`" + "".join(rest), *cells]) + " |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(conformance_table())
