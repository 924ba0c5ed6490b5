"""How the matrix products of a factorisation are written for a CPU's graph.

All choices are by measurement (`docs/performance.md`) and depend on sizes alone;
elsewhere (eager, XLA, accelerators, unknown sizes) nothing is chosen.
"""

import tensorflow as tf
from tensorflow.python.ops import control_flow_util  # No public name tells a TPU's graph.

_MOST_SEPARATE_PROBLEMS = 16
_LEAST_SEPARATE_PRODUCT = 2**22  # multiply-adds of `x Bᵀ`

# From here on a copy of the bases' transpose costs less than reading them transposed.
_LEAST_COPIED = {"positions": 4096, "channels": 512, "rank": 64}


def pays_to_separate(x: tf.Tensor, rank: int) -> bool:
    """Whether one plain product per problem is faster here than a batched one.

    The batched product of a CPU is the slower one; an accelerator's is the faster one, and
    so is the CPU's where the problems are many or small and operations cost more than
    arithmetic.

    Args:
        x: `[..., positions, channels]`.
        rank: number of bases.
    """
    if not _in_a_cpu_graph(x):
        return False
    problems, product = x.shape[:-2].num_elements(), x.shape[-2] * x.shape[-1] * rank
    enough = problems <= _MOST_SEPARATE_PROBLEMS and product >= _LEAST_SEPARATE_PRODUCT
    return problems == 1 or bool(problems and enough)


def separate(matrices: tf.Tensor) -> list[tf.Tensor]:
    """`[..., n, m]` to a list of `[n, m]`, one per problem."""
    return tf.unstack(tf.reshape(matrices, [-1, *matrices.shape[-2:]]))


def product_with_bases(x: tf.Tensor, bases: tf.Tensor) -> tf.Tensor:
    """`x Bᵀ`.

    Args:
        x: `[..., positions, channels]`.
        bases: `[..., rank, channels]`, with the leading axes of `x`.

    Returns:
        `[..., positions, rank]`.
    """
    if not _pays_to_copy_transposed(x, bases):
        return tf.matmul(x, bases, transpose_b=True)
    # The graph optimizer would fold a transposition into a plain product again.
    columns = tf.expand_dims(tf.linalg.matrix_transpose(bases), 0)
    return tf.squeeze(tf.matmul(tf.expand_dims(x, 0), columns), 0)


def _pays_to_copy_transposed(x, bases):
    if x.shape.rank != 2 or not _in_a_cpu_graph(x) or bases.shape[-2] is None:
        return False
    sizes = {"positions": x.shape[0], "channels": x.shape[1], "rank": bases.shape[-2]}
    return all(sizes[name] >= least for name, least in _LEAST_COPIED.items())


def _in_a_cpu_graph(x):
    if tf.executing_eagerly() or not x.shape.is_fully_defined():
        return False
    # A TPU is not visible where its graph is made, on a coordinator.
    if control_flow_util.GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph()):
        return False
    return not any(tf.config.get_visible_devices(kind) for kind in ("GPU", "TPU"))
