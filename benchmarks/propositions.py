"""The paper's propositions on gradients, measured: python -m benchmarks.propositions.

NMF of a small matrix near its rank, in float64. The unrolled gradient approaches the
implicit one as steps grow, and the gradient to the initial bases vanishes
(propositions 1 to 3); the one-step gradients stay where they are.
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

from ham_tf.decompositions import GRADIENTS, NMF, Factors, factorize

STEPS = (1, 3, 6, 10, 30, 100, 300, 1000)


def separable_problem():
    """A 12 × 5 matrix near rank 2 with distinct parts, on which NMF converges fast.

    Returns:
        `x` `[1, 12, 5]`, initial bases `[1, 5, 2]` and an upstream gradient like `x`.
    """
    random = np.random.RandomState(5)
    coefficients = np.zeros([1, 12, 2])
    coefficients[0, :6, 0] = 1 + random.rand(6)
    coefficients[0, 6:, 1] = 1 + random.rand(6)
    bases = np.array([[[1.0, 2, 1, 0.1, 0.1], [0.1, 0.1, 1, 2, 1]]])
    x = coefficients @ bases + 0.05 * random.rand(1, 12, 5)
    initial = random.rand(1, 5, 2) + 0.1
    return tf.constant(x), tf.constant(initial), tf.constant(random.randn(*x.shape))


def fixed_point(nmf, x, bases, steps=3000):
    """The factors that so many steps end in."""
    factors = nmf.init(x, bases)
    for _ in range(steps):
        factors = nmf.step(x, factors)
    return factors


def implicit_gradient(nmf, x, factors, dy):
    """`∂G/∂x + ∂G/∂h (I - ∂F/∂h)⁻¹ ∂F/∂x` at a fixed point `h = F(h, x)`, `y = G(h, x)`.

    NMF's fixed points are not isolated (bases and coefficients may trade scale), so
    `I - ∂F/∂h` is singular along directions that the reconstruction does not see; the
    pseudo-inverse leaves those out.
    """
    shapes = [factor.shape for factor in factors]
    sizes = [int(np.prod(shape)) for shape in shapes]

    def unflatten(h):
        return Factors(*(tf.reshape(part, s) for part, s in zip(tf.split(h, sizes), shapes)))

    def flatten(factors):
        return tf.concat([tf.reshape(factor, [-1]) for factor in factors], axis=0)

    h = flatten(factors)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch((h, x))
        at = unflatten(h)
        step = flatten(nmf.step(x, at))
        loss = tf.reduce_sum(nmf.refine(x, at) @ at.bases * dy)
    step_h = tape.jacobian(step, h).numpy()
    step_x = tape.jacobian(step, x).numpy().reshape(len(h), -1)
    loss_h, loss_x = tape.gradient(loss, (h, x))
    through_h = loss_h.numpy() @ np.linalg.pinv(np.eye(len(h)) - step_h, rcond=1e-8) @ step_x
    return loss_x.numpy() + through_h.reshape(x.shape)


def measure():
    """Rows of steps, gradient, difference to the implicit one, cosine, norm at the bases."""
    x, bases, dy = separable_problem()
    nmf = NMF(2, epsilon=1e-12)
    implicit = implicit_gradient(nmf, x, fixed_point(nmf, x, bases), dy)
    rows = []
    for gradient in GRADIENTS:
        for steps in STEPS:
            with tf.GradientTape() as tape:
                tape.watch((x, bases))
                y, _ = factorize(nmf, x, bases, steps, gradient)
            d_x, d_bases = tape.gradient(y, (x, bases), output_gradients=dy)
            d_x = d_x.numpy()
            rows.append(
                {
                    "gradient": gradient,
                    "steps": steps,
                    "difference": np.abs(d_x - implicit).max() / np.abs(implicit).max(),
                    "cosine": np.vdot(d_x, implicit)
                    / np.linalg.norm(d_x)
                    / np.linalg.norm(implicit),
                    "norm_at_bases": 0.0 if d_bases is None else float(tf.norm(d_bases)),
                }
            )
    return rows


if __name__ == "__main__":
    argparse.ArgumentParser(
        prog="python -m benchmarks.propositions",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    ).parse_args()
    for row in measure():
        print(
            f"{row['gradient']:>9} {row['steps']:5d} steps: difference {row['difference']:.1e}, "
            f"cosine {row['cosine']:.3f}, norm at the initial bases {row['norm_at_bases']:.1e}"
        )
