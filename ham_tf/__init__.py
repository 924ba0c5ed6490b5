"""Hamburger: global context by matrix decomposition, for Keras 2 and Keras 3."""

from ham_tf.decompositions import (
    CD,
    EM,
    NMF,
    VQ,
    Decomposition,
    Factors,
    cd,
    em,
    factorize,
    nmf,
    vq,
)
from ham_tf.layers import (
    CDLayer,
    DecompositionLayer,
    DualHam,
    EMLayer,
    Hamburger,
    HamburgerV1,
    HamburgerV2,
    HamburgerV2Plus,
    NMFLayer,
    SelfAttention,
    VQLayer,
)

__all__ = [
    "CD",
    "EM",
    "NMF",
    "VQ",
    "CDLayer",
    "Decomposition",
    "DecompositionLayer",
    "DualHam",
    "EMLayer",
    "Factors",
    "Hamburger",
    "HamburgerV1",
    "HamburgerV2",
    "HamburgerV2Plus",
    "NMFLayer",
    "SelfAttention",
    "VQLayer",
    "cd",
    "em",
    "factorize",
    "nmf",
    "vq",
]
__version__ = "0.2.0"
