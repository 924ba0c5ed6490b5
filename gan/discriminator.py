"""HamGAN's projection discriminator."""

import math

import tensorflow as tf
from tensorflow import keras

from gan.layers.hamburger import gan_hamburger
from gan.layers.precision import wide_dtype, widened
from gan.layers.residual_block import DownBlock
from gan.layers.spectral_normalization import (
    SpectralNormDense,
    SpectralNormEmbedding,
    normalized_once,
    update_spectral_norms,
)
from gan.resolutions import check_image_size, resolution_of_hamburger
from ham_tf.layers.sublayers import build_sublayer


@keras.utils.register_keras_serializable(package="hamgan")
class Discriminator(keras.Model):
    """Images and class labels to logits: high means real.

    `DownBlock`s to 4×4 with a hamburger in between (no batch norm), one block of
    the same size, relu, sum over pixels; then a dense layer plus the projection:
    the inner product of that sum with the class's embedding.

    Args:
        image_size: 16, 32, 64, 128 or 256 pixels; 128 as published.
        image_channels: 3 for colour, 1 for grey.
        num_classes: number of classes.
        base_channels: width multiplier; doubled with every halving, up to 16 times.
        ham: context module: `"nmf"`, `"cd"`, `"vq"`, `"pooled_attention"`,
            `"self_attention"` or None for no block at all.
        ham_channels: channels inside the hamburger.
        ham_rank: number of bases.
        ham_steps: alternations without gradient.
        ham_groups: channel groups factorised separately.
        ham_version: 1, or 2 with cheese.
        **kwargs: `dtype`, a policy as `"mixed_bfloat16"`: singular values and all that
            follows the last block stay in float32; and the other arguments of a Keras
            model.

    Call arguments:
        inputs: images `[batch, image_size, image_size, image_channels]` in
            [-1, 1], and labels, integers `[batch]` in `[0, num_classes)`.
        training: whether the ham draws fresh bases.

    Returns:
        Logits `[batch, 1]`, float32 unless the policy is float64.

    Raises:
        ValueError: for an image size that is not offered.

    Reference:
        Miyato & Koyama, "cGANs with Projection Discriminator", ICLR 2018, for the
        projection; otherwise as the generator.
    """

    def __init__(
        self,
        image_size=128,
        image_channels=3,
        num_classes=1000,
        base_channels=64,
        ham_channels=128,
        ham_rank=16,
        ham_steps=6,
        ham_groups=1,
        ham_version=1,
        ham="nmf",
        name="discriminator",
        **kwargs,
    ):
        super().__init__(name=name, **kwargs)
        check_image_size(image_size)
        self._arguments = dict(
            image_size=image_size,
            image_channels=image_channels,
            num_classes=num_classes,
            base_channels=base_channels,
            ham_channels=ham_channels,
            ham_rank=ham_rank,
            ham_steps=ham_steps,
            ham_groups=ham_groups,
            ham_version=ham_version,
            ham=ham,
        )
        policy, wide = self.dtype_policy, wide_dtype(self.dtype_policy)
        halvings = int(math.log2(image_size // 4))
        widths = [base_channels * min(16, 2**index) for index in range(halvings)]
        self.down_blocks = [
            DownBlock(channels, first=index == 0, name=f"block{index + 1}", dtype=policy)
            for index, channels in enumerate(widths)
        ]
        self.down_blocks.append(
            DownBlock(widths[-1], downsampling=False, name=f"block{halvings + 1}", dtype=policy)
        )
        self.blocks_before_ham = int(math.log2(image_size // resolution_of_hamburger(image_size)))
        self.hamburger = (
            None
            if ham is None
            else gan_hamburger(
                widths[self.blocks_before_ham - 1],
                ham_channels,
                ham_rank,
                ham=ham,
                steps=ham_steps,
                groups=ham_groups,
                version=ham_version,
                batch_norm=False,
                dtype=policy,
            )
        )
        self.dense = SpectralNormDense(1, name="dense", dtype=wide)
        self.embedding = SpectralNormEmbedding(
            num_classes, widths[-1], name="embedding", dtype=wide
        )
        with tf.name_scope(self.name):
            self.build([(None, image_size, image_size, image_channels), (None,)])

    def build(self, input_shape):
        shape, labels_shape = input_shape
        for layer in self._blocks_and_ham():
            build_sublayer(layer, shape)
            shape = tuple(layer.compute_output_shape(shape))
        build_sublayer(self.dense, (None, shape[-1]))
        build_sublayer(self.embedding, labels_shape)
        self.built = True

    def call(self, inputs, training=None):
        images, labels = inputs
        features = widened(self, self.feature_maps(images, training=training)[-1])
        features = tf.reduce_sum(tf.nn.relu(features), axis=[1, 2])
        projection = tf.reduce_sum(features * self.embedding(labels), axis=1, keepdims=True)
        return self.dense(features) + projection

    def compute_output_shape(self, input_shape):
        return (input_shape[0][0], 1)

    def feature_maps(self, images, training=None):
        """What every block makes of the images, whatever their class.

        Args:
            images: `[batch, image_size, image_size, image_channels]` in [-1, 1].
            training: whether the ham draws fresh bases.

        Returns:
            List of `[batch, height, width, channels]`, one per block and one of the
            hamburger if there is one, in the order in which they are passed.
        """
        maps, x = [], images
        for layer in self._blocks_and_ham():
            x = layer(x, training=training) if layer is self.hamburger else layer(x)
            maps.append(x)
        return maps

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
            self.down_blocks[: self.blocks_before_ham],
            self.down_blocks[self.blocks_before_ham :],
        )
        return (*before, *([self.hamburger] if self.hamburger else []), *after)
