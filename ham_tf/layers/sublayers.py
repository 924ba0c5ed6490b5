"""Building the layers inside a layer."""

import tensorflow as tf


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
        with tf.name_scope(layer.name):
            layer.build(input_shape)
            layer.built = True
