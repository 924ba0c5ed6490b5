"""Matrix decompositions as pure functions of tensors, usable without Keras."""

from ham_tf.decompositions.decomposition import Decomposition, Factors
from ham_tf.decompositions.nmf import NMF

__all__ = ["NMF", "Decomposition", "Factors"]
