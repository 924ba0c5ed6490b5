"""What the hams are compared with, as functions to be timed, and the arithmetic of each."""

STEPS = 6
HAMS = ("nmf", "cd", "vq")
NAIVE = ("naive_one_step", "naive_left_to_right", "naive_unrolled")
ATTENTION = ("pooled_attention", "self_attention", "keras_attention")
PYTORCH = "pytorch_nmf"
CONTENDERS = (*HAMS, *(f"{ham}_xla" for ham in HAMS), *NAIVE, PYTORCH, *ATTENTION)
_MOST_PAIRS = 2**28  # of positions, that attention holds: 1 GiB a map, and it has several


def multiply_adds(name, size, steps=STEPS, backward=False):
    """Multiply-adds of a batch as our formulation of the contender counts them.

    A naive transcription is held against the arithmetic of the ham that it computes.

    Args:
        name: one of `CONTENDERS`.
        size: batch, height, width, channels, rank.
        steps: alternations of a decomposition.
        backward: whether to count the gradient in the input too.
    """
    batch, height, width, d, r = size
    n, name = height * width, name.removesuffix("_xla")
    if name in ATTENTION:
        if name == "pooled_attention":  # keys of d/8 channels, values of d/2, at n/4 pixels
            forward = n * d * (2 * (d // 8) + 2 * (d // 2)) + n * (n // 4) * (d // 8 + d // 2)
        else:
            forward = 4 * n * d * d + 2 * n * n * d
        # The gradient in the input; weights are constants here.
        pairs = 2 * n * (n // 4) * (d // 8 + d // 2)
        projections = n * d * (2 * (d // 8) + 2 * (d // 2))
        if name != "pooled_attention":
            pairs, projections = 4 * n * n * d, 4 * n * d * d
        return batch * (forward + (pairs + projections if backward else 0))
    # `X B` of the first coefficients is that of the first step, and is made once.
    forward = n * d * r * (2 * steps + 2)
    if name not in HAMS[1:]:
        forward += (n + d) * r * r * (2 * steps + 1)
    return batch * (forward + (2 * n * d * r if backward else 0))


def refusal(name, size):
    """Why a contender cannot be had, or cannot take a size; None if it can."""
    pairs = size[0] * (size[1] * size[2]) ** 2 // (4 if name == "pooled_attention" else 1)
    if name in ATTENTION and pairs > _MOST_PAIRS:
        return f"its map of all pairs would take {pairs * 4 / 2**30:.0f} GiB"
    if name == PYTORCH:
        try:
            import torch  # noqa: F401
        except ImportError as error:
            return f"PyTorch cannot be imported ({error}): pip install torch"
    return None


def compiled_passes(name, size, steps=STEPS):
    """The forward pass, and forward with backward in the input, as functions of nothing.

    Args:
        name: one of `CONTENDERS`.
        size: batch, height, width, channels, rank.
        steps: alternations of a decomposition.

    Returns:
        Two functions. The first returns the result, the second result and gradient; both
        run in a graph, compiled by XLA if the name says so, PyTorch as it is.
    """
    if name == PYTORCH:
        return _pytorch_passes(size, steps)
    import tensorflow as tf

    contender = _make_contender(name, size, steps)
    x = tf.random.stateless_normal(size[:4], [0, 0])
    incoming = tf.random.stateless_normal(size[:4], [0, 1])
    compiled = tf.function(jit_compile=name.endswith("_xla"), autograph=False)

    @compiled
    def forward(x):
        return contender(x)

    @compiled
    def training(x, incoming):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = contender(x)
        return y, tape.gradient(y, x, incoming)

    return lambda: forward(x), lambda: training(x, incoming)


def _make_contender(name, size, steps):
    """A function of `[batch, height, width, channels]`, weights made and constant."""
    import tensorflow as tf
    from tensorflow import keras

    from benchmarks.naive_hams import naive_nmf
    from ham_tf import CDLayer, HamburgerV1, NMFLayer, VQLayer

    batch, height, width, channels, rank = size
    ham = name.removesuffix("_xla")
    if name in NAIVE:
        bases = tf.random.stateless_uniform([batch, channels, rank], [0, 2])
        gradient = "unrolled" if name == "naive_unrolled" else "one_step"

        def call(x):
            matrix = tf.reshape(x, [batch, height * width, channels])
            left_to_right = name == "naive_left_to_right"
            return tf.reshape(naive_nmf(matrix, bases, steps, gradient, left_to_right), size[:4])

        return call
    if name == "keras_attention":
        layer = keras.layers.MultiHeadAttention(num_heads=1, key_dim=channels)

        def attend(x):
            matrix = tf.reshape(x, [batch, height * width, channels])
            return tf.reshape(layer(matrix, matrix), size[:4])

        layer(*[tf.zeros([1, 1, channels])] * 2)  # makes the weights
        return attend
    if ham in HAMS:
        make = {"nmf": NMFLayer, "cd": CDLayer, "vq": VQLayer}[ham]
        layer = make(rank, steps=steps)
    else:
        layer = HamburgerV1(name, normalization=None, activation=None)
    layer.build(size[:4])
    return lambda x: layer(x, training=False)


def _pytorch_passes(size, steps):
    import torch

    from benchmarks.naive_hams import pytorch_nmf

    batch, height, width, channels, rank = size
    random = torch.Generator().manual_seed(0)
    shape = (batch, channels, height, width)
    x, incoming = (torch.randn(shape, generator=random) for _ in range(2))
    bases = torch.rand((batch, channels, rank), generator=random)

    def forward():
        with torch.no_grad():
            return pytorch_nmf(x, bases, steps)

    def training():
        watched = x.detach().requires_grad_()
        y = pytorch_nmf(watched, bases, steps)
        return y.detach(), torch.autograd.grad(y, watched, incoming)[0]

    return forward, training
