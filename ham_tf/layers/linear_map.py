"""The linear map of each pixel that bread and projections are made of."""

from tensorflow import keras


def linear_map(input_shape, channels, use_bias, name, dtype):
    """Makes a convolution of size 1.

    Args:
        input_shape: `[batch, height, width, channels]` or `[batch, positions, channels]`.
        channels: of the result.
        use_bias: whether to add a bias.
        name: of the layer.
        dtype: policy of the layer.

    Returns:
        A Keras layer, not built.
    """
    # By name: all of this package is channels last, whatever Keras's global setting.
    convolution = keras.layers.Conv2D if len(input_shape) == 4 else keras.layers.Conv1D
    return convolution(
        channels, 1, data_format="channels_last", use_bias=use_bias, name=name, dtype=dtype
    )
