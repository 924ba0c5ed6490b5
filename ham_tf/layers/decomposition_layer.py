"""The part that all decomposition layers share: shapes, groups, bases, dtype, seed."""

import math

import tensorflow as tf
from tensorflow import keras

from ham_tf.decompositions import GRADIENTS, Decomposition, factorize, unit_bases
from ham_tf.decompositions.large_inputs import limit
from ham_tf.layers.arguments import (
    check_boolean,
    check_channels_last,
    check_choice,
    check_floating,
    check_inputs,
    check_integer,
    check_positive,
    refuse_mask,
)
from ham_tf.layers.draw_seeds import DrawSeeds
from ham_tf.layers.initial_bases import check_initializer, draw_initial_bases
from ham_tf.layers.shapes import per_position, positions, sizes, with_channels
from ham_tf.layers.sublayers import add_float_weight

BASES_POLICIES = ("fresh_in_training", "fresh", "fixed", "online", "online_at_inference")


class DecompositionLayer(keras.layers.Layer):
    """Abstract layer that replaces a feature map by its low-rank reconstruction.

    A final layer adds its algorithm's arguments, `get_config` and
    `make_decomposition`; it contains no shapes and no linear algebra.

    The decomposition runs in float32, or in float64 if that is the layer's
    dtype, and returns the layer's compute dtype. Values beyond the range of
    float16 are returned as its largest.

    Args:
        rank: number of bases per channel group, from 1 to the channels of a group.
        steps: alternations when training, at least 0.
        eval_steps: the same at inference; None means `steps`.
        groups: the channels are split into this many consecutive groups that
            are factorised separately; must divide the channels.
        spatial: True to describe each pixel by bases over the channels; False to
            factorise the transposed matrix, each channel by bases over the pixels.
        gradient: which steps the gradient passes through: `"one_step"`,
            `"last_step"` or `"unrolled"`; see `ham_tf.decompositions.factorize`.
        bases_policy: where the initial bases come from.
            `"fresh_in_training"`: drawn anew for every sample and training call;
            one fixed draw for all samples at inference, which is deterministic
            and makes a sample's result independent of its batch. (Where the
            forward pass runs twice, as under `tf.recompute_grad`, it draws
            twice: take `"fixed"` there.)
            `"fresh"`: drawn anew at inference too, as published.
            `"fixed"`: one stored draw at unit length, a weight that is never changed.
            `"online"`: a stored draw that every training call moves towards the
            mean of the final bases of its samples.
            `"online_at_inference"`: the same, but moved by inference calls and
            not by training, as in the authors' segmentation code.
            A layer that is not `trainable` leaves its stored bases as they are.
        bases_initializer: Keras initializer called with the shape
            `[samples, groups, channels / groups, rank]`, samples being 1 for
            fixed and stored draws (for `spatial=False` pixels take the place of
            channels / groups); None for the algorithm's own law. RandomUniform,
            RandomNormal and TruncatedNormal without a seed draw as the policy
            says; other random ones need a seed. These, and those that are not
            random, return what they return at every call. Stored draws are
            scaled to unit length.
        momentum: the moving average's weight of the *new* bases (η), in (0, 1].
            The stored ones are then scaled to unit length.
        return_factors: whether to return coefficients and bases as well.
        seed: integer in [0, 2³¹), or None. With it the draws of training
            repeat; without, they follow what `keras.utils.set_random_seed` was
            given before the layer is built. Which draw comes next is saved in
            TensorFlow checkpoints and SavedModels, not in `.keras` and `.h5`
            files, after which they start again. Also chooses the fixed draw
            (None: 0).
        **kwargs: `name`, `dtype` and the other arguments of a Keras layer.

    Call arguments:
        inputs: floating point `[batch, height, width, channels]` or
            `[batch, positions, channels]`; all but the channels may be unknown,
            and all once the layer is built.
        training: whether to take `steps` or `eval_steps`, and fresh bases.
        mask: boolean `[batch, positions]`, for images `[batch, height, width]` or
            `[batch, height]`; None for none. What it marks as padding, by False, is as good as
            not there, and 0 in the result. Keras passes on that of `Embedding(mask_zero=True)`
            or `Masking` by itself.

    Returns:
        The reconstruction, with the shape of `inputs`. With `return_factors` a
        tuple of it, the coefficients `[batch, groups, positions, rank]` and the
        bases `[batch, groups, channels / groups, rank]`, whose product it is
        (`spatial=False`: coefficients `[batch, groups, channels / groups, rank]`,
        bases `[batch, groups, positions, rank]`).

    Raises:
        ValueError: for an argument out of range, a random initializer that must
            have a seed and has none, inputs of another rank or of integers,
            unknown channels, Keras's global `channels_first`, channels that are not a
            multiple of `groups` or
            have fewer than `rank` per group, or inputs that do not fit the
            stored bases.
    """

    def __init__(
        self,
        rank,
        steps=6,
        eval_steps=None,
        groups=1,
        spatial=True,
        gradient="one_step",
        bases_policy="fresh_in_training",
        bases_initializer=None,
        momentum=0.9,
        return_factors=False,
        seed=None,
        **kwargs,
    ):
        # Not cast by Keras: float16 would lose what float32 inputs hold.
        super().__init__(autocast=False, **kwargs)
        self.rank = check_integer("rank", rank, 1)
        self.steps = check_integer("steps", steps, 0)
        self.eval_steps = None if eval_steps is None else check_integer("eval_steps", eval_steps, 0)
        self.groups = check_integer("groups", groups, 1)
        self.spatial = check_boolean("spatial", spatial)
        self.gradient = check_choice("gradient", gradient, GRADIENTS)
        self.bases_policy = check_choice("bases_policy", bases_policy, BASES_POLICIES)
        self.bases_initializer = check_initializer(keras.initializers.get(bases_initializer))
        self.momentum = check_positive("momentum", momentum)
        if self.momentum > 1:
            raise ValueError(f"`momentum` must be at most 1. Received: momentum={momentum!r}")
        self.return_factors = check_boolean("return_factors", return_factors)
        self.seed = None if seed is None else check_integer("seed", seed, 0, 2**31 - 1)
        self._draw_seeds = DrawSeeds(self.seed)

    def make_decomposition(self) -> Decomposition:
        """Returns the layer's algorithm."""
        raise NotImplementedError

    @property
    def stores_bases(self):
        """Whether the initial bases are a weight."""
        return self.bases_policy in ("fixed", "online", "online_at_inference")

    @property
    def draw_count(self):
        """The variable that counts the draws of fresh bases, int64; None if there are none."""
        return getattr(getattr(self, "_draws", None), "count", None)

    def build(self, input_shape):
        input_shape = tuple(input_shape)
        check_inputs(input_shape)
        check_channels_last(self, input_shape)
        channels = input_shape[-1]
        if channels % self.groups:
            raise ValueError(
                f"`groups` must divide the channels. Received: groups={self.groups} "
                f"for {channels} channels"
            )
        if self.rank > channels // self.groups:
            raise ValueError(
                "`rank` must not exceed the channels of a group: nothing would be of low rank. "
                f"Received: rank={self.rank} for {channels} channels in {self.groups} groups"
            )
        self._built_for = input_shape
        self._channels = channels
        if self.stores_bases:
            features = positions(input_shape) if not self.spatial else channels // self.groups
            if features is None:
                raise ValueError(
                    f"With `spatial=False`, `bases_policy={self.bases_policy!r}` stores bases over "
                    "the pixels, whose number must be known when the layer is built. "
                    f"Received: shape={input_shape}"
                )
            self.bases = add_float_weight(
                self,
                name="bases",
                shape=[1, self.groups, features, self.rank],
                initializer=self._stored_bases,
            )
        else:
            self._draws = self._draw_seeds.build()
        self.built = True

    def call(self, inputs, training=None, mask=None):
        inputs = with_channels(inputs, self._built_for)
        self._check_inputs(inputs)
        if mask is not None:
            self._check_mask(mask)
            mask = per_position(mask, inputs)
        if tf.is_tensor(training):  # as in Keras 2 functional models
            known = tf.get_static_value(training)
            if known is None:
                return tf.cond(
                    tf.cast(training, tf.bool),
                    lambda: self._decompose(inputs, mask, True),
                    lambda: self._decompose(inputs, mask, False),
                )
            training = known
        return self._decompose(inputs, mask, bool(training))

    def compute_output_spec(self, inputs, *args, **kwargs):
        check_floating(inputs.dtype)  # Functional models of Keras 3 do not trace `call`.
        return super().compute_output_spec(inputs, *args, **kwargs)

    def compute_output_shape(self, input_shape):
        input_shape = tuple(input_shape)
        if not self.return_factors:
            return input_shape
        batch, features = input_shape[0], input_shape[-1] // self.groups
        samples = positions(input_shape)
        if not self.spatial:
            samples, features = features, samples
        return (
            input_shape,
            (batch, self.groups, samples, self.rank),
            (batch, self.groups, features, self.rank),
        )

    def compute_mask(self, inputs, mask=None):
        del inputs
        if mask is None:
            return None
        self._check_mask(mask)
        return [mask, None, None] if self.return_factors else mask

    def get_config(self):
        config = super().get_config()
        config.update(
            rank=self.rank,
            steps=self.steps,
            eval_steps=self.eval_steps,
            groups=self.groups,
            spatial=self.spatial,
            gradient=self.gradient,
            bases_policy=self.bases_policy,
            bases_initializer=keras.initializers.serialize(self.bases_initializer)
            if self.bases_initializer is not None
            else None,
            momentum=self.momentum,
            return_factors=self.return_factors,
            seed=self.seed,
        )
        return config

    def _check_inputs(self, inputs):
        check_inputs(inputs.shape, inputs.dtype)
        if inputs.shape[-1] != self._channels:
            raise ValueError(
                f"`inputs` must have the {self._channels} channels the layer was built for. "
                f"Received: shape={tuple(inputs.shape)}"
            )
        if self.stores_bases and not self.spatial:
            found, stored = positions(inputs.shape), self.bases.shape[2]
            if found not in (None, stored):
                raise ValueError(
                    f"`inputs` must have the {stored} pixels of the stored bases. "
                    f"Received: shape={tuple(inputs.shape)} with {found}"
                )

    def _check_mask(self, mask):
        if not self.spatial:  # Each pixel is a feature there, of bases drawn for all of them.
            refuse_mask(self, mask, "`spatial=False` describes the channels by all pixels")

    def _decompose(self, inputs, mask, training):
        decomposition = self.make_decomposition()
        # Static sizes where they are known: TPUs need them.
        shape = sizes(inputs)
        x = tf.cast(inputs, self._decomposition_dtype())
        if inputs.dtype == tf.float16:  # what overflowed counts as the largest number
            x = limit(x, tf.float16.max)
        x = self._to_matrices(x, shape)
        bases = self._initial_bases(decomposition, sizes(x), training)
        steps = self.steps if training or self.eval_steps is None else self.eval_steps
        y, factors = factorize(decomposition, x, bases, steps, self.gradient, mask)

        updates = {"online": training, "online_at_inference": not training}
        if self.trainable and updates.get(self.bases_policy, False):
            y = self._with_updated_bases(y, factors.bases)
        y = self._to_compute_dtype(self._from_matrices(y, shape))
        if not self.return_factors:
            return y
        bases = tf.linalg.matrix_transpose(factors.bases)
        return y, self._to_compute_dtype(factors.coefficients), self._to_compute_dtype(bases)

    def _to_matrices(self, x, shape):
        """`[batch, ..., channels]` to `[batch, groups, positions, channels / groups]`."""
        positions = math.prod(shape[1:-1])
        size = [shape[0], positions, self.groups, self._channels // self.groups]
        if self.groups == 1:  # nothing to transpose, or plainly: ONNX converters trip over more
            x = tf.reshape(x, [size[0], 1, positions, self._channels])
            return x if self.spatial else tf.linalg.matrix_transpose(x)
        return tf.transpose(tf.reshape(x, size), [0, 2, 1, 3] if self.spatial else [0, 2, 3, 1])

    def _from_matrices(self, y, shape):
        if self.groups == 1:
            y = y if self.spatial else tf.linalg.matrix_transpose(y)
        else:
            y = tf.transpose(y, [0, 2, 1, 3] if self.spatial else [0, 3, 1, 2])
        return tf.reshape(y, shape)

    def _initial_bases(self, decomposition, matrix_shape, training):
        if self.stores_bases:
            return tf.cast(tf.convert_to_tensor(self.bases), self._decomposition_dtype())
        fresh = training or self.bases_policy == "fresh"
        samples = matrix_shape[0] if fresh else 1
        shape = [samples, self.groups, matrix_shape[-1], self.rank]
        seed = self._draw_seeds.next() if fresh else self._draw_seeds.fixed()
        dtype = self._decomposition_dtype()
        return draw_initial_bases(decomposition, self.bases_initializer, shape, seed, dtype)

    def _stored_bases(self, shape, dtype=None, **kwargs):
        """Initial value of the weight: the draw that inference would use, at unit length."""
        del kwargs
        dtype = tf.as_dtype(dtype or "float32")
        seed = self._draw_seeds.fixed()
        decomposition = self.make_decomposition()
        return unit_bases(
            draw_initial_bases(decomposition, self.bases_initializer, list(shape), seed, dtype)
        )

    def _with_updated_bases(self, y, bases):
        """Moves the stored bases towards the mean of `bases`, and returns `y`."""
        bases = tf.linalg.matrix_transpose(tf.stop_gradient(bases))
        # A sample that is not finite must not reach the others through the average.
        finite = tf.reduce_all(tf.math.is_finite(bases), axis=[1, 2, 3], keepdims=True)
        total = tf.reduce_sum(tf.where(finite, bases, 0), axis=0, keepdims=True)
        count = tf.reduce_sum(tf.cast(finite, bases.dtype))
        context = tf.distribute.get_replica_context()
        if context is not None and context.num_replicas_in_sync > 1:
            total, count = context.all_reduce(tf.distribute.ReduceOp.SUM, [total, count])
        stored = tf.cast(tf.convert_to_tensor(self.bases), bases.dtype)
        moved = stored + self.momentum * (total / tf.maximum(count, 1) - stored)
        # A basis that blank images moved to zero has no direction to go on from.
        length = tf.norm(moved, axis=-2, keepdims=True)
        moved = self.make_decomposition().revive(tf.where(length > 1e-6, unit_bases(moved), stored))
        update = self.bases.assign(tf.where(count > 0, moved, stored))
        if tf.compat.v1.executing_eagerly_outside_functions():
            return y
        # In a TF1 graph nothing runs that no output depends on.
        with tf.control_dependencies([update]):
            return tf.identity(y)

    def _decomposition_dtype(self):
        return tf.float64 if self.compute_dtype == "float64" else tf.float32

    def _to_compute_dtype(self, x):
        # Only float16 has a smaller range than what the decomposition runs in.
        if self.compute_dtype == "float16":
            x = limit(x, tf.float16.max)
        return tf.cast(x, self.compute_dtype)
