"""The Hamburger block: a ham between two linear layers, with a skip connection."""

import tensorflow as tf
from tensorflow import keras

from ham_tf.layers.arguments import (
    check_channels_last,
    check_finite,
    check_floating,
    check_inputs,
    check_layer,
    refuse_mask,
)
from ham_tf.layers.shapes import with_channels
from ham_tf.layers.sublayers import (
    build_sublayer,
    deserialize_layers,
    freeze_if_asked,
    serialize_layer,
)

SUBLAYERS = ("lower_bread", "ham", "upper_bread", "cheese", "normalization")


def check_ham(name, ham):
    """Returns `ham`.

    Raises:
        ValueError: if it is no layer or returns more than one tensor.
    """
    check_layer(name, ham)
    if getattr(ham, "return_factors", False):
        raise ValueError(f"`{name}` must not return its factors. Received: return_factors=True")
    return ham


class HamburgerBlock(keras.layers.Layer):
    """Abstract block `activation(skip_gate · x + gate · burger(x))`.

    Without cheese (version 1) `burger` is
    `normalization(upper_bread(ham(lower_bread(x))))`, with it (version 2)
    `upper_bread(relu(normalization(cheese(ham(lower_bread(x))))))`. A final class
    decides which layers these are.

    Args:
        gate: initial value of the learned scalar that multiplies the burger; None
            for none.
        skip_gate: the same for the skip connection.
        activation: of the sum; a Keras activation or None.

    Call arguments:
        inputs: `[batch, height, width, channels]`, or `[batch, positions, channels]`
            where the layers take that.
        condition: second argument of the normalisation, as class labels
            `[batch]` for a conditional batch norm; None if it takes none.
        training: passed to the ham and the normalisation.

    Returns:
        A tensor with the shape of `inputs`.
    """

    def __init__(self, gate=None, skip_gate=None, activation=None, **kwargs):
        super().__init__(**kwargs)
        self.gate_initial = None if gate is None else check_finite("gate", gate)
        self.skip_gate_initial = None if skip_gate is None else check_finite("skip_gate", skip_gate)
        self.activation = keras.activations.get(activation)

    def make_sublayers(self, input_shape):
        """Makes the layers for inputs of that shape.

        Returns:
            A layer or None for each name in `SUBLAYERS`.
        """
        raise NotImplementedError

    def build(self, input_shape):
        input_shape = tuple(input_shape)
        check_inputs(input_shape)
        check_channels_last(self, input_shape)
        self._built_for = input_shape
        for name, layer in self.make_sublayers(input_shape).items():
            setattr(self, name, layer)
        self.gate = self._add_gate("gate", self.gate_initial)
        self.skip_gate = self._add_gate("skip_gate", self.skip_gate_initial)
        shape = input_shape
        for layer in self._layers_in_order():
            build_sublayer(layer, shape)
            if layer is not self.normalization:
                shape = tuple(layer.compute_output_shape(shape))
        if shape[-1] != input_shape[-1]:
            raise ValueError(
                "`upper_bread` must return as many channels as the block gets. Received: "
                f"{shape[-1]} channels for an input of {input_shape[-1]}"
            )
        freeze_if_asked(self)
        self.built = True

    def call(self, inputs, condition=None, training=None):
        inputs = with_channels(inputs, self._built_for)
        check_inputs(inputs.shape, inputs.dtype)
        x = inputs if self.lower_bread is None else self.lower_bread(inputs)
        x = self.ham(x, training=training)
        if self.cheese is None:
            x = self._normalize(self.upper_bread(x), condition, training)
        else:
            x = tf.nn.relu(self._normalize(self.cheese(x), condition, training))
            x = self.upper_bread(x)
        x, skip = tf.cast(x, inputs.dtype), inputs
        if self.gate is not None:
            x = tf.cast(self.gate, x.dtype) * x
        if self.skip_gate is not None:
            skip = tf.cast(self.skip_gate, inputs.dtype) * inputs
        return self.activation(skip + x)

    def compute_output_spec(self, inputs, *args, **kwargs):
        check_floating(inputs.dtype)  # Functional models of Keras 3 do not trace `call`.
        return super().compute_output_spec(inputs, *args, **kwargs)

    def compute_output_shape(self, input_shape):
        return input_shape

    def compute_mask(self, inputs, mask=None):
        del inputs
        refuse_mask(self, mask, "its layers, as the normalization, would count the padding")

    def get_config(self):
        config = super().get_config()
        config.update(
            gate=self.gate_initial,
            skip_gate=self.skip_gate_initial,
            activation=keras.activations.serialize(self.activation),
        )
        return config

    def _add_gate(self, name, initial):
        if initial is None:
            return None
        initializer = keras.initializers.Constant(initial)
        return self.add_weight(name=name, shape=[], initializer=initializer)

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


@keras.utils.register_keras_serializable(package="ham_tf")
class Hamburger(HamburgerBlock):
    """Adds global context to a feature map, with layers of your own.

    Which convolution, which ham and which normalisation are layers passed in;
    give each an explicit name, which its weights carry. The defaults are those
    of the authors' GAN code: a gate that starts at 0, so that a new block is the
    identity, and no activation. `HamburgerV1`, `HamburgerV2` and
    `HamburgerV2Plus` make their layers themselves, as in segmentation.

    Args:
        lower_bread: layer from `channels` to the ham's channels; None if the ham
            has projections of its own, as `SelfAttention`.
        ham: the context layer, as `NMFLayer`.
        upper_bread: layer back to `channels`.
        cheese: layer after the ham, or None for version 1.
        normalization: layer that keeps the shape, or None. Called with the
            condition as its second argument if the block gets one.
        gate: initial value of the learned scalar that multiplies the burger; None
            for none.
        skip_gate: the same for the skip connection.
        activation: of the sum; a Keras activation or None.
        **kwargs: `name`, `dtype` and the other arguments of a Keras layer.

    Call arguments:
        inputs: `[batch, height, width, channels]`.
        condition: second argument of the normalisation, as class labels
            `[batch]` for a conditional batch norm; None if it takes none.
        training: passed to the ham and the normalisation.

    Returns:
        A tensor with the shape of `inputs`.

    Raises:
        ValueError: if the channels are unknown or `upper_bread` returns others; for
            Keras's global `channels_first`, or a mask.

    Example:
        >>> block = Hamburger(
        ...     lower_bread=keras.layers.Conv2D(256, 1),
        ...     ham=NMFLayer(rank=32),
        ...     upper_bread=keras.layers.Conv2D(512, 1),
        ... )

    Reference:
        Geng et al., "Is Attention Better Than Matrix Decomposition?", ICLR 2021,
        section 3.1; version 2 and the gate are the authors' GAN code.
    """

    def __init__(
        self,
        lower_bread,
        ham,
        upper_bread,
        cheese=None,
        normalization=None,
        gate=0.0,
        skip_gate=None,
        activation=None,
        **kwargs,
    ):
        super().__init__(gate, skip_gate, activation, **kwargs)
        self.lower_bread = check_layer("lower_bread", lower_bread, optional=True)
        self.ham = check_ham("ham", ham)
        self.upper_bread = check_layer("upper_bread", upper_bread)
        self.cheese = check_layer("cheese", cheese, optional=True)
        self.normalization = check_layer("normalization", normalization, optional=True)

    def make_sublayers(self, input_shape):
        return {name: getattr(self, name) for name in SUBLAYERS}

    def get_config(self):
        config = super().get_config()
        config.update({name: serialize_layer(getattr(self, name)) for name in SUBLAYERS})
        return config

    @classmethod
    def from_config(cls, config):
        return cls(**deserialize_layers(config, SUBLAYERS))
