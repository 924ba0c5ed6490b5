"""Two hams side by side: one over the pixels, one over the channels."""

import tensorflow as tf
from tensorflow import keras

from ham_tf.layers.arguments import check_channels_last, refuse_mask
from ham_tf.layers.hamburger import check_ham
from ham_tf.layers.sublayers import (
    build_sublayer,
    deserialize_layers,
    freeze_if_asked,
    serialize_layer,
)


@keras.utils.register_keras_serializable(package="ham_tf")
class DualHam(keras.layers.Layer):
    """Gives half of the channels to each of two hams and joins what they return.

    Args:
        spatial_ham: layer for the first half of the channels, as `NMFLayer`.
        channel_ham: layer for the second half, as `NMFLayer(spatial=False)`.
        **kwargs: `name`, `dtype` and the other arguments of a Keras layer.

    Call arguments:
        inputs: `[batch, height, width, channels]`, an even number of channels.
        training: passed to both.

    Returns:
        What the two return, joined along the channels: for decompositions a
        tensor with the shape of `inputs`.

    Raises:
        ValueError: for an odd number of channels, Keras's global `channels_first`, or a mask.

    Reference:
        The ensemble of HamNet+ in the authors' segmentation code.
    """

    def __init__(self, spatial_ham, channel_ham, **kwargs):
        super().__init__(**kwargs)
        self.spatial_ham = check_ham("spatial_ham", spatial_ham)
        self.channel_ham = check_ham("channel_ham", channel_ham)

    def build(self, input_shape):
        *sizes, channels = tuple(input_shape)
        if channels is None or channels % 2:
            raise ValueError(
                f"`inputs` must have an even number of channels. Received: shape={input_shape}"
            )
        check_channels_last(self, input_shape)
        for ham in (self.spatial_ham, self.channel_ham):
            build_sublayer(ham, (*sizes, channels // 2))
        freeze_if_asked(self)
        self.built = True

    def call(self, inputs, training=None):
        first, second = tf.split(inputs, 2, axis=-1)
        return tf.concat(
            [
                self.spatial_ham(first, training=training),
                self.channel_ham(second, training=training),
            ],
            axis=-1,
        )

    def compute_output_shape(self, input_shape):
        *sizes, channels = tuple(input_shape)
        half = (*sizes, channels // 2)
        widths = [h.compute_output_shape(half)[-1] for h in (self.spatial_ham, self.channel_ham)]
        return (*sizes, sum(widths))

    def compute_mask(self, inputs, mask=None):
        del inputs
        refuse_mask(self, mask, "its ham over the channels takes all positions")

    def get_config(self):
        config = super().get_config()
        config.update(
            spatial_ham=serialize_layer(self.spatial_ham),
            channel_ham=serialize_layer(self.channel_ham),
        )
        return config

    @classmethod
    def from_config(cls, config):
        return cls(**deserialize_layers(config, ("spatial_ham", "channel_ham")))
