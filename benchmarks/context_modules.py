"""Hams against attention, side by side: python -m benchmarks.context_modules --help.

One process, one table: for each size of the feature map, the arithmetic of every
context module (by formula, `multiply_adds`) and its time, forward and with the
gradient, as medians of rounds in which all modules take turns. Blocks are
`HamburgerV1` without normalisation, so bread and output projections count; the rank
is an eighth of the channels. A second table compares the three gradients.
"""

import argparse
import json
import os
import statistics
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

MODULES = ("nmf", "cd", "vq", "em", "pooled_attention", "self_attention")
GRADIENTS = ("one_step", "last_step", "unrolled")


def multiply_adds(module, positions, channels, rank, steps):
    """Multiply-adds of one image, forward, bread and output projections included."""
    n, c, r, k = positions, channels, rank, steps
    if module == "self_attention":
        return 4 * n * c * c + 2 * n * n * c
    if module == "pooled_attention":  # keys of c/8 channels, values of c/2, both at n/4 pixels
        return n * c * (c // 8) * 2 + n * c * (c // 2) * 2 + n * (n // 4) * (c // 8 + c // 2)
    bread = 2 * n * c * c
    if module == "nmf":
        return bread + n * c * r * (2 * k + 3) + (n + c) * r * r * (2 * k + 1)
    if module == "cd":
        return bread + n * c * r * (2 * k + 2) + 2 * c * r * r + r**3 // 3
    return bread + n * c * r * (2 * k + 2)


def make_step(block, training):
    """A compiled call on one batch: the value, or the gradient of its sum in inputs and weights."""
    import tensorflow as tf

    @tf.function
    def step(x):
        if not training:
            return block(x, training=False)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(block(x, training=True) ** 2)
        variables = [w if isinstance(w, tf.Variable) else w.value for w in block.trainable_weights]
        return tape.gradient(y, [x, *variables])

    return step


def median_times(calls, rounds, seconds):
    """Median seconds of each call; all take turns, slow ones fewer times."""
    times, first = {name: [] for name in calls}, {}
    for name, call in calls.items():
        call()  # traces
        begin = time.perf_counter()
        call()
        first[name] = time.perf_counter() - begin
    for index in range(rounds):
        for name, call in calls.items():
            if index >= 3 and index * first[name] > seconds:
                continue
            begin = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - begin)
    return {name: statistics.median(values) for name, values in times.items()}


def wait_for(result):
    """Reads one number of a result, so that it has been computed."""
    import tensorflow as tf

    return float(tf.reshape(result[0] if isinstance(result, list) else result, [-1])[0])


def measure_modules(size, arguments):
    """One row per module for feature maps of `size` × `size`."""
    import tensorflow as tf

    from ham_tf import HamburgerV1

    x = tf.random.stateless_normal([arguments.batch, size, size, arguments.channels], [0, 1])
    rank = arguments.channels // 8
    blocks, calls = {}, {}
    for module in arguments.modules:
        blocks[module] = HamburgerV1(module, normalization=None, activation=None)
        blocks[module].build(x.shape)
        for training in (False, True):
            step = make_step(blocks[module], training)
            calls[module, training] = lambda step=step: wait_for(step(x))
    times = median_times(calls, arguments.rounds, arguments.seconds)
    rows = []
    for module in arguments.modules:
        ham = blocks[module].ham
        # The counted pass is the forward one, at inference.
        steps = getattr(ham, "eval_steps", None) or getattr(ham, "steps", 0)
        rows.append(
            {
                "size": size,
                "module": module,
                "parameters": sum(int(tf.size(w)) for w in blocks[module].trainable_weights),
                "gmac_per_image": multiply_adds(
                    module, size * size, arguments.channels, rank, steps
                )
                / 1e9,
                "forward_ms": 1e3 * times[module, False] / arguments.batch,
                "training_ms": 1e3 * times[module, True] / arguments.batch,
            }
        )
    return rows


def measure_gradients(arguments):
    """One row per decomposition and gradient, at the middle size: time, and direction.

    The direction is the cosine with the exact gradient of the same computation, on
    the same features and bases.
    """
    import numpy as np
    import tensorflow as tf

    from ham_tf import CDLayer, NMFLayer, VQLayer

    size, rank = arguments.sizes[len(arguments.sizes) // 2], arguments.channels // 8
    x = tf.random.stateless_normal([arguments.batch, size, size, arguments.channels], [0, 1])
    calls, directions = {}, {}
    for make in (NMFLayer, CDLayer, VQLayer):
        for gradient in GRADIENTS:
            layer = make(rank, gradient=gradient, bases_policy="fixed")
            layer.build(x.shape)
            step = make_step(layer, True)
            calls[make.__name__, gradient] = lambda step=step: wait_for(step(x))
            directions[make.__name__, gradient] = np.ravel(step(x)[0])
    times = median_times(calls, arguments.rounds, arguments.seconds)

    def cosine(layer, gradient):
        a, b = directions[layer, gradient], directions[layer, "unrolled"]
        return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))

    return [
        {
            "size": size,
            "layer": layer,
            "gradient": gradient,
            "training_ms": 1e3 * times[layer, gradient] / arguments.batch,
            "cosine_with_exact": cosine(layer, gradient),
        }
        for layer, gradient in calls
    ]


def print_table(rows):
    """Rows of equal keys as a Markdown table."""
    print("| " + " | ".join(rows[0]) + " |")
    print("|" + "---|" * len(rows[0]))
    for row in rows:
        cells = (f"{v:.4g}" if isinstance(v, float) else str(v) for v in row.values())
        print("| " + " | ".join(cells) + " |", flush=True)


def parse(argv=None):
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.context_modules",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )

    def numbers(text):
        return [int(number) for number in text.split(",")]

    def names(text):
        chosen = text.split(",")
        unknown = set(chosen) - set(MODULES)
        if unknown:
            raise argparse.ArgumentTypeError(f"{unknown} are not among {', '.join(MODULES)}")
        return chosen

    parser.add_argument("--sizes", type=numbers, default=[16, 32, 64, 128], help="sides, in pixels")
    parser.add_argument("--channels", type=int, default=256, help="of the feature map")
    parser.add_argument("--batch", type=int, default=2, help="images per call")
    parser.add_argument("--modules", type=names, default=list(MODULES), help="which to compare")
    parser.add_argument("--rounds", type=int, default=21, help="repetitions of each call")
    parser.add_argument(
        "--seconds", type=float, default=20.0, help="per call, after which a slow one stops early"
    )
    parser.add_argument("--json", help="file for the rows as JSON")
    return parser.parse_args(argv)


def main(argv=None):
    """Measures, prints and returns all rows."""
    arguments = parse(argv)
    import tensorflow as tf

    from ham_tf import __version__

    print(
        f"ham_tf {__version__}, TensorFlow {tf.__version__}, {os.cpu_count()} CPUs, "
        f"{len(tf.config.list_physical_devices('GPU'))} GPUs; batch {arguments.batch}, "
        f"{arguments.channels} channels; milliseconds per image\n"
    )
    rows = []
    for size in arguments.sizes:
        new = measure_modules(size, arguments)
        print_table(new)
        print()
        rows += new
    gradients = measure_gradients(arguments)
    print_table(gradients)
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump({"modules": rows, "gradients": gradients}, file, indent=1)
    return rows, gradients


if __name__ == "__main__":
    main(sys.argv[1:])
