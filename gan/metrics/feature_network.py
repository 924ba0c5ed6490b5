"""What a feature network is, and running one over many images."""

import sys
from collections.abc import Iterable
from typing import NamedTuple, Protocol

import numpy as np
import tensorflow as tf
from tqdm import tqdm


class FeatureNetwork(Protocol):
    """A classifier whose features and logits judge images.

    A figure means nothing without the network it was measured with: the
    attributes go into its name and its record.

    Attributes:
        name: of the weights.
        conditions: the same, and how images are resized for it.
        sha256: of the weights, in hexadecimal.
        most_images: that it should be given at once.
        knows_labels: whether its classes are those of the data.
        distance, score, kernel: what the three metrics are called with it.
    """

    name: str
    conditions: str
    sha256: str
    most_images: int
    knows_labels: bool
    distance: str
    score: str
    kernel: str

    def __call__(self, images):
        """Images float32 `[batch, size, size, channels]` in [-1, 1] to features
        `[batch, values]` and logits `[batch, classes]`. May be called in a `tf.function`."""


class Activations(NamedTuple):
    """Features `[count, values]` and logits `[count, classes]` of many images, in NumPy."""

    features: np.ndarray
    logits: np.ndarray


class NetworkRunner:
    """Runs a network over many images, again and again; its graphs are made once.

    Args:
        network: the network.
    """

    def __init__(self, network: FeatureNetwork):
        self._most_images = network.most_images
        self._function = tf.function(network.__call__, autograph=False, reduce_retracing=True)

    def __call__(self, batches: Iterable[np.ndarray], count: int, title: str) -> Activations:
        """Runs the network, with a progress bar on a terminal.

        Args:
            batches: of images `[batch, size, size, channels]`, of any sizes.
            count: number of all images.
            title: of the progress bar.
        """
        features, logits = [], []
        with tqdm(
            total=count,
            desc=title,
            unit=" images",
            leave=False,
            dynamic_ncols=True,
            disable=not sys.stderr.isatty(),
        ) as bar:
            for batch in batches:
                for first in range(0, len(batch), self._most_images):
                    part = tf.constant(batch[first : first + self._most_images])
                    outputs = self._function(part)
                    features.append(outputs[0].numpy())
                    logits.append(outputs[1].numpy())
                bar.update(len(batch))
        return Activations(np.concatenate(features), np.concatenate(logits))
