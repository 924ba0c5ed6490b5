"""The Hamburger block: a ham between two linear layers, with a gated skip."""

import tensorflow as tf
from tensorflow import keras

from ham_tf.layers.sublayers import build_sublayer


@keras.utils.register_keras_serializable(package="ham_tf")
class Hamburger(keras.layers.Layer):
    """Adds global context to a feature map.

    Version 1, without cheese:
    `x + gate · normalization(upper_bread(ham(lower_bread(x))))`.
    Version 2, with cheese:
    `x + gate · upper_bread(relu(normalization(cheese(ham(lower_bread(x))))))`.

    `gate` is a learned scalar that starts at 0, so a new block is the identity.
    Which convolution, which decomposition and which normalisation are layers
    passed in; give each an explicit name, which its weights carry.

    Args:
        lower_bread: layer from `channels` to the ham's channels.
        ham: layer that keeps the shape, as `NMFLayer`.
        upper_bread: layer back to `channels`.
        cheese: layer after the ham, or None for version 1.
        normalization: layer that keeps the shape, or None. Called with the
            condition as its second argument if the block gets one.
        **kwargs: `name`, `dtype` and the other arguments of a Keras layer.

    Call arguments:
        inputs: `[batch, height, width, channels]`.
        condition: second argument of the normalisation, as class labels
            `[batch]` for a conditional batch norm; None if it takes none.
        training: passed to the ham and the normalisation.

    Returns:
        A tensor with the shape of `inputs`.

    Reference:
        Geng et al., "Is Attention Better Than Matrix Decomposition?", ICLR 2021,
        section 3.1; version 2 and the gate are the authors' GAN code.
    """

    def __init__(self, lower_bread, ham, upper_bread, cheese=None, normalization=None, **kwargs):
        super().__init__(**kwargs)
        self.lower_bread = lower_bread
        self.ham = ham
        self.upper_bread = upper_bread
        self.cheese = cheese
        self.normalization = normalization

    def build(self, input_shape):
        input_shape = tuple(input_shape)
        self.gate = self.add_weight(name="gate", shape=[], initializer="zeros")
        shape = input_shape
        for layer in self._layers_in_order():
            build_sublayer(layer, shape)
            shape = tuple(layer.compute_output_shape(shape))
        if shape[-1] != input_shape[-1]:
            raise ValueError(
                "`upper_bread` must return as many channels as the block gets. Received: "
                f"{shape[-1]} channels for an input of {input_shape[-1]}"
            )
        self.built = True

    def call(self, inputs, condition=None, training=None):
        x = self.ham(self.lower_bread(inputs), training=training)
        if self.cheese is None:
            x = self._normalize(self.upper_bread(x), condition, training)
        else:
            x = tf.nn.relu(self._normalize(self.cheese(x), condition, training))
            x = self.upper_bread(x)
        return inputs + tf.cast(self.gate, inputs.dtype) * x

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        config = super().get_config()
        for name in ("lower_bread", "ham", "upper_bread", "cheese", "normalization"):
            layer = getattr(self, name)
            config[name] = None if layer is None else keras.utils.serialize_keras_object(layer)
        return config

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        for name in ("lower_bread", "ham", "upper_bread", "cheese", "normalization"):
            if config.get(name) is not None:
                config[name] = keras.utils.deserialize_keras_object(config[name])
        return cls(**config)

    def _layers_in_order(self):
        if self.cheese is None:
            layers = [self.lower_bread, self.ham, self.upper_bread, self.normalization]
        else:
            layers = [
                self.lower_bread,
                self.ham,
                self.cheese,
                self.normalization,
                self.upper_bread,
            ]
        return [layer for layer in layers if layer is not None]

    def _normalize(self, x, condition, training):
        if self.normalization is None:
            return x
        if condition is None:
            return self.normalization(x, training=training)
        return self.normalization(x, condition, training=training)
