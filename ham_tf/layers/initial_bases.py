"""Drawing initial bases, by the algorithm's own law or by a Keras initializer."""

import tensorflow as tf
from tensorflow import keras

from ham_tf.decompositions.random_draws import normal, truncated_normal, uniform


def draw_initial_bases(decomposition, initializer, shape, seed, dtype):
    """Draws initial bases.

    Keras's random initializers return the same numbers at every call, and under
    XLA others than elsewhere. Its plain ones without a seed are therefore drawn
    here, from the layer's seed; what any other initializer returns is taken as it is.

    Args:
        decomposition: draws if there is no initializer.
        initializer: a Keras initializer or None.
        shape: `[samples, groups, channels, rank]`, integers or scalar tensors.
        seed: `[2]` integers.
        dtype: floating point type of the result.

    Returns:
        Bases of that shape.

    Raises:
        ValueError: if the initializer returns another shape.
    """
    if initializer is None:
        return decomposition.draw_bases(shape, seed, dtype)
    config = initializer.get_config() if hasattr(initializer, "get_config") else {}
    if config.get("seed", 0) is None:
        if type(initializer) is keras.initializers.RandomUniform:
            return uniform(shape, seed, config["minval"], config["maxval"], dtype)
        if type(initializer) is keras.initializers.RandomNormal:
            return normal(shape, seed, config["mean"], config["stddev"], dtype)
        if type(initializer) is keras.initializers.TruncatedNormal:
            return truncated_normal(shape, seed, config["mean"], config["stddev"], dtype)
    bases = tf.cast(tf.convert_to_tensor(initializer(shape, dtype=dtype)), dtype)
    wanted = tf.TensorShape([s if isinstance(s, int) else None for s in shape])
    if not wanted.is_compatible_with(bases.shape):
        raise ValueError(
            "`bases_initializer` must return the shape it is called with, [samples, groups, "
            f"channels / groups, rank] = {wanted.as_list()}. Received: {bases.shape.as_list()}"
        )
    return bases
