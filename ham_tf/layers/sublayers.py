"""Building sublayers and weights alike in Keras 2 and Keras 3."""

import tensorflow as tf
from tensorflow import keras

KERAS_3 = int(getattr(keras, "__version__", "2").split(".")[0]) >= 3


def build_sublayer(layer, input_shape):
    """Builds `layer` inside its parent's `build`, so that its weights carry its name.

    Keras 2 opens a name scope when it calls a layer but not when `build` is
    called, and Keras 3 wants sublayers built in the parent's `build` to reload
    a saved model.

    Args:
        layer: a Keras layer, built or not.
        input_shape: shape of its (first) input, batch axis included.
    """
    if not layer.built:
        layer._is_sublayer = True  # What it gets is its parent's affair.
        with tf.name_scope(layer.name):
            layer.build(input_shape)
            layer.built = True


def freeze_if_asked(layer):
    """Freezes what a layer's `build` made if the layer was frozen before, as by its configuration.

    Keras hands `trainable` down when it is set, to the weights and sublayers of that moment.
    """
    if not layer.trainable:
        layer.trainable = True  # Keras 3 does nothing where the value stays the same.
        layer.trainable = False


def add_float_weight(layer, name, shape, initializer):
    """Adds a non-trainable weight to `layer` that mixed precision does not narrow.

    Returns:
        The weight: float64 if that is the layer's dtype, else float32.
    """
    dtype = "float64" if layer.compute_dtype == "float64" else "float32"
    autocast = {"autocast": False} if KERAS_3 else {"experimental_autocast": False}
    return layer.add_weight(
        name=name, shape=shape, dtype=dtype, initializer=initializer, trainable=False, **autocast
    )


def serialize_layer(layer):
    """A layer's part of a configuration; names and None stay what they are."""
    if layer is None or isinstance(layer, str):
        return layer
    return keras.utils.serialize_keras_object(layer)


def deserialize_layers(config, names):
    """Turns the layers of a configuration that `serialize_layer` made back into layers."""
    config = dict(config)
    for name in names:
        if isinstance(config.get(name), dict):
            config[name] = _deserialize_layer(config[name])
    return config


def _deserialize_layer(config):
    try:
        return keras.utils.deserialize_keras_object(config)
    except ValueError:
        if KERAS_3:
            raise
        # Keras 2 writes the same into .h5 files as into others, but reads those by class name.
        name = config.get("registered_name") or config["class_name"]
        return keras.layers.deserialize({"class_name": name, "config": config["config"]})
