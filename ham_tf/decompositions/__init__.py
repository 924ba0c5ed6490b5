"""Matrix decompositions as pure functions of tensors, usable without Keras."""

from ham_tf.decompositions.concept_decomposition import CD
from ham_tf.decompositions.decomposition import Decomposition, Factors, unit_bases
from ham_tf.decompositions.expectation_maximization import EM
from ham_tf.decompositions.factorization import GRADIENTS, factorize
from ham_tf.decompositions.functional import cd, em, nmf, vq
from ham_tf.decompositions.non_negative_matrix_factorization import NMF
from ham_tf.decompositions.vector_quantization import VQ

__all__ = [
    "CD",
    "EM",
    "GRADIENTS",
    "NMF",
    "VQ",
    "Decomposition",
    "Factors",
    "cd",
    "em",
    "factorize",
    "nmf",
    "unit_bases",
    "vq",
]
