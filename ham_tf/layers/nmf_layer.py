"""NMF as a Keras layer."""

from tensorflow import keras

from ham_tf.decompositions import NMF
from ham_tf.layers.arguments import check_boolean, check_positive
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
        steps: updates when training. The paper uses 6.
        epsilon: added to every denominator; positive.
        normalize_bases: whether drawn bases are scaled to unit length, as in the
            authors' segmentation code; their GAN code takes them as drawn.
        relu: whether the inputs pass through a relu first; False for inputs that
            are known not to be negative.
        bases_initializer: absolute values are taken of what it draws;
            `RandomUniform(0.0, 1.0)` is the default law.
        **kwargs: `eval_steps`, `groups`, `spatial`, `gradient`, `bases_policy`,
            `momentum`, `return_factors` and `seed`: see
            `DecompositionLayer`; `name`, `dtype` and the other arguments of a
            Keras layer.

    Call arguments:
        inputs: `[batch, height, width, channels]` or `[batch, positions, channels]`.
            Negative values count as zero (`relu`).
        training: whether to draw fresh initial bases for every sample.
        mask: boolean `[batch, positions]`, False for padding; see `DecompositionLayer`.

    Returns:
        The reconstruction: non-negative, with the shape of `inputs`.

    Raises:
        ValueError: see `DecompositionLayer`.

    Example:
        >>> x = keras.Input([32, 32, 256])
        >>> y = NMFLayer(rank=32)(x)
        >>> model = keras.Model(x, y)

    Reference:
        Geng et al., "Is Attention Better Than Matrix Decomposition?", ICLR 2021.
    """

    def __init__(self, rank, steps=6, epsilon=1e-6, normalize_bases=False, relu=True, **kwargs):
        super().__init__(rank, steps, **kwargs)
        self.epsilon = check_positive("epsilon", epsilon)
        self.normalize_bases = check_boolean("normalize_bases", normalize_bases)
        self.relu = check_boolean("relu", relu)

    def make_decomposition(self):
        return NMF(self.rank, self.epsilon, self.normalize_bases, self.relu)

    def get_config(self):
        config = super().get_config()
        config.update(epsilon=self.epsilon, normalize_bases=self.normalize_bases, relu=self.relu)
        return config
