"""Drawing initial bases, by the algorithm's own law or by a Keras initializer."""

import tensorflow as tf
from tensorflow import keras

from ham_tf.decompositions.random_draws import normal, truncated_normal, uniform

# By class, and not by isinstance: a class derived from one may draw by another law.
_DRAWN_HERE = {
    keras.initializers.RandomUniform: lambda shape, seed, law, dtype: uniform(
        shape, seed, law["minval"], law["maxval"], dtype
    ),
    keras.initializers.RandomNormal: lambda shape, seed, law, dtype: normal(
        shape, seed, law["mean"], law["stddev"], dtype
    ),
    keras.initializers.TruncatedNormal: lambda shape, seed, law, dtype: truncated_normal(
        shape, seed, law["mean"], law["stddev"], dtype
    ),
}


def _unseeded_law(initializer):
    """The configuration of a random initializer without a seed; None for any other."""
    config = initializer.get_config() if hasattr(initializer, "get_config") else {}
    return config if config.get("seed", 0) is None else None


def check_initializer(initializer):
    """Returns `initializer`.

    Raises:
        ValueError: for a random one without a seed that cannot be drawn from the layer's seed.
    """
    if _unseeded_law(initializer) is not None and type(initializer) not in _DRAWN_HERE:
        raise ValueError(
            "`bases_initializer` must be RandomUniform, RandomNormal or TruncatedNormal, which are "
            "drawn from the layer's seed, or have a seed of its own, with which it returns the "
            "same numbers at every call, or return constants. "
            f"Received: bases_initializer={type(initializer).__name__} without a seed"
        )
    return initializer


def draw_initial_bases(decomposition, initializer, shape, seed, dtype):
    """Draws initial bases.

    Keras's random initializers return the same numbers at every call, and under
    XLA others than elsewhere. Its plain ones without a seed are therefore drawn
    here, from the layer's seed; any other is called. What comes of either is mapped into
    the algorithm's domain, as by NMF's absolute values.

    Args:
        decomposition: draws if there is no initializer.
        initializer: a Keras initializer or None.
        shape: `[samples, groups, channels, rank]`, integers or scalar tensors.
        seed: `[2]` integers.
        dtype: floating point type of the result.

    Returns:
        Bases of that shape.

    Raises:
        ValueError: if the initializer returns another shape, or can draw none
            whose samples are unknown.
    """
    if initializer is None:
        return decomposition.draw_bases(shape, seed, dtype)
    law = _unseeded_law(initializer)
    if law is None:
        bases = tf.cast(tf.convert_to_tensor(_call(initializer, shape, dtype)), dtype)
    else:
        bases = _DRAWN_HERE[type(initializer)](shape, seed, law, dtype)
    wanted = tf.TensorShape([s if isinstance(s, int) else None for s in shape])
    if not wanted.is_compatible_with(bases.shape):
        raise ValueError(
            "`bases_initializer` must return the shape it is called with, [samples, groups, "
            f"channels / groups, rank] = {wanted.as_list()}. Received: {bases.shape.as_list()}"
        )
    return decomposition.admit(bases)


def _call(initializer, shape, dtype):
    try:
        return initializer(shape, dtype=dtype)
    except TypeError as error:
        if all(isinstance(size, int) for size in shape):
            raise
        raise ValueError(
            "`bases_initializer` cannot draw bases for a number of samples that is not known "
            "when the model is put together. Give the inputs a fixed batch size, use "
            "`bases_policy='fixed'` or another initializer. "
            f"Received: bases_initializer={initializer!r}"
        ) from error
