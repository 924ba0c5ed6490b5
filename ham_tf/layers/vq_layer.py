"""Vector quantisation as a Keras layer."""

from tensorflow import keras

from ham_tf.decompositions import VQ
from ham_tf.layers.arguments import check_positive
from ham_tf.layers.decomposition_layer import DecompositionLayer


@keras.utils.register_keras_serializable(package="ham_tf")
class VQLayer(DecompositionLayer):
    """Reconstruction of a feature map by soft vector quantisation.

    `steps` rounds of k-means with soft assignments find the codewords; each
    pixel becomes a mixture of them.

    Args:
        rank: number of codewords per channel group.
        steps: rounds when training. The paper uses 6.
        inverse_temperature: what cosine similarities are multiplied by; positive.
        **kwargs: `eval_steps`, `groups`, `spatial`, `gradient`, `bases_policy`,
            `bases_initializer`, `momentum`, `return_factors` and `seed`: see
            `DecompositionLayer`; `name`, `dtype` and the other arguments of a
            Keras layer.

    Call arguments:
        inputs: `[batch, height, width, channels]` or `[batch, positions, channels]`.
        training: whether to draw fresh initial codewords for every sample.
        mask: boolean `[batch, positions]`, False for padding; see `DecompositionLayer`.

    Returns:
        The reconstruction, with the shape of `inputs`.

    Raises:
        ValueError: see `DecompositionLayer`.

    Example:
        >>> x = keras.Input([32, 32, 256])
        >>> y = VQLayer(rank=32)(x)
        >>> model = keras.Model(x, y)

    Reference:
        Geng et al., "Is Attention Better Than Matrix Decomposition?", ICLR 2021.
    """

    def __init__(self, rank, steps=6, inverse_temperature=100.0, **kwargs):
        super().__init__(rank, steps, **kwargs)
        self.inverse_temperature = check_positive("inverse_temperature", inverse_temperature)

    def make_decomposition(self):
        return VQ(self.rank, self.inverse_temperature)

    def get_config(self):
        config = super().get_config()
        config.update(inverse_temperature=self.inverse_temperature)
        return config
