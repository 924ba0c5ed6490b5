"""Keras layers around the decompositions."""

from ham_tf.layers.cd_layer import CDLayer
from ham_tf.layers.decomposition_layer import DecompositionLayer
from ham_tf.layers.dual_ham import DualHam
from ham_tf.layers.em_layer import EMLayer
from ham_tf.layers.hamburger import Hamburger
from ham_tf.layers.nmf_layer import NMFLayer
from ham_tf.layers.published_hamburgers import HamburgerV1, HamburgerV2, HamburgerV2Plus
from ham_tf.layers.self_attention import SelfAttention
from ham_tf.layers.vq_layer import VQLayer

__all__ = [
    "CDLayer",
    "DecompositionLayer",
    "DualHam",
    "EMLayer",
    "Hamburger",
    "HamburgerV1",
    "HamburgerV2",
    "HamburgerV2Plus",
    "NMFLayer",
    "SelfAttention",
    "VQLayer",
]
