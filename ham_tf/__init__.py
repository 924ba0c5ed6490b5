"""Hamburger: global context by matrix decomposition, for Keras 2 and Keras 3.

Import this package before you load a saved model with its layers: that import makes them known to
Keras. Without it `keras.models.load_model` fails with one of these, by Keras and file format:

    Keras 3, .keras   TypeError: ... Could not locate class 'NMFLayer'. Make sure custom classes
                      and functions are decorated with
                      `@keras.saving.register_keras_serializable()`. ...
    Keras 2, .keras   TypeError: 'str' object is not callable
                      TypeError: The added layer must be an instance of class Layer. Received:
                      layer=NMFLayer of type <class 'str'>.
    either, .h5       ValueError: Unknown layer: 'ham_tf>NMFLayer'. ...
"""

# Before anything imports Keras: what is wrong with it is said in one line.
from ham_tf.requirements import check_requirements

check_requirements()

from ham_tf.decompositions import (  # noqa: E402
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
from ham_tf.layers import (  # noqa: E402
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
