"""The part that all decomposition layers share: shapes, groups, dtype, seed."""

import abc

import tensorflow as tf
from tensorflow import keras

from ham_tf.decompositions import Decomposition
from ham_tf.one_step_gradient import factorize


def _check_integer(name, value, minimum):
    if not isinstance(value, int) or isinstance(value, bool) or value < minimum:
        raise ValueError(
            f"`{name}` must be an integer of at least {minimum}. Received: {name}={value!r}"
        )


class DecompositionLayer(keras.layers.Layer):
    """Abstract layer that replaces a feature map by its low-rank reconstruction.

    A final layer adds its algorithm's arguments, `get_config` and
    `make_decomposition`; it contains no shapes and no linear algebra.

    The decomposition runs in float32 at least, whatever the compute dtype.
    With `training=True` every sample gets freshly drawn initial bases, as
    published; otherwise one fixed draw serves all samples, so that inference is
    deterministic and a sample's result does not depend on its batch.

    Args:
        rank: number of bases per channel group, at least 1.
        steps: alternations without gradient when training, at least 0.
        eval_steps: the same at inference; None means `steps`.
        groups: the channels are split into this many consecutive groups that
            are factorised separately; must divide the channels.
        seed: integer or None. Chooses the fixed draw of inference (None: 0) and
            distinguishes the draws of training, which are reproducible after
            `keras.utils.set_random_seed`, though not under XLA.

    Call arguments:
        inputs: `[batch, height, width, channels]` or `[batch, positions, channels]`.
        training: whether to draw fresh bases and take `steps` for `eval_steps`.

    Returns:
        The reconstruction, with the shape of `inputs` and the layer's compute dtype.
    """

    def __init__(self, rank, steps=6, eval_steps=None, groups=1, seed=None, **kwargs):
        super().__init__(**kwargs)
        _check_integer("rank", rank, 1)
        _check_integer("steps", steps, 0)
        if eval_steps is not None:
            _check_integer("eval_steps", eval_steps, 0)
        _check_integer("groups", groups, 1)
        if seed is not None:
            _check_integer("seed", seed, 0)
        self.rank = rank
        self.steps = steps
        self.eval_steps = eval_steps
        self.groups = groups
        self.seed = seed

    @abc.abstractmethod
    def make_decomposition(self) -> Decomposition:
        """Returns the layer's algorithm."""

    def build(self, input_shape):
        if len(input_shape) not in (3, 4):
            raise ValueError(
                "`inputs` must have shape [batch, height, width, channels] or "
                f"[batch, positions, channels]. Received: shape={tuple(input_shape)}"
            )
        channels = input_shape[-1]
        if channels is None:
            raise ValueError(
                "The last axis of `inputs` (channels) must be known when the layer is built. "
                f"Received: shape={tuple(input_shape)}"
            )
        if channels % self.groups:
            raise ValueError(
                f"`groups` must divide the channels. Received: groups={self.groups} "
                f"for {channels} channels"
            )
        self.built = True

    def call(self, inputs, training=None):
        decomposition = self.make_decomposition()
        compute_dtype = tf.float64 if inputs.dtype == tf.float64 else tf.float32
        # Static sizes where they are known: TPUs need them.
        shape = [known or size for known, size in zip(inputs.shape, tf.unstack(tf.shape(inputs)))]
        batch, positions, channels = shape[0], -1, inputs.shape[-1]
        group_channels = channels // self.groups

        x = tf.reshape(tf.cast(inputs, compute_dtype), [batch, positions, channels])
        samples = batch if training else 1
        bases_shape = [samples, group_channels, self.rank]
        if self.groups > 1:
            x = tf.reshape(x, [batch, positions, self.groups, group_channels])
            x = tf.transpose(x, [0, 2, 1, 3])
            bases_shape.insert(1, self.groups)
        bases = decomposition.draw_bases(bases_shape, self._draw_seed(training), compute_dtype)

        eval_steps = self.steps if self.eval_steps is None else self.eval_steps
        y, _ = factorize(decomposition, x, bases, self.steps if training else eval_steps)

        if self.groups > 1:
            y = tf.transpose(y, [0, 2, 1, 3])
        return tf.cast(tf.reshape(y, shape), inputs.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        config = super().get_config()
        config.update(
            rank=self.rank,
            steps=self.steps,
            eval_steps=self.eval_steps,
            groups=self.groups,
            seed=self.seed,
        )
        return config

    def _draw_seed(self, training):
        if not training:
            return tf.constant([self.seed or 0, 0], tf.int32)
        # A seed from the stateful generator needs no variable, so it works in a
        # TF1 graph, where nobody would run the variable's update.
        return tf.random.uniform([2], maxval=tf.int32.max, dtype=tf.int32, seed=self.seed)
