"""Concept decomposition as a Keras layer."""

from tensorflow import keras

from ham_tf.decompositions import CD
from ham_tf.layers.arguments import check_positive
from ham_tf.layers.decomposition_layer import DecompositionLayer


@keras.utils.register_keras_serializable(package="ham_tf")
class CDLayer(DecompositionLayer):
    """Low-rank reconstruction of a feature map by concept decomposition.

    `steps` rounds of spherical k-means with soft assignments find the bases;
    ridge regression on them gives the coefficients, and the gradient.

    Args:
        rank: number of bases per channel group.
        steps: rounds when training. The paper uses 6.
        inverse_temperature: what cosine similarities are multiplied by; positive.
        ridge: added to the diagonal of the bases' Gram matrix; positive. 0.01 as
            in the authors' GAN code; 0.1 in their segmentation code.
        **kwargs: `eval_steps`, `groups`, `spatial`, `gradient`, `bases_policy`,
            `bases_initializer`, `momentum`, `return_factors` and `seed`: see
            `DecompositionLayer`; `name`, `dtype` and the other arguments of a
            Keras layer.

    Call arguments:
        inputs: `[batch, height, width, channels]` or `[batch, positions, channels]`.
        training: whether to draw fresh initial bases for every sample.
        mask: boolean `[batch, positions]`, False for padding; see `DecompositionLayer`.

    Returns:
        The reconstruction, with the shape of `inputs`.

    Raises:
        ValueError: see `DecompositionLayer`.

    Example:
        >>> x = keras.Input([32, 32, 256])
        >>> y = CDLayer(rank=32)(x)
        >>> model = keras.Model(x, y)

    Reference:
        Geng et al., "Is Attention Better Than Matrix Decomposition?", ICLR 2021.
    """

    def __init__(self, rank, steps=6, inverse_temperature=100.0, ridge=0.01, **kwargs):
        super().__init__(rank, steps, **kwargs)
        self.inverse_temperature = check_positive("inverse_temperature", inverse_temperature)
        self.ridge = check_positive("ridge", ridge)

    def make_decomposition(self):
        return CD(self.rank, self.inverse_temperature, self.ridge)

    def get_config(self):
        config = super().get_config()
        config.update(inverse_temperature=self.inverse_temperature, ridge=self.ridge)
        return config
