"""The hams against everything that does their job: python -m benchmarks.ham --help.

One process, one table for each size. The contenders take turns, and a figure is the
median of the rounds: the forward pass, and forward and backward in the input. Multiply-adds
are counted by formula; the machine's rate is that of a 2048³ product, measured in the
same rounds; `x floor` is the time over the time which the multiply-adds need at that rate.
`MiB` is how far the resident memory of a process of its own rises above what TensorFlow,
the input and its gradient needed before the first forward and backward pass (its highest
mark, VmHWM, so Linux alone), code and compiled kernels included.

A size is BATCHxHEIGHTxWIDTHxCHANNELSxRANK. All decompositions do 6 steps. The hams, and the
naive transcriptions of NMF, stand alone, without bread; attention comes with its projections.
"""

import argparse
import ctypes
import json
import math
import multiprocessing
import os
import statistics
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

STEPS = 6
HAMS = ("nmf", "cd", "vq")
NAIVE = ("naive_one_step", "naive_unrolled")
ATTENTION = ("pooled_attention", "self_attention", "keras_attention")
CONTENDERS = (*HAMS, *(f"{ham}_xla" for ham in HAMS), *NAIVE, *ATTENTION)
_SIZES = ((8, 32, 32, 256, 32), (8, 64, 64, 256, 32), (1, 128, 128, 512, 64))
_SWEEP_SIDES = (16, 32, 64, 128, 256)
_K_SWEEP = (3, 6, 12, 24)
_MOST_PAIRS = 2**28  # of positions, that full attention holds: 1 GiB a map
_PRODUCT_SIZE = 2048


def multiply_adds(name, size, steps=STEPS, backward=False):
    """Multiply-adds of a batch as our formulation of the contender counts them.

    A naive transcription is held against the arithmetic of the ham that it computes.
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
    if name.startswith(("nmf", "naive")):
        forward += (n + d) * r * r * (2 * steps + 1)
    return batch * (forward + (2 * n * d * r if backward else 0))


def refusal(name, size):
    """Why a contender cannot take a size, or None."""
    pairs = size[0] * (size[1] * size[2]) ** 2
    if name in ATTENTION[1:] and pairs > _MOST_PAIRS:
        return f"its map of all pairs would take {pairs * 4 / 2**30:.0f} GiB"
    return None


def make_contender(name, size, steps=STEPS):
    """A function of `[batch, height, width, channels]`, weights made and constant."""
    import tensorflow as tf
    from tensorflow import keras

    from benchmarks.naive_hams import naive_nmf
    from ham_tf import CDLayer, HamburgerV1, NMFLayer, VQLayer

    batch, height, width, channels, rank = size
    ham = name.removesuffix("_xla")
    if name in NAIVE:
        bases = tf.random.stateless_uniform([batch, channels, rank], [0, 2])

        def call(x):
            matrix = tf.reshape(x, [batch, height * width, channels])
            y = naive_nmf(matrix, bases, steps, name.removeprefix("naive_"))
            return tf.reshape(y, size[:4])

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


def compiled_passes(name, size, steps=STEPS):
    """The forward pass and forward with backward, as functions of nothing."""
    import tensorflow as tf

    contender = make_contender(name, size, steps)
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


def _wait_for(result):
    """Reads one number, so that the result has been computed."""
    while isinstance(result, tuple):
        result = result[-1]
    result[(0,) * len(result.shape)].numpy()


def _progress(text):
    print(text, file=sys.stderr, flush=True)


def interleaved_medians(calls, repetitions):
    """Median seconds of each call; in every round each has its turn."""
    times = {key: [] for key in calls}
    for call in calls.values():
        _wait_for(call())
    for _ in range(repetitions):
        for key, call in calls.items():
            begin = time.perf_counter()
            _wait_for(call())
            times[key].append(time.perf_counter() - begin)
    return {key: statistics.median(values) for key, values in times.items()}


def _high_water_mark():
    """Bytes of the most memory that this process has had resident."""
    with open("/proc/self/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) * 1024


def _send_extra_memory(connection, name, size, steps):
    _, training = compiled_passes(name, size, steps)
    # What was freed goes back to the system: reused, it would not be counted.
    ctypes.CDLL(None).malloc_trim(0)
    with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
        file.write("5")  # The mark falls to what is resident now.
    before = _high_water_mark()
    _wait_for(training())
    connection.send(_high_water_mark() - before)


def extra_memory(name, size, steps=STEPS):
    """Bytes that forward and backward take beyond input and incoming gradient; None if it fails."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_send_extra_memory, args=(sender, name, size, steps))
    child.start()
    sender.close()
    try:
        return receiver.recv()
    except EOFError:
        return None
    finally:
        child.join()


def measure(size, names, repetitions, memory=True):
    """One row per contender for a size."""
    import tensorflow as tf

    _progress("x".join(map(str, size)))
    square = tf.random.stateless_normal([_PRODUCT_SIZE, _PRODUCT_SIZE], [0, 3])
    product = tf.function(lambda: tf.matmul(square, square))
    calls, skipped = {"product": product}, {}
    for name in names:
        skipped[name] = refusal(name, size)
        if not skipped[name]:
            _progress(f"  tracing {name}")
            calls[name, False], calls[name, True] = compiled_passes(name, size)
    _progress(f"  {repetitions} rounds of {len(calls)} calls")
    times = interleaved_medians(calls, repetitions)
    rate = _PRODUCT_SIZE**3 / times["product"]
    rows = []
    for name in names:
        row = {"size": "x".join(map(str, size)), "contender": name}
        if skipped[name]:
            rows.append({**row, "skipped": skipped[name]})
            continue
        for backward, label in ((False, "forward"), (True, "training")):
            count = multiply_adds(name, size, backward=backward)
            row[f"{label}_ms"] = 1e3 * times[name, backward]
            row[f"{label}_gmac"] = count / 1e9
            row[f"{label}_times_floor"] = times[name, backward] * rate / count
        row["gmac_per_second"] = rate / 1e9
        if memory:
            _progress(f"  memory of {name}")
            row["extra_bytes"] = extra_memory(name, size)
            row["input_bytes"] = 4 * math.prod(size[:4])
        rows.append(row)
    return rows


def measure_sweep(sides, repetitions, channels=256, rank=32):
    """Training time of our NMF over the positions, and the exponent fitted from 1,024 on."""
    calls = {}
    for side in sides:
        _, calls[side * side] = compiled_passes("nmf", (1, side, side, channels, rank))
    _progress(f"sweep of {', '.join(map(str, calls))} positions")
    times = interleaved_medians(calls, repetitions)
    points = [(math.log(n), math.log(t)) for n, t in times.items() if n >= 1024]
    exponent = None
    if len(points) > 1:
        means = [statistics.fmean(axis) for axis in zip(*points)]
        exponent = sum((a - means[0]) * (b - means[1]) for a, b in points) / sum(
            (a - means[0]) ** 2 for a, _ in points
        )
    return {"training_ms": {n: 1e3 * t for n, t in times.items()}, "exponent": exponent}


def tables(figures, ratios_only=False):
    """All figures as Markdown; milliseconds say nothing where the machine was not at rest."""
    lines = [figures["machine"], ""]
    times = () if ratios_only else ("forward, ms", "training, ms")
    memory = ("MiB", "x input") if any("extra_bytes" in row for row in figures["rows"]) else ()
    header = " | ".join(("contender", *times, "x floor", "naive's time / its", *memory))
    for size in dict.fromkeys(row["size"] for row in figures["rows"]):
        rows = [row for row in figures["rows"] if row["size"] == size]
        naive = {r["contender"]: r.get("training_ms") for r in rows}.get("naive_one_step")
        lines += [f"| {size}: {header} |", "|" + "---|" * (header.count("|") + 1)]
        for row in rows:
            if "skipped" in row:
                empty = " |" * (header.count("|") - 1)
                lines.append(f"| {row['contender']} | skipped: {row['skipped']} |{empty}")
                continue
            extra = row.get("extra_bytes")
            cells = (
                row["contender"],
                *(f"{row[key]:.1f}" for key in ("forward_ms", "training_ms") if times),
                f"{row['training_times_floor']:.2f}",
                f"{naive / row['training_ms']:.2f}" if naive else "",
            )
            if memory:
                known = extra is not None
                cells += (
                    f"{extra / 2**20:.0f}" if known else "",
                    f"{extra / row['input_bytes']:.1f}" if known else "",
                )
            lines.append("| " + " | ".join(cells) + " |")
        lines.append("")
    if figures.get("memory_by_steps"):
        lines += ["| steps | " + " | ".join(map(str, figures["memory_by_steps"])) + " |"]
        lines += ["|" + "---|" * (len(figures["memory_by_steps"]) + 1)]
        cells = (
            "" if b is None else f"{b / 2**20:.0f}" for b in figures["memory_by_steps"].values()
        )
        lines += ["| NMF, MiB | " + " | ".join(cells) + " |", ""]
    if figures.get("sweep"):
        sweep = figures["sweep"]
        if times:
            milliseconds = sweep["training_ms"]
            lines += ["| positions | " + " | ".join(map(str, milliseconds)) + " |"]
            lines += ["|" + "---|" * (len(milliseconds) + 1)]
            cells = (f"{t:.1f}" for t in milliseconds.values())
            lines += ["| NMF, training, ms | " + " | ".join(cells) + " |", ""]
        if sweep["exponent"] is not None:
            lines += [f"Exponent of NMF's time from 1,024 positions on: {sweep['exponent']:.2f}."]
    return "\n".join(lines)


def _plot(figures, path):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    times = figures["sweep"]["training_ms"]
    axes.loglog(list(times), list(times.values()), "o-", label="NMF, forward and backward")
    axes.set_xlabel("positions")
    axes.set_ylabel("ms")
    axes.legend()
    figure.savefig(path)


def parse(argv=None):
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.ham",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )

    def sizes(text):
        found = [tuple(map(int, size.split("x"))) for size in text.split(",")]
        wrong = [size for size in found if len(size) != 5 or min(size) < 1]
        if wrong:
            raise argparse.ArgumentTypeError(f"{wrong[0]} is not five numbers from 1")
        return found

    def names(text):
        unknown = set(text.split(",")) - set(CONTENDERS)
        if unknown:
            raise argparse.ArgumentTypeError(f"{unknown} are not among {', '.join(CONTENDERS)}")
        return text.split(",")

    def sides(text):
        return [int(side) for side in text.split(",")] if text else []

    parser.add_argument("--sizes", type=sizes, default=list(_SIZES), help="with commas between")
    parser.add_argument("--contenders", type=names, default=list(CONTENDERS), help="which of them")
    parser.add_argument(
        "--sweep", type=sides, default=list(_SWEEP_SIDES), help="sides of the maps; '' for none"
    )
    parser.add_argument("--repetitions", type=int, default=11, help="rounds (default: 11)")
    parser.add_argument("--no_memory", action="store_true", help="measure times only")
    parser.add_argument(
        "--ratios", action="store_true", help="print no times: for a machine that does other work"
    )
    parser.add_argument("--json", help="file for the figures as JSON")
    parser.add_argument("--plot", help="image file for the sweep")
    arguments = parser.parse_args(argv)
    if arguments.repetitions < 1:
        parser.error(f"--repetitions must be at least 1, not {arguments.repetitions}")
    if arguments.plot and not arguments.sweep:
        parser.error("--plot draws the sweep, and --sweep is empty: give it sides")
    return arguments


def main(argv=None):
    """Measures, prints and returns all figures."""
    arguments = parse(argv)
    import tensorflow as tf

    tf.get_logger().setLevel("ERROR")  # Each contender is a function of its own: no retracing.
    memory = not arguments.no_memory
    figures = {"machine": f"TensorFlow {tf.__version__}, {os.cpu_count()} CPU cores", "rows": []}
    for size in arguments.sizes:
        figures["rows"] += measure(size, arguments.contenders, arguments.repetitions, memory)
    if memory:
        figures["memory_by_steps"] = {
            steps: extra_memory("nmf", arguments.sizes[-1], steps) for steps in _K_SWEEP
        }
    if arguments.sweep:
        figures["sweep"] = measure_sweep(arguments.sweep, arguments.repetitions)
    print(tables(figures, arguments.ratios))
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump(figures, file, indent=1)
    if arguments.plot:
        _plot(figures, arguments.plot)
    return figures


if __name__ == "__main__":
    main(sys.argv[1:])
