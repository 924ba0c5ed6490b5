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
naive_one_step leaves the order of three-operand products to tf.einsum; naive_left_to_right
multiplies them as the formula is written; naive_unrolled differentiates all steps.
"""

import argparse
import json
import math
import os
import statistics
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from benchmarks.documented_tables import (  # noqa: E402
    machine,
    markdown_table,
    replace_tables,
    stack,
)
from benchmarks.ham_contenders import (  # noqa: E402
    CONTENDERS,
    compiled_passes,
    multiply_adds,
    refusal,
)
from benchmarks.interleaved import interleaved_medians  # noqa: E402
from benchmarks.resident_memory import extra_memory  # noqa: E402

_SIZES = ((8, 32, 32, 256, 32), (8, 64, 64, 256, 32), (1, 128, 128, 512, 64))
_SWEEP_SIDES = (16, 32, 64, 128, 256)
_SWEEP_CONTENDERS = ("nmf", "cd", "vq", "naive_one_step", "pooled_attention", "self_attention")
_SWEEP_CHANNELS, _SWEEP_RANK = 256, 32
_MEMORY_STEPS = (3, 6, 12, 24)
_PRODUCT_SIZE = 2048


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


def measure_sweep(sides, repetitions):
    """Training time over the positions, and the exponent fitted from 1,024 on, by contender."""
    calls = {}
    for name in _SWEEP_CONTENDERS:
        for side in sides:
            size = (1, side, side, _SWEEP_CHANNELS, _SWEEP_RANK)
            if not refusal(name, size):
                _, calls[name, side * side] = compiled_passes(name, size)
    _progress(f"sweep: {repetitions} rounds of {len(calls)} calls")
    times = interleaved_medians(calls, repetitions)
    sweep = {}
    for name in _SWEEP_CONTENDERS:
        points = {n: seconds for (of, n), seconds in times.items() if of == name}
        sweep[name] = {
            "training_ms": {n: 1e3 * seconds for n, seconds in points.items()},
            "exponent": _exponent(points),
        }
    return sweep


def _exponent(seconds):
    """The slope of log time over log positions; None for fewer than two from 1,024 on."""
    points = [(math.log(n), math.log(t)) for n, t in seconds.items() if n >= 1024]
    if len(points) < 2:
        return None
    means = [statistics.fmean(axis) for axis in zip(*points)]
    spread = sum((a - means[0]) ** 2 for a, _ in points)
    return sum((a - means[0]) * (b - means[1]) for a, b in points) / spread


def tables(figures, ratios_only=False):
    """All figures as Markdown; milliseconds say nothing where the machine was not at rest."""
    lines = [figures["machine"] + ".", ""]
    for size in dict.fromkeys(row["size"] for row in figures["rows"]):
        rows = [row for row in figures["rows"] if row["size"] == size]
        lines += [*_size_table(size, rows, ratios_only), ""]
    if figures.get("memory_by_steps"):
        cells = {"steps": "NMF, MiB"}
        for steps, extra in figures["memory_by_steps"].items():
            cells[steps] = "" if extra is None else f"{extra / 2**20:.0f}"
        lines += [*markdown_table(list(cells), [list(cells.values())]), ""]
    if figures.get("sweep"):
        lines += _sweep_table(figures["sweep"], ratios_only)
    return "\n".join(lines)


def _size_table(size, rows, ratios_only):
    measured = [row for row in rows if "skipped" not in row]
    naive = next((r["training_ms"] for r in rows if r["contender"] == "naive_one_step"), None)
    memory = any("extra_bytes" in row for row in measured)
    header = [size, "Gmac", *([] if ratios_only else ["forward, ms", "training, ms"])]
    header += ["x floor", "naive's time / its", *(["MiB", "x input"] if memory else [])]
    body = []
    for row in rows:
        if "skipped" in row:
            body.append([row["contender"], f"skipped: {row['skipped']}"])
            continue
        cells = [row["contender"], f"{row['training_gmac']:.2f}"]
        if not ratios_only:
            cells += [f"{row['forward_ms']:.1f}", f"{row['training_ms']:.1f}"]
        cells += [f"{row['training_times_floor']:.2f}"]
        cells += [f"{naive / row['training_ms']:.2f}" if naive else ""]
        if memory and row["extra_bytes"] is not None:
            extra = row["extra_bytes"]
            cells += [f"{extra / 2**20:.0f}", f"{extra / row['input_bytes']:.1f}"]
        body.append(cells)
    rate = (
        f"Rate of a 2048³ product: {measured[0]['gmac_per_second']:.0f} Gmac/s." if measured else ""
    )
    return [*markdown_table(header, body), *(["", rate] if rate else [])]


def _sweep_table(sweep, ratios_only):
    positions = sorted({n for figures in sweep.values() for n in figures["training_ms"]})
    header = ["positions, 1 image", *([] if ratios_only else map(str, positions)), "exponent"]
    body = []
    for name, figures in sweep.items():
        times, exponent = figures["training_ms"], figures["exponent"]
        cells = [f"{times[n]:.1f}" if n in times else "" for n in positions]
        body.append([name, *([] if ratios_only else cells)])
        body[-1].append("" if exponent is None else f"{exponent:.2f}")
    size = f"{_SWEEP_CHANNELS} channels and rank {_SWEEP_RANK}"
    return [f"Training, ms, at {size}; exponent from 1,024 on.", "", *markdown_table(header, body)]


def plot(figures, path):
    """Draws the sweep: training time over positions, both logarithmic.

    Args:
        figures: as `main` returns them, with a sweep.
        path: image file to write.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    for name, sweep in figures["sweep"].items():
        times, exponent = sweep["training_ms"], sweep["exponent"]
        fitted = "" if exponent is None else f", N^{exponent:.2f}"
        axes.loglog(list(times), list(times.values()), "o-", label=name.replace("_", " ") + fitted)
    axes.set_xlabel("positions N of one image")
    axes.set_ylabel("forward and backward, ms")
    axes.set_title(
        f"{_SWEEP_CHANNELS} channels, rank {_SWEEP_RANK}\n{figures['machine']}", fontsize=9
    )
    axes.grid(True, which="both", alpha=0.2)
    axes.legend()
    figure.savefig(path, dpi=120)


def _progress(text):
    print(text, file=sys.stderr, flush=True)


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
    parser.add_argument(
        "--docs", help="Markdown file whose block 'benchmarks.ham: STACK' the tables replace"
    )
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
    figures = {"machine": machine(), "rows": []}
    for size in arguments.sizes:
        figures["rows"] += measure(size, arguments.contenders, arguments.repetitions, memory)
    if memory:
        figures["memory_by_steps"] = {
            steps: extra_memory("nmf", arguments.sizes[-1], steps) for steps in _MEMORY_STEPS
        }
    if arguments.sweep:
        figures["sweep"] = measure_sweep(arguments.sweep, arguments.repetitions)
    text = tables(figures, arguments.ratios)
    print(text)
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump(figures, file, indent=1)
    if arguments.plot:
        plot(figures, arguments.plot)
    if arguments.docs:
        replace_tables(arguments.docs, f"benchmarks.ham: {stack()}", text)
    return figures


if __name__ == "__main__":
    main(sys.argv[1:])
