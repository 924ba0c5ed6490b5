"""Expectation-maximisation attention as a Keras layer."""

from tensorflow import keras

from ham_tf.decompositions import EM
from ham_tf.layers.decomposition_layer import DecompositionLayer


@keras.utils.register_keras_serializable(package="ham_tf")
class EMLayer(DecompositionLayer):
    """Reconstruction of a feature map by the unit of EMANet, to compare with.

    Args:
        rank: number of bases per channel group. EMANet uses 64.
        steps: rounds when training. EMANet uses 3.
        bases_policy: EMANet's moving average, which it updates with weight 0.1
            (`momentum`), is the default.
        momentum: weight of the new bases in that average.
        **kwargs: `eval_steps`, `groups`, `spatial`, `gradient`,
            `bases_initializer`, `return_factors` and `seed`: see
            `DecompositionLayer`; `name`, `dtype` and the other arguments of a
            Keras layer.

    Call arguments:
        inputs: `[batch, height, width, channels]` or `[batch, positions, channels]`.
        training: whether to move the stored bases.
        mask: boolean `[batch, positions]`, False for padding; see `DecompositionLayer`.

    Returns:
        The reconstruction, with the shape of `inputs`.

    Raises:
        ValueError: see `DecompositionLayer`.

    Reference:
        Li et al., "Expectation-Maximization Attention Networks for Semantic
        Segmentation", ICCV 2019.
    """

    def __init__(self, rank, steps=3, bases_policy="online", momentum=0.1, **kwargs):
        super().__init__(rank, steps, bases_policy=bases_policy, momentum=momentum, **kwargs)

    def make_decomposition(self):
        return EM(self.rank)
