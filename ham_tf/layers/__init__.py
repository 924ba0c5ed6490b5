"""Keras layers around the decompositions."""

from ham_tf.layers.hamburger import Hamburger
from ham_tf.layers.nmf_layer import NMFLayer

__all__ = ["Hamburger", "NMFLayer"]
