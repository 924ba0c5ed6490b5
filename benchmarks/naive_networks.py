"""HamGAN's networks as published code writes them, to compare with: nothing fused or shared.

Up-sampling before the 1×1 shortcut and down-sampling after it, one power iteration at every
call of a layer with its update, batch normalisation in separate passes, the ham of
`benchmarks.naive_hams`. The weights are those of one of our networks.
"""

import contextlib

import tensorflow as tf

from benchmarks.naive_hams import naive_nmf
from gan.layers.resampling_convolution import downsample, upsample


class _NaiveNetwork:
    """What `TrainingStep` asks of a network besides its call."""

    def update_spectral_norms(self):
        """Nothing: every call of a layer updates its own."""
        return []

    def normalized_once(self):
        """Nothing: every call of a layer normalises its own."""
        return contextlib.nullcontext()


class NaiveGenerator(_NaiveNetwork):
    """Computes what a `Generator` does, from its weights.

    Args:
        generator: with a hamburger of version 1 around one NMF, or with none.

    Raises:
        ValueError: for another context module.
    """

    def __init__(self, generator):
        self._ours = generator
        self.trainable_weights = generator.trainable_weights
        _check(generator.hamburger)

    def __call__(self, inputs, training=False):
        """Latents `[batch, z_dim]` and labels, integers `[batch]`, to images in [-1, 1]."""
        latents, labels = inputs
        x = _dense(self._ours.dense, latents, training)
        x = tf.reshape(x, [-1, 4, 4, self._ours.first_channels])
        for layer in self._ours._blocks_and_ham():
            if layer is self._ours.hamburger:
                x = _hamburger(layer, x, labels, training)
            else:
                x = _up_block(layer, x, labels, training)
        x = tf.nn.relu(_batch_norm(self._ours.norm, x, None, training))
        return tf.tanh(_conv(self._ours.to_image, x, training))


class NaiveDiscriminator(_NaiveNetwork):
    """Computes what a `Discriminator` does, from its weights; see `NaiveGenerator`."""

    def __init__(self, discriminator):
        self._ours = discriminator
        self.trainable_weights = discriminator.trainable_weights
        _check(discriminator.hamburger)

    def __call__(self, inputs, training=False):
        """Images and labels, integers `[batch]`, to logits `[batch, 1]`."""
        x, labels = inputs
        for layer in self._ours._blocks_and_ham():
            if layer is self._ours.hamburger:
                x = _hamburger(layer, x, labels, training)
            else:
                x = _down_block(layer, x, training)
        x = tf.reduce_sum(tf.nn.relu(x), axis=[1, 2])
        embeddings = tf.transpose(normalized(self._ours.embedding, training))
        projection = tf.gather(embeddings, labels)
        logits = _dense(self._ours.dense, x, training)
        return logits + tf.reduce_sum(x * projection, axis=1, keepdims=True)


def draw_bases(ham, shape):
    """Random bases `[batch, channels, rank]` in [0, 1), drawn at every call as published."""
    del ham
    return tf.random.uniform(shape)


def _check(hamburger):
    if hamburger is None:
        return
    ham = hamburger.ham
    if type(ham).__name__ != "NMFLayer" or ham.groups != 1 or hamburger.cheese is not None:
        raise ValueError(
            "The naive networks have an NMF of one group, version 1. Received: "
            f"{type(ham).__name__}"
        )


def ham(layer, x):
    """Reconstruction of `[batch, height, width, channels]` by the NMF that `layer` does."""
    _, height, width, channels = x.shape
    matrix = tf.reshape(x, [-1, height * width, channels])
    bases = draw_bases(layer, [tf.shape(x)[0], channels, layer.rank])
    return tf.reshape(naive_nmf(matrix, bases, layer.steps), [-1, height, width, channels])


def normalized(layer, training):
    """The weight over its largest singular value, by one power iteration; stores the vector."""
    weight, u = tf.convert_to_tensor(layer.raw_weight()), tf.convert_to_tensor(layer.u)
    matrix = tf.reshape(weight, [-1, weight.shape[-1]])
    v = tf.math.l2_normalize(tf.matmul(tf.transpose(matrix), u))
    u = tf.math.l2_normalize(tf.matmul(matrix, v))
    u, v = tf.stop_gradient(u), tf.stop_gradient(v)
    sigma = tf.matmul(tf.matmul(tf.transpose(u), matrix), v)[0, 0]
    if training:
        layer.u.assign(u)
    return weight / (tf.maximum(1.0, sigma) if layer.at_most_one else sigma)


def _conv(layer, x, training):
    x = tf.nn.conv2d(x, normalized(layer, training), strides=1, padding="SAME")
    return tf.nn.bias_add(x, tf.convert_to_tensor(layer.bias)) if layer.use_bias else x


def _dense(layer, x, training):
    return tf.matmul(x, normalized(layer, training)) + layer.bias


def _batch_norm(layer, x, labels, training):
    if training:
        mean, variance = tf.nn.moments(x, axes=[0, 1, 2])
        for stored, new in ((layer.moving_mean, mean), (layer.moving_variance, variance)):
            stored.assign(layer.decay * stored + (1 - layer.decay) * tf.stop_gradient(new))
    else:
        mean = tf.convert_to_tensor(layer.moving_mean)
        variance = tf.convert_to_tensor(layer.moving_variance)
    x = (x - mean) / tf.sqrt(variance + layer.epsilon)
    gamma, beta = tf.convert_to_tensor(layer.gamma), tf.convert_to_tensor(layer.beta)
    if layer.num_classes is not None:
        gamma, beta = tf.gather(gamma, labels), tf.gather(beta, labels)
    return x * gamma + beta


def _up_block(block, inputs, labels, training):
    x = tf.nn.relu(_batch_norm(block.norm1, inputs, labels, training))
    x = _conv(block.conv1, upsample(x), training)
    x = tf.nn.relu(_batch_norm(block.norm2, x, labels, training))
    x = _conv(block.conv2, x, training)
    return x + _conv(block.shortcut, upsample(inputs), training)


def _down_block(block, inputs, training):
    x = inputs if block.first else tf.nn.relu(inputs)
    x = tf.nn.relu(_conv(block.conv1, x, training))
    x, skip = _conv(block.conv2, x, training), inputs
    if block.first:  # The one block in which the published order is this.
        return downsample(x) + _conv(block.shortcut, downsample(skip), training)
    if block.shortcut is not None:
        skip = _conv(block.shortcut, skip, training)
    return downsample(x) + downsample(skip) if block.downsampling else x + skip


def _hamburger(layer, inputs, labels, training):
    x = ham(layer.ham, _conv(layer.lower_bread, inputs, training))
    x = _conv(layer.upper_bread, x, training)
    if layer.normalization is not None:
        x = _batch_norm(layer.normalization, x, labels, training)
    return inputs + layer.gate * x
