"""Spectral normalisation: weights divided by an estimate of their largest singular value.

The raw weight is kept and divided in `call`, so gradients pass through the
singular value and released HamGAN weights (raw ones) can be loaded. Keras's own
`SpectralNormalization` overwrites the raw weight instead.

Power iteration and division run in the dtype of the weights, float32 under a mixed
policy, and only their result is cast to the compute dtype.

`call` reads the stored singular vector `u`, makes one power iteration from it
and never writes. The training loop stores new vectors explicitly, once per
sub-step, with `update_spectral_norms`: written inside `call`, several calls of
one step (real and fake images) would race in a TF1 graph.

Reference:
    Miyato et al., "Spectral Normalization for Generative Adversarial Networks",
    ICLR 2018, algorithm 1.
"""

import abc
import contextlib

import tensorflow as tf
from tensorflow import keras

from gan.layers.precision import add_wide_weight
from gan.layers.resampling_convolution import downsampled_conv2d, upsampled_conv2d

_RESAMPLED = {"up": upsampled_conv2d, "down": downsampled_conv2d}


def power_iteration(weight, u):
    """One round of the power method.

    Args:
        weight: `[..., columns]`, seen as a matrix `[rows, columns]`.
        u: `[rows, 1]`, estimate of the first left singular vector.

    Returns:
        New `u` `[rows, 1]` and the right singular vector `v` `[columns, 1]`.
    """
    matrix = tf.reshape(weight, [-1, weight.shape[-1]])
    v = tf.math.l2_normalize(tf.matmul(matrix, u, transpose_a=True))
    return tf.math.l2_normalize(tf.matmul(matrix, v)), v


def spectral_norm(weight, u):
    """Largest singular value of `weight` after one power iteration from `u`.

    The singular vectors are constants for the gradient, the value is not.

    Returns:
        A scalar.
    """
    u, v = (tf.stop_gradient(vector) for vector in power_iteration(weight, u))
    matrix = tf.reshape(weight, [-1, weight.shape[-1]])
    return tf.reduce_sum(u * tf.matmul(matrix, v))


class SpectralNormLayer(keras.layers.Layer):
    """Abstract layer with one normalised weight; subclasses are final.

    Args:
        at_most_one: whether to divide by max(1, σ), which leaves weights of a
            norm below one alone, or by σ itself.
    """

    def __init__(self, at_most_one=True, **kwargs):
        super().__init__(**kwargs)
        self.at_most_one = at_most_one
        self._held = None  # The normalised weight, within `normalized_once`.

    @abc.abstractmethod
    def raw_weight(self):
        """The weight as `[..., columns]`, before normalisation."""

    def add_singular_vector(self, rows):
        """Adds the stored vector `u` `[rows, 1]`; called once, in `build`."""
        self.u = add_wide_weight(
            self,
            name="u",
            shape=[rows, 1],
            initializer=keras.initializers.RandomNormal(stddev=1.0),
            trainable=False,
        )

    def normalized_weight(self):
        """The weight divided by σ or max(1, σ), of the raw weight's shape and the compute dtype."""
        return tf.cast(self._wide_normalized_weight(), self.compute_dtype)

    def update_spectral_norm(self):
        """Stores the vector of one more power iteration; returns the assignment."""
        u, _ = power_iteration(
            tf.convert_to_tensor(self.raw_weight()), tf.convert_to_tensor(self.u)
        )
        return self.u.assign(u)

    def get_config(self):
        config = super().get_config()
        config.update(at_most_one=self.at_most_one)
        return config

    def _wide_normalized_weight(self):
        """The same before it is cast."""
        if self._held is not None:
            return self._held
        weight = tf.convert_to_tensor(self.raw_weight())
        sigma = spectral_norm(weight, tf.convert_to_tensor(self.u))
        return weight / (tf.maximum(1.0, sigma) if self.at_most_one else sigma)


@keras.utils.register_keras_serializable(package="hamgan")
class SpectralNormConv2D(SpectralNormLayer):
    """Convolution with stride 1, "same" padding and a spectrally normalised kernel.

    Args:
        filters: output channels.
        kernel_size: side of the square kernel.
        use_bias: whether to add a bias.
        at_most_one: see `SpectralNormLayer`.
        resampling: `"up"` doubles height and width before the convolution by repeating
            pixels, `"down"` halves them after it by averaging 2×2; None for neither. Both
            want a kernel of size 3.

    Call arguments:
        inputs: `[batch, height, width, channels]`.

    Returns:
        `[batch, height, width, filters]`, height and width doubled or halved.

    Raises:
        ValueError: for another resampling, or one with another kernel size.
    """

    def __init__(
        self, filters, kernel_size, use_bias=True, at_most_one=True, resampling=None, **kwargs
    ):
        super().__init__(at_most_one, **kwargs)
        if resampling not in (None, *_RESAMPLED):
            offered = [None, *_RESAMPLED]
            raise ValueError(
                f"`resampling` must be one of {offered}. Received: resampling={resampling!r}"
            )
        if resampling is not None and kernel_size != 3:
            raise ValueError(
                "`kernel_size` must be 3 where `resampling` is given. "
                f"Received: kernel_size={kernel_size!r}"
            )
        self.resampling = resampling
        self.filters = filters
        self.kernel_size = kernel_size
        self.use_bias = use_bias

    def build(self, input_shape):
        channels = input_shape[-1]
        self.kernel = add_wide_weight(
            self,
            name="kernel",
            shape=[self.kernel_size, self.kernel_size, channels, self.filters],
            initializer="glorot_uniform",
        )
        if self.use_bias:
            self.bias = self.add_weight(name="bias", shape=[self.filters], initializer="zeros")
        self.add_singular_vector(self.kernel_size**2 * channels)
        self.built = True

    def raw_weight(self):
        return self.kernel

    def call(self, inputs):
        if self.resampling is None:
            outputs = tf.nn.conv2d(inputs, self.normalized_weight(), strides=1, padding="SAME")
        else:
            outputs = _RESAMPLED[self.resampling](inputs, self._wide_normalized_weight())
        return tf.nn.bias_add(outputs, self.bias) if self.use_bias else outputs

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape
        if self.resampling == "up":
            height, width = 2 * height, 2 * width
        elif self.resampling == "down":
            height, width = height // 2, width // 2
        return (batch, height, width, self.filters)

    def get_config(self):
        config = super().get_config()
        config.update(
            filters=self.filters,
            kernel_size=self.kernel_size,
            use_bias=self.use_bias,
            resampling=self.resampling,
        )
        return config


@keras.utils.register_keras_serializable(package="hamgan")
class SpectralNormDense(SpectralNormLayer):
    """Dense layer with bias and a spectrally normalised kernel.

    Args:
        units: output features.
        at_most_one: see `SpectralNormLayer`.

    Call arguments:
        inputs: `[batch, features]`.

    Returns:
        `[batch, units]`.
    """

    def __init__(self, units, at_most_one=True, **kwargs):
        super().__init__(at_most_one, **kwargs)
        self.units = units

    def build(self, input_shape):
        features = input_shape[-1]
        self.kernel = add_wide_weight(
            self, name="kernel", shape=[features, self.units], initializer="glorot_uniform"
        )
        self.bias = self.add_weight(name="bias", shape=[self.units], initializer="zeros")
        self.add_singular_vector(features)
        self.built = True

    def raw_weight(self):
        return self.kernel

    def call(self, inputs):
        return tf.nn.bias_add(tf.matmul(inputs, self.normalized_weight()), self.bias)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def get_config(self):
        config = super().get_config()
        config.update(units=self.units)
        return config


@keras.utils.register_keras_serializable(package="hamgan")
class SpectralNormEmbedding(SpectralNormLayer):
    """Class embedding, spectrally normalised as its transpose.

    Args:
        num_classes: number of rows.
        width: length of a row.
        at_most_one: see `SpectralNormLayer`.

    Call arguments:
        labels: integers `[batch]` in `[0, num_classes)`.

    Returns:
        `[batch, width]`.
    """

    def __init__(self, num_classes, width, at_most_one=True, **kwargs):
        super().__init__(at_most_one, **kwargs)
        self.num_classes = num_classes
        self.width = width

    def build(self, input_shape):
        del input_shape
        self.embeddings = add_wide_weight(
            self,
            name="embeddings",
            shape=[self.num_classes, self.width],
            initializer="glorot_uniform",
        )
        self.add_singular_vector(self.width)
        self.built = True

    def raw_weight(self):
        return tf.transpose(self.embeddings)

    def call(self, labels):
        return tf.gather(tf.transpose(self.normalized_weight()), labels)

    def compute_output_shape(self, input_shape):
        return (*input_shape, self.width)

    def get_config(self):
        config = super().get_config()
        config.update(num_classes=self.num_classes, width=self.width)
        return config


@contextlib.contextmanager
def normalized_once(model):
    """Within it, all calls of `model` share one normalisation of every weight.

    For several calls in a graph with the same weights: real and fake images of a sub-step, or
    a loop over images. Gradients pass through if a tape around it watches the weights.
    """
    layers = _normalized_layers(model)
    try:
        for layer in layers:
            layer._held = layer._wide_normalized_weight()
        yield
    finally:
        for layer in layers:
            layer._held = None


def update_spectral_norms(model):
    """Stores a new singular vector in every spectrally normalised layer of `model`.

    To be called once per sub-step of training, before the model is.

    Returns:
        The list of assignments: in a TF1 graph, ops to run or depend on.
    """
    return [layer.update_spectral_norm() for layer in _normalized_layers(model)]


def _normalized_layers(model):
    layers = model._flatten_layers()  # The one list both Keras versions have.
    return [layer for layer in layers if isinstance(layer, SpectralNormLayer)]
