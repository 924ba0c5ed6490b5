"""Hamburger: global context by matrix decomposition, for Keras 2 and Keras 3."""

from ham_tf.decompositions import NMF, Decomposition, Factors
from ham_tf.layers import Hamburger, NMFLayer
from ham_tf.one_step_gradient import factorize

__all__ = ["NMF", "Decomposition", "Factors", "Hamburger", "NMFLayer", "factorize"]
__version__ = "0.1.0"
