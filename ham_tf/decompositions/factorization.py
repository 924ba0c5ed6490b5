"""The loop of a decomposition and the three gradients through it."""

import numbers
from typing import Optional

import tensorflow as tf

from ham_tf.decompositions.cpu_products import pays_to_separate, product_with_bases, separate
from ham_tf.decompositions.decomposition import Decomposition, Factors, masked
from ham_tf.decompositions.large_inputs import Shrinkage

GRADIENTS = ("one_step", "last_step", "unrolled")


# Plain Python inside: converting it would only slow tracing down.
@tf.autograph.experimental.do_not_convert
def factorize(
    decomposition: Decomposition,
    x: tf.Tensor,
    bases: tf.Tensor,
    steps: int,
    gradient: str = "one_step",
    mask: Optional[tf.Tensor] = None,
) -> tuple[tf.Tensor, Factors]:
    """Runs a decomposition and reconstructs its input.

    The value does not depend on `gradient`: `steps` alternations, one refinement
    of the coefficients, and their product with the bases. What differs is which
    of these the gradient passes through:

    - `"one_step"`: the refinement and the product; bases and coefficients of
      the last step are constants. What the authors' code does; backward needs
      the same memory and time for any number of steps.
    - `"last_step"`: the last alternation as well, from the constant factors of
      the one before. The paper's formula, and what other ports call one step.
    - `"unrolled"`: everything, back to the initial bases: the exact gradient of
      the computation, which keeps every step's tensors.

    Args:
        decomposition: the algorithm.
        x: floating point `[..., positions, channels]`.
        bases: initial bases `[..., channels, rank]`, leading axes those of `x` or 1.
        steps: number of alternations, at least 0.
        gradient: one of `"one_step"`, `"last_step"`, `"unrolled"`.
        mask: boolean `[..., positions, 1]`, leading axes those of `x` or 1; None for no
            padding. Where it is False, `x` counts for nothing, and the reconstruction is 0.

    Returns:
        The reconstruction, of the shape and dtype of `x`, and the factors whose
        product it is. They are finite for all finite `x`; of what would exceed the range of
        the dtype, it is what is left within.

    Raises:
        ValueError: for another `gradient`, `steps` that are no such number, or
            bases of another rank or other channels.

    Reference:
        Paper, section 2.3 and propositions 1 to 3.
    """
    if gradient not in GRADIENTS:
        offered = ", ".join(repr(name) for name in GRADIENTS)
        raise ValueError(f"`gradient` must be one of {offered}. Received: gradient={gradient!r}")
    if isinstance(steps, bool) or not isinstance(steps, numbers.Integral) or steps < 0:
        raise ValueError(f"`steps` must be an integer of at least 0. Received: steps={steps!r}")
    x, bases = tf.convert_to_tensor(x), tf.convert_to_tensor(bases)
    wanted = tf.TensorShape([x.shape[-1], decomposition.rank])
    if not wanted.is_compatible_with(bases.shape[-2:]):
        raise ValueError(
            f"`bases` must have shape [..., channels, rank], here {wanted.as_list()}. "
            f"Received: {tuple(bases.shape)} for x of {tuple(x.shape)}"
        )
    bases = _one_per_problem(bases, x)
    mask = None if mask is None else _one_per_problem(tf.convert_to_tensor(mask), x)
    if not pays_to_separate(x, decomposition.rank):
        return _factorize(decomposition, x, bases, mask, steps, gradient)
    leading = x.shape[:-2]
    problems = separate(x)
    masks = [None] * len(problems) if mask is None else separate(mask)
    parts = [
        _factorize(decomposition, *problem, steps, gradient)
        for problem in zip(problems, separate(bases), masks)
    ]

    def together(matrices):
        return tf.reshape(tf.stack(matrices), leading + matrices[0].shape)

    y = together([y for y, _ in parts])
    return y, Factors(*(together(factor) for factor in zip(*(factors for _, factors in parts))))


def _factorize(decomposition, x, bases, mask, steps, gradient):
    """`factorize` of problems with as many bases and masks."""
    x = masked(decomposition.project(x), mask)
    shrinkage = Shrinkage(decomposition.largest(x))
    x = shrinkage.multiply(x, shrinkage.of_input)
    constant_x = tf.stop_gradient(x)
    if gradient == "unrolled":
        factors = decomposition.init(x, shrinkage.multiply(bases, shrinkage.of_initial_bases))
    else:
        factors = decomposition.init(constant_x, tf.stop_gradient(bases))
    # Unrolled in Python: `steps` is small, and the graph optimizer then finds
    # that `init` and the first step share the product of x and the initial bases.
    for index in range(steps):
        differentiable = gradient == "unrolled" or (gradient == "last_step" and index == steps - 1)
        if not differentiable:
            factors = decomposition.step(constant_x, factors, mask)
        elif gradient == "last_step":
            factors = decomposition.step(x, _constant(factors), mask)
        else:
            factors = decomposition.step(x, factors, mask)
    growing = decomposition.growing if steps or decomposition.growing != "bases" else None
    if gradient == "one_step":
        factors = _constant(factors)
        coefficients = _refine_with_closed_form(decomposition, x, factors)
    else:
        coefficients = decomposition.refine(x, factors)
    factors = Factors(factors.bases, masked(coefficients, mask))
    constant = of_y = shrinkage.of_constant
    if growing is not None:
        of_y = shrinkage.of_growing(factors.coefficients, factors.bases)
    if gradient == "one_step":
        y = _product_of_constant_bases(factors, of_y)
    else:
        y = shrinkage.multiply(tf.matmul(factors.coefficients, factors.bases), of_y)
    return y, Factors(
        *(
            shrinkage.multiply(factor, of_y if name == growing else constant)
            for name, factor in factors._asdict().items()
        )
    )


def _one_per_problem(shared, x):
    """Repeats matrices that problems share for each leading index of `x`.

    TensorFlow 2.21 corrupts memory on the CPU when a batched product broadcasts
    an operand of rank 4 (its issue 117700).
    """
    leading, matrix = x.shape[:-2], shared.shape[-2:]
    if leading.is_fully_defined() and matrix.is_fully_defined():
        return tf.broadcast_to(shared, leading + matrix)
    return tf.broadcast_to(shared, tf.concat([tf.shape(x)[:-2], tf.shape(shared)[-2:]], axis=0))


def _constant(factors):
    return Factors(*(None if factor is None else tf.stop_gradient(factor) for factor in factors))


def _refine_with_closed_form(decomposition, x, factors):
    """`refine`, differentiated by `refine_vjp` where the decomposition has one."""
    if type(decomposition).refine_vjp is Decomposition.refine_vjp:
        return decomposition.refine(x, factors)

    @tf.custom_gradient
    def refine(x):
        coefficients = decomposition.refine(x, factors)

        def gradient(d_coefficients):
            return decomposition.refine_vjp(x, factors, coefficients, d_coefficients)

        return coefficients, gradient

    return refine(x)


def _product_of_constant_bases(factors, by):
    """`C B` times `by`.

    Its gradient is the product with the bases that the rest of the graph has.
    """

    @tf.custom_gradient
    def product(coefficients):
        y = tf.matmul(coefficients, by.value * factors.bases)
        return y, lambda d_y: product_with_bases(d_y, by.gradient * factors.bases)

    return product(factors.coefficients)
