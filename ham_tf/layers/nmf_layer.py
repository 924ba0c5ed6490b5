"""NMF as a Keras layer."""

from tensorflow import keras

from ham_tf.decompositions import NMF
from ham_tf.layers.decomposition_layer import DecompositionLayer


@keras.utils.register_keras_serializable(package="ham_tf")
class NMFLayer(DecompositionLayer):
    """Low-rank reconstruction of a feature map by non-negative matrix factorisation.

    Computes `C B ≈ relu(x)` by `steps` multiplicative updates and back-propagates
    through one more update of `C` only. Cost and memory grow linearly with the
    number of pixels.

    Args:
        rank: number of bases per channel group; an eighth of the channels is a
            good start.
        steps: updates without gradient when training. The paper uses 6.
        eval_steps: updates at inference; None means `steps`.
        groups: number of consecutive channel groups factorised separately.
        epsilon: added to every denominator; positive.
        seed: integer or None; see `DecompositionLayer`.
        **kwargs: `name`, `dtype` and the other arguments of a Keras layer.

    Call arguments:
        inputs: `[batch, height, width, channels]` or `[batch, positions, channels]`.
            Negative values count as zero.
        training: whether to draw fresh initial bases for every sample.

    Returns:
        The reconstruction: non-negative, with the shape of `inputs`.

    Raises:
        ValueError: for a rank, steps, groups or epsilon out of range, inputs of
            another rank, unknown channels, or channels not divisible by `groups`.

    Example:
        >>> x = keras.Input([32, 32, 256])
        >>> y = NMFLayer(rank=32)(x)
        >>> keras.Model(x, y)

    Reference:
        Geng et al., "Is Attention Better Than Matrix Decomposition?", ICLR 2021.
    """

    def __init__(self, rank, steps=6, eval_steps=None, groups=1, epsilon=1e-6, seed=None, **kwargs):
        super().__init__(rank, steps, eval_steps, groups, seed, **kwargs)
        if not epsilon > 0:
            raise ValueError(f"`epsilon` must be positive. Received: epsilon={epsilon!r}")
        self.epsilon = epsilon

    def make_decomposition(self):
        return NMF(rank=self.rank, epsilon=self.epsilon)

    def get_config(self):
        config = super().get_config()
        config.update(epsilon=self.epsilon)
        return config
