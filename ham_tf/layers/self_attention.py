"""Self-attention over all pixels, to compare with."""

import tensorflow as tf
from tensorflow import keras

from ham_tf.layers.arguments import (
    check_channels_last,
    check_floating,
    check_inputs,
    check_integer,
    check_layer,
    refuse_mask,
)
from ham_tf.layers.linear_map import linear_map
from ham_tf.layers.shapes import positions, sizes, with_channels
from ham_tf.layers.sublayers import (
    build_sublayer,
    deserialize_layers,
    freeze_if_asked,
    serialize_layer,
)

PROJECTIONS = ("query", "key", "value")


@keras.utils.register_keras_serializable(package="ham_tf")
class SelfAttention(keras.layers.Layer):
    """`softmax(Q Kᵀ) V` over all pairs of pixels: what a ham replaces.

    Stands in the place of a ham: `Hamburger(lower_bread=None, ham=SelfAttention(),
    upper_bread=…)` is the non-local block, which has no lower bread because the
    queries, keys and values are projections of its input. The defaults are full
    self-attention; `key_ratio=8, value_ratio=2, pool_size=2` is the block of
    SAGAN. The attention map `[batch, positions, positions / pool_size²]` is
    computed and kept in float32, or in float64 if that is the dtype.

    Args:
        key_ratio: input channels per channel of queries and keys, which have at least one.
        value_ratio: the same for the values and the result.
        pool_size: keys and values are max-pooled by this factor in height and
            width; what is left over at the end of odd sizes is not attended to.
        query: layer that makes the queries; None for a linear map without bias.
        key: the same for the keys.
        value: the same for the values.
        **kwargs: `name`, `dtype` and the other arguments of a Keras layer.

    Call arguments:
        inputs: `[batch, height, width, channels]`; with `pool_size=1` also
            `[batch, positions, channels]`.
        training: not used; every ham takes it.

    Returns:
        `[batch, height, width, channels / value_ratio]`.

    Raises:
        ValueError: for an argument out of range, unknown channels, Keras's global
            `channels_first`, a mask, or pooling without height and width.

    Reference:
        Wang et al., "Non-local Neural Networks", CVPR 2018; Zhang et al.,
        "Self-Attention Generative Adversarial Networks", ICML 2019, section 3.
    """

    # The published blocks ask this before they put a lower bread in front.
    projects_its_input = True

    def __init__(
        self, key_ratio=1, value_ratio=1, pool_size=1, query=None, key=None, value=None, **kwargs
    ):
        super().__init__(**kwargs)
        self.key_ratio = check_integer("key_ratio", key_ratio, 1)
        self.value_ratio = check_integer("value_ratio", value_ratio, 1)
        self.pool_size = check_integer("pool_size", pool_size, 1)
        self._given = {"query": query, "key": key, "value": value}
        for name, layer in self._given.items():
            check_layer(name, layer, optional=True)
        self.query, self.key, self.value = query, key, value

    def build(self, input_shape):
        input_shape = tuple(input_shape)
        self._check_inputs(input_shape)
        check_channels_last(self, input_shape)
        self._built_for = input_shape
        channels = input_shape[-1]
        ratios = {"query": self.key_ratio, "key": self.key_ratio, "value": self.value_ratio}
        for name in PROJECTIONS:
            if getattr(self, name) is None:
                width = max(1, channels // ratios[name])
                layer = linear_map(input_shape, width, False, name, self.dtype_policy)
                setattr(self, name, layer)
            build_sublayer(getattr(self, name), input_shape)
        freeze_if_asked(self)
        self.built = True

    def call(self, inputs, training=None):
        del training
        inputs = with_channels(inputs, self._built_for)
        self._check_inputs(tuple(inputs.shape), inputs.dtype)
        query, key, value = self.query(inputs), self.key(inputs), self.value(inputs)
        if self.pool_size > 1:
            key, value = (
                tf.nn.max_pool2d(x, self.pool_size, self.pool_size, "VALID") for x in (key, value)
            )
        query, key, value_matrix = (_to_matrix(x) for x in (query, key, value))
        attention = tf.nn.softmax(tf.matmul(query, key, transpose_b=True))
        result = tf.matmul(attention, value_matrix)
        result = tf.reshape(result, [*sizes(inputs)[:-1], value.shape[-1]])
        return tf.cast(result, inputs.dtype)

    def compute_output_spec(self, inputs, *args, **kwargs):
        check_floating(inputs.dtype)  # Functional models of Keras 3 do not trace `call`.
        return super().compute_output_spec(inputs, *args, **kwargs)

    def compute_output_shape(self, input_shape):
        input_shape = tuple(input_shape)
        check_inputs(input_shape)
        if self._given["value"] is not None:
            return tuple(self.value.compute_output_shape(input_shape))
        return (*input_shape[:-1], max(1, input_shape[-1] // self.value_ratio))

    def compute_mask(self, inputs, mask=None):
        del inputs
        refuse_mask(self, mask, "it attends to all positions")

    def get_config(self):
        config = super().get_config()
        config.update(
            key_ratio=self.key_ratio, value_ratio=self.value_ratio, pool_size=self.pool_size
        )
        config.update({name: serialize_layer(layer) for name, layer in self._given.items()})
        return config

    def _check_inputs(self, shape, dtype=None):
        check_inputs(shape, dtype)
        if len(shape) == 3 and self.pool_size > 1:
            raise ValueError(
                "`inputs` must have shape [batch, height, width, channels], or without pooling "
                f"[batch, positions, channels]. Received: shape={shape} "
                f"with pool_size={self.pool_size}"
            )
        if any(known is not None and known < self.pool_size for known in shape[1:-1]):
            raise ValueError(
                "`pool_size` must not exceed height and width: nothing would be left to attend "
                f"to. Received: pool_size={self.pool_size} for shape={shape}"
            )

    @classmethod
    def from_config(cls, config):
        return cls(**deserialize_layers(config, PROJECTIONS))


def _to_matrix(x):
    """`[batch, ..., channels]` to `[batch, positions, channels]`, float32 at least."""
    shape = sizes(x)
    x = tf.reshape(x, [shape[0], positions(shape), shape[-1]])
    return x if x.dtype == tf.float64 else tf.cast(x, tf.float32)
