"""Convolutions that resample: equal to the two steps apart, gradients included."""

import numpy as np
import pytest
import tensorflow as tf

from gan.layers import resampling_convolution
from gan.layers.resampling_convolution import downsampled_conv2d, upsampled_conv2d
from gan.layers.residual_block import downsample, upsample
from gan.layers.spectral_normalization import SpectralNormConv2D

TOGETHER = {"up": upsampled_conv2d, "down": downsampled_conv2d}
APART = {
    "up": lambda x, kernel: tf.nn.conv2d(upsample(x), kernel, 1, "SAME"),
    "down": lambda x, kernel: downsample(tf.nn.conv2d(x, kernel, 1, "SAME")),
}


def value_and_gradients(function, x, kernel):
    """Also of the squared gradient in `x`, as penalties on gradients need."""
    with tf.GradientTape(persistent=True) as outer:
        outer.watch([x, kernel])
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = function(x, kernel)
            loss = tf.reduce_sum(tf.sin(y))
        penalty = tf.reduce_sum(tape.gradient(loss, x) ** 2)
    return y, *outer.gradient(loss, [x, kernel]), *outer.gradient(penalty, [x, kernel])


@pytest.mark.parametrize("way", ["eager", "graph", "xla", "unknown batch"])
@pytest.mark.parametrize("resampling", ["up", "down"])
def test_equals_the_two_steps(monkeypatch, resampling, way):
    monkeypatch.setattr(resampling_convolution, "_FEWEST_PIXELS", 1)
    random = np.random.RandomState(0)
    x = tf.constant(random.normal(size=[2, 4, 6, 3]))
    kernel = tf.constant(random.normal(size=[3, 3, 3, 5]))

    def measured(x, kernel):
        return value_and_gradients(TOGETHER[resampling], x, kernel)

    if way != "eager":
        batch = None if way == "unknown batch" else 2
        shapes = [[batch, *x.shape[1:]], kernel.shape]
        signature = [tf.TensorSpec(shape, tf.float64) for shape in shapes]
        measured = tf.function(
            measured, input_signature=signature, autograph=False, jit_compile=way == "xla"
        )
    expected = value_and_gradients(APART[resampling], x, kernel)
    for found, wanted in zip(measured(x, kernel), expected):
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize(
    ("batch", "side", "fused"), [(8, 4, False), (8, 8, True), (1, 16, False), (None, 8, True)]
)
def test_few_pixels_are_convolved_in_two_steps(batch, side, fused):
    for resampling, function in TOGETHER.items():
        side_of_x = side if resampling == "up" else 2 * side
        graph = tf.function(function).get_concrete_function(
            tf.TensorSpec([batch, side_of_x, side_of_x, 2]), tf.ones([3, 3, 2, 2])
        )
        in_two_steps = {op.type for op in graph.graph.get_operations()} & {"Tile", "AvgPool"}
        assert fused != bool(in_two_steps)


@pytest.mark.parametrize(("resampling", "size"), [("up", (8, 12)), ("down", (2, 3))])
def test_layer_knows_its_output_shape(resampling, size):
    layer = SpectralNormConv2D(5, 3, resampling=resampling)
    assert layer(tf.ones([2, 4, 6, 3])).shape == (2, *size, 5)
    assert tuple(layer.compute_output_shape((None, 4, 6, 3))) == (None, *size, 5)
    assert SpectralNormConv2D.from_config(layer.get_config()).resampling == resampling


def test_wrong_arguments():
    with pytest.raises(ValueError, match="Received: resampling='sideways'"):
        SpectralNormConv2D(5, 3, resampling="sideways")
    with pytest.raises(ValueError, match="`kernel_size` must be 3 .* Received: kernel_size=1"):
        SpectralNormConv2D(5, 1, resampling="up")
