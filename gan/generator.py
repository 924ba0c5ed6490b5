"""HamGAN's class-conditional generator."""

import math

import tensorflow as tf
from tensorflow import keras

from gan.layers.conditional_batch_norm import ConditionalBatchNorm
from gan.layers.hamburger import gan_hamburger
from gan.layers.precision import widened
from gan.layers.residual_block import UpBlock
from gan.layers.spectral_normalization import (
    SpectralNormConv2D,
    SpectralNormDense,
    normalized_once,
    update_spectral_norms,
)
from gan.resolutions import (
    channels_of_resolution,
    check_image_size,
    resolution_of_hamburger,
)
from ham_tf.layers.sublayers import build_sublayer


@keras.utils.register_keras_serializable(package="hamgan")
class Generator(keras.Model):
    """Latents and class labels to images.

    A spectrally normalised dense layer to 4×4, one `UpBlock` per doubling with a
    hamburger in between, batch norm, relu, convolution, tanh.

    Args:
        image_size: 16, 32, 64, 128 or 256 pixels; 128 as published.
        image_channels: 3 for colour, 1 for grey.
        num_classes: number of classes.
        z_dim: length of a latent.
        base_channels: width multiplier; the paper's `ch`.
        ham: context module: `"nmf"`, `"cd"`, `"vq"`, `"pooled_attention"`,
            `"self_attention"` or None for no block at all.
        ham_channels: channels inside the hamburger.
        ham_rank: number of bases.
        ham_steps: alternations without gradient.
        ham_groups: channel groups factorised separately.
        ham_version: 1, or 2 with cheese.
        batch_norm_decay: of all moving averages.
        **kwargs: `dtype`, a policy as `"mixed_bfloat16"`: batch norms, singular values
            and the tanh stay in float32; and the other arguments of a Keras model.

    Call arguments:
        inputs: latents `[batch, z_dim]`, standard normal, and labels, integers
            `[batch]` in `[0, num_classes)` or float weights `[batch, num_classes]`
            of the classes, which mix them.
        training: whether to use (and move) the batch norms' moments and to draw
            fresh bases.

    Returns:
        Images `[batch, image_size, image_size, image_channels]` in [-1, 1], float32
        unless the policy is float64.

    Raises:
        ValueError: for an image size that is not offered.

    Reference:
        Geng et al., ICLR 2021, section 4.2; architecture of Zhang et al.,
        "Self-Attention Generative Adversarial Networks", ICML 2019.
    """

    def __init__(
        self,
        image_size=128,
        image_channels=3,
        num_classes=1000,
        z_dim=128,
        base_channels=64,
        ham_channels=256,
        ham_rank=32,
        ham_steps=6,
        ham_groups=1,
        ham_version=1,
        ham="nmf",
        batch_norm_decay=0.999,
        name="generator",
        **kwargs,
    ):
        super().__init__(name=name, **kwargs)
        check_image_size(image_size)
        self._arguments = dict(
            image_size=image_size,
            image_channels=image_channels,
            num_classes=num_classes,
            z_dim=z_dim,
            base_channels=base_channels,
            ham_channels=ham_channels,
            ham_rank=ham_rank,
            ham_steps=ham_steps,
            ham_groups=ham_groups,
            ham_version=ham_version,
            ham=ham,
            batch_norm_decay=batch_norm_decay,
        )
        self.z_dim = z_dim
        # The dense layer gives the channels of the first block: capped at 16 ch,
        # as the block's output, not doubled once more.
        blocks = int(math.log2(image_size // 4))
        self.first_channels = channels_of_resolution(base_channels, image_size, 8)
        policy = self.dtype_policy
        self.dense = SpectralNormDense(16 * self.first_channels, name="dense", dtype=policy)
        self.up_blocks = []
        for index in range(blocks):
            channels = channels_of_resolution(base_channels, image_size, 8 * 2**index)
            self.up_blocks.append(
                UpBlock(
                    channels, num_classes, batch_norm_decay, name=f"block{index + 1}", dtype=policy
                )
            )
        ham_resolution = resolution_of_hamburger(image_size)
        self.blocks_before_ham = int(math.log2(ham_resolution // 4))
        self.hamburger = (
            None
            if ham is None
            else gan_hamburger(
                channels_of_resolution(base_channels, image_size, ham_resolution),
                ham_channels,
                ham_rank,
                ham=ham,
                steps=ham_steps,
                groups=ham_groups,
                version=ham_version,
                num_classes=num_classes,
                decay=batch_norm_decay,
                dtype=policy,
            )
        )
        self.norm = ConditionalBatchNorm(None, batch_norm_decay, name="norm", dtype=policy)
        self.to_image = SpectralNormConv2D(image_channels, 3, name="to_image", dtype=policy)
        with tf.name_scope(self.name):
            self.build([(None, z_dim), (None,)])

    def build(self, input_shape):
        latents_shape, _ = input_shape
        build_sublayer(self.dense, latents_shape)
        shape = (None, 4, 4, self.first_channels)
        for layer in (*self._blocks_and_ham(), self.norm, self.to_image):
            build_sublayer(layer, shape)
            shape = tuple(layer.compute_output_shape(shape))
        self.built = True

    def call(self, inputs, training=None):
        latents, labels = inputs
        x = tf.reshape(self.dense(latents), [-1, 4, 4, self.first_channels])
        for layer in self._blocks_and_ham():
            x = layer(x, labels, training=training)
        x = tf.nn.relu(self.norm(x, training=training))
        return tf.tanh(widened(self, self.to_image(x)))

    def compute_output_shape(self, input_shape):
        size = self._arguments["image_size"]
        return (input_shape[0][0], size, size, self._arguments["image_channels"])

    def update_spectral_norms(self):
        """Stores new singular vectors; see `gan.layers.spectral_normalization`."""
        return update_spectral_norms(self)

    def normalized_once(self):
        """A context whose calls share one normalisation of the weights, as `normalized_once`."""
        return normalized_once(self)

    def get_config(self):
        return {**self._arguments, "name": self.name, "dtype": self.dtype_policy.name}

    def _blocks_and_ham(self):
        before, after = (
            self.up_blocks[: self.blocks_before_ham],
            self.up_blocks[self.blocks_before_ham :],
        )
        return (*before, *([self.hamburger] if self.hamburger else []), *after)
