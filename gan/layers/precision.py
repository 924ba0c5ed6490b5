"""Which parts of a 16-bit network stay in 32 bits."""

import tensorflow as tf

from ham_tf.layers.sublayers import KERAS_3

_KEEP = {"autocast": False} if KERAS_3 else {"experimental_autocast": False}


def wide_dtype(policy):
    """The dtype of what must not lose digits: float32 for 16-bit policies, else the policy's own.

    Args:
        policy: a Keras dtype policy, as `layer.dtype_policy`.
    """
    is_narrow = policy.compute_dtype in ("float16", "bfloat16")
    return "float32" if is_narrow else policy.compute_dtype


def widened(layer, x):
    """`x` in the wide dtype of `layer`'s policy."""
    return tf.cast(x, wide_dtype(layer.dtype_policy))


def add_wide_weight(layer, **arguments):
    """Adds a weight to `layer` that is read as it is stored, whatever the compute dtype.

    Args:
        layer: being built.
        **arguments: of `Layer.add_weight`.
    """
    return layer.add_weight(**arguments, **_KEEP)
