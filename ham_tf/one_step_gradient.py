"""The loop of a decomposition and its one-step gradient.

Back-propagating through all steps of an alternating algorithm is slow, keeps
every step's tensors and is badly conditioned (paper, section 2.3 and
proposition 3). Instead the steps run without a gradient and only
`Decomposition.reconstruct` is differentiated, with the factors held constant.
What backward needs is then independent of the number of steps.
"""

import tensorflow as tf

from ham_tf.decompositions.decomposition import Decomposition, Factors


def factorize(
    decomposition: Decomposition, x: tf.Tensor, bases: tf.Tensor, steps: int
) -> tuple[tf.Tensor, Factors]:
    """Runs a decomposition and reconstructs its input with the one-step gradient.

    Args:
        decomposition: the algorithm.
        x: floating point `[..., positions, channels]`.
        bases: initial bases `[..., channels, rank]`, leading axes those of `x` or 1.
        steps: number of alternations without gradient, at least 0.

    Returns:
        The reconstruction, of the shape and dtype of `x` and differentiable in
        `x`, and the factors it was made from, which are constants.

    Reference:
        Paper, equation 13 and section 2.3.
    """
    x = decomposition.project(x)
    constant_x = tf.stop_gradient(x)
    factors = decomposition.init(constant_x, tf.stop_gradient(bases))
    # Unrolled: `steps` is small, and the graph optimizer then finds that `init`
    # and the first step share the product of x and the initial bases.
    for _ in range(steps):
        factors = decomposition.step(constant_x, factors)
    factors = Factors(*(tf.stop_gradient(factor) for factor in factors))
    return _reconstruct(decomposition, x, factors), factors


def _reconstruct(decomposition, x, factors):
    has_closed_form = type(decomposition).reconstruct_vjp is not Decomposition.reconstruct_vjp
    if not has_closed_form:
        return decomposition.reconstruct(x, factors)

    @tf.custom_gradient
    def reconstruct(x):
        def gradient(dy):
            return decomposition.reconstruct_vjp(x, factors, dy)

        return decomposition.reconstruct(x, factors), gradient

    return reconstruct(x)
