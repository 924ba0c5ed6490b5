"""What weights say of a GAN's health: the hamburgers' gates, and all spectral norms."""

import tensorflow as tf

from gan.layers.spectral_normalization import SpectralNormLayer, spectral_norm
from gan.networks import weights_by_path


class WeightCurves:
    """Measures the weights of networks.

    Args:
        networks: "generator" and "discriminator" to Keras models.
    """

    def __init__(self, networks):
        self._networks = networks
        self._measure = tf.function(self.tensors, autograph=False)

    def __call__(self) -> dict[str, float]:
        """Curve names to values: "gate/NETWORK", "spectral_norm/NETWORK/LAYER"."""
        return {name: float(value) for name, value in self._measure().items()}

    def tensors(self) -> dict[str, tf.Tensor]:
        """The same as scalar tensors, for a TF1 graph."""
        values = {}
        for network, model in self._networks.items():
            paths = {id(weight): path for path, weight in weights_by_path(model).items()}
            for layer in model._flatten_layers():
                if isinstance(layer, SpectralNormLayer):
                    weight = tf.convert_to_tensor(layer.raw_weight())
                    path = paths[id(layer.u)].rsplit("/", 1)[0]
                    sigma = spectral_norm(weight, tf.convert_to_tensor(layer.u))
                    values[f"spectral_norm/{network}/{path}"] = sigma
            for weight in model.weights:
                if paths[id(weight)] == "hamburger/gate":
                    values[f"gate/{network}"] = tf.convert_to_tensor(weight)
        return values
