"""NMF as people write it down, to compare with: channels first, automatic gradients."""


def naive_nmf(x, bases, steps=6, gradient="one_step", left_to_right=False):
    """The published computation, line by line, in TensorFlow.

    Args:
        x: `[batch, positions, channels]`.
        bases: initial bases `[batch, channels, rank]`, one per column.
        steps: alternations.
        gradient: `"one_step"` sends no gradient into the alternations, `"unrolled"`
            through all of them.
        left_to_right: whether denominators are multiplied in the order of the formula, as
            `C Bᵀ B` written with operators is, or in the order `tf.einsum` finds best.

    Returns:
        The reconstruction of `relu(x)`, `[batch, positions, channels]`.
    """
    import tensorflow as tf

    # Letters: b sample, d channel, n position, r and s basis.
    x = tf.nn.relu(tf.transpose(x, [0, 2, 1]))

    def product(equation, first, second, third):
        if not left_to_right:
            return tf.einsum(equation, first, second, third)
        factors, result = equation.split("->")
        a, b, c = factors.split(",")
        return tf.einsum(f"bdn,{c}->{result}", tf.einsum(f"{a},{b}->bdn", first, second), third)

    def update_coefficients(bases, coefficients):
        numerator = tf.einsum("bdn,bdr->bnr", x, bases)
        denominator = product("bns,bds,bdr->bnr", coefficients, bases, bases)
        return coefficients * numerator / (denominator + 1e-6)

    def update_bases(bases, coefficients):
        numerator = tf.einsum("bdn,bnr->bdr", x, coefficients)
        denominator = product("bds,bns,bnr->bdr", bases, coefficients, coefficients)
        return bases * numerator / (denominator + 1e-6)

    coefficients = tf.nn.softmax(tf.einsum("bdn,bdr->bnr", x, bases))
    for _ in range(steps):
        coefficients = update_coefficients(bases, coefficients)
        bases = update_bases(bases, coefficients)
    if gradient == "one_step":
        bases, coefficients = tf.stop_gradient(bases), tf.stop_gradient(coefficients)
    coefficients = update_coefficients(bases, coefficients)
    return tf.transpose(tf.einsum("bdr,bnr->bdn", bases, coefficients), [0, 2, 1])


def pytorch_nmf(x, bases, steps=6):
    """The published computation in PyTorch, with the one-step gradient.

    Args:
        x: tensor `[batch, channels, height, width]`.
        bases: initial bases `[batch, channels, rank]`, one per column.
        steps: alternations, without gradient.

    Returns:
        The reconstruction of `relu(x)`, of the shape of `x`.
    """
    import torch

    matrix = torch.relu(x.flatten(2))  # [batch, channels, positions]

    def update_coefficients(bases, coefficients):
        numerator = torch.bmm(matrix.transpose(1, 2), bases)
        denominator = torch.bmm(coefficients, torch.bmm(bases.transpose(1, 2), bases))
        return coefficients * numerator / (denominator + 1e-6)

    def update_bases(bases, coefficients):
        numerator = torch.bmm(matrix, coefficients)
        denominator = torch.bmm(bases, torch.bmm(coefficients.transpose(1, 2), coefficients))
        return bases * numerator / (denominator + 1e-6)

    with torch.no_grad():
        coefficients = torch.softmax(torch.bmm(matrix.transpose(1, 2), bases), dim=-1)
        for _ in range(steps):
            coefficients = update_coefficients(bases, coefficients)
            bases = update_bases(bases, coefficients)
    coefficients = update_coefficients(bases, coefficients)
    return torch.bmm(bases, coefficients.transpose(1, 2)).reshape(x.shape)
