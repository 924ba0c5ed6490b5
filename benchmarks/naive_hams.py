"""NMF as papers write it down, to compare with: channels first, einsums, automatic gradients."""


def naive_nmf(x, bases, steps=6, gradient="one_step"):
    """The published computation, line by line, in TensorFlow.

    Args:
        x: `[batch, positions, channels]`.
        bases: initial bases `[batch, channels, rank]`, one per column.
        steps: alternations.
        gradient: `"one_step"` sends no gradient into the alternations, `"unrolled"`
            through all of them.

    Returns:
        The reconstruction of `relu(x)`, `[batch, positions, channels]`.
    """
    import tensorflow as tf

    # Letters: b sample, d channel, n position, r and s basis.
    x = tf.nn.relu(tf.transpose(x, [0, 2, 1]))

    def update_coefficients(bases, coefficients):
        numerator = tf.einsum("bdn,bdr->bnr", x, bases)
        denominator = tf.einsum("bns,bds,bdr->bnr", coefficients, bases, bases)
        return coefficients * numerator / (denominator + 1e-6)

    def update_bases(bases, coefficients):
        numerator = tf.einsum("bdn,bnr->bdr", x, coefficients)
        denominator = tf.einsum("bds,bns,bnr->bdr", bases, coefficients, coefficients)
        return bases * numerator / (denominator + 1e-6)

    coefficients = tf.nn.softmax(tf.einsum("bdn,bdr->bnr", x, bases))
    for _ in range(steps):
        coefficients = update_coefficients(bases, coefficients)
        bases = update_bases(bases, coefficients)
    if gradient == "one_step":
        bases, coefficients = tf.stop_gradient(bases), tf.stop_gradient(coefficients)
    coefficients = update_coefficients(bases, coefficients)
    return tf.transpose(tf.einsum("bdr,bnr->bdn", bases, coefficients), [0, 2, 1])
