"""Training and sampling of HamGAN against naive networks: python -m benchmarks.hamgan --help.

One process, one table for each size. The contenders take turns, and a figure is the median
of the rounds. A size is PRESET, or PRESET:WIDTH:BATCH for networks whose channels and ranks
are scaled from the preset's base width to WIDTH, and a batch of its own.

Training is a whole step of both networks, images/s the batch over its time: TrainingStep as
the distribute engine compiles it, plain or by XLA (_xla); the estimator engine's step, driven
by the estimator itself. Sampling is the generator at inference: a batch at once, or one image
beside the other as `gan.generate` draws them (one_by_one). The naive networks
(`benchmarks/naive_networks.py`) have the same weights and go through the same TrainingStep and
sampler. The table by part compares single parts of both in plain graphs.
"""

import argparse
import contextlib
import json
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from benchmarks.documented_tables import (  # noqa: E402
    machine,
    markdown_table,
    replace_tables,
    stack,
)
from benchmarks.hamgan_contenders import (  # noqa: E402
    CONTENDERS,
    PART_NAMES,
    SAMPLING,
    TRAINING,
    configuration,
    estimator_call,
    part_calls,
    sampling_call,
    training_call,
)
from benchmarks.interleaved import interleaved_medians  # noqa: E402

_SIZES = ("digits", "hamgan_strong:16:8")


def measure(size, names, repetitions, parts=True):
    """Figures of a size: a row per contender, and the milliseconds of every part."""
    import tensorflow as tf

    config = configuration(size)
    calls, skipped = {}, {}
    with contextlib.ExitStack() as stack_of_calls:
        # The estimator first: Keras 2 layers made before those of its graph are invalid after.
        for name in sorted(names, key=lambda name: name != "estimator"):
            is_naive = name.startswith("naive")
            way = name.removeprefix("naive_")
            if name == "estimator" and not hasattr(tf, "estimator"):
                skipped[name] = f"needs TensorFlow 2.15; this is {tf.__version__}"
            elif name == "estimator":
                calls[name] = stack_of_calls.enter_context(estimator_call(config))
            elif name in TRAINING:
                calls[name] = training_call(config, is_naive, name.endswith("_xla"))
            else:
                calls[name] = sampling_call(config, is_naive, way)
        if parts:
            for naive in (False, True):
                of_network = part_calls(config, naive)
                calls.update({(part, naive): call for part, call in of_network.items()})
        print(f"{size}: {repetitions} rounds of {len(calls)} calls", file=sys.stderr, flush=True)
        times = interleaved_medians(calls, repetitions)
    rows = []
    for name in names:
        row = {"size": size, "batch": config.training.batch_size, "contender": name}
        if name in skipped:
            rows.append({**row, "skipped": skipped[name]})
            continue
        row["ms"] = 1e3 * times[name]
        row["images_per_second"] = config.training.batch_size / times[name]
        rival = {**TRAINING, **SAMPLING}[name]
        if rival in times:
            row["times_naive"] = times[rival] / times[name]
        rows.append(row)
    of_parts = [
        {
            "size": size,
            "part": part,
            "ms": 1e3 * times[part, False],
            "naive_ms": 1e3 * times[part, True],
        }
        for part in PART_NAMES
        if (part, False) in times
    ]
    return rows, of_parts


def tables(figures, ratios_only=False):
    """All figures as Markdown; milliseconds say nothing where the machine was not at rest.

    Args:
        figures: as `main` returns them.
        ratios_only: whether to leave them out.
    """
    lines = [figures["machine"] + ".", ""]
    for size in dict.fromkeys(row["size"] for row in figures["rows"]):
        rows = [row for row in figures["rows"] if row["size"] == size]
        for what, contenders in (("training", TRAINING), ("sampling", SAMPLING)):
            of_table = [row for row in rows if row["contender"] in contenders]
            if of_table:
                title = f"{what}, {size}, batch {rows[0]['batch']}"
                lines += [*_rows_table(title, of_table, ratios_only), ""]
        parts = [row for row in figures["parts"] if row["size"] == size]
        if parts:
            lines += [*_parts_table(size, parts, ratios_only), ""]
    return "\n".join(lines)


def _rows_table(title, rows, ratios_only):
    header = [title, *([] if ratios_only else ["ms", "images/s"]), "x naive's images/s"]
    body = []
    for row in rows:
        if "skipped" in row:
            body.append([row["contender"], f"skipped: {row['skipped']}"])
            continue
        cells = [row["contender"]]
        if not ratios_only:
            cells += [f"{row['ms']:.1f}", f"{row['images_per_second']:.1f}"]
        body.append([*cells, f"{row['times_naive']:.2f}" if "times_naive" in row else ""])
    return markdown_table(header, body)


def _parts_table(size, rows, ratios_only):
    header = [
        f"parts, {size}",
        *([] if ratios_only else ["ms", "naive, ms"]),
        "naive's time / ours",
    ]
    body = []
    for row in rows:
        cells = [] if ratios_only else [f"{row['ms']:.2f}", f"{row['naive_ms']:.2f}"]
        body.append([row["part"], *cells, f"{row['naive_ms'] / row['ms']:.2f}"])
    return markdown_table(header, body)


def parse(argv=None):
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.hamgan",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )

    def sizes(text):
        try:
            for size in text.split(","):
                configuration(size)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error
        return text.split(",")

    def names(text):
        unknown = set(text.split(",")) - set(CONTENDERS)
        if unknown:
            raise argparse.ArgumentTypeError(f"{unknown} are not among {', '.join(CONTENDERS)}")
        return text.split(",")

    parser.add_argument(
        "--sizes",
        type=sizes,
        default=list(_SIZES),
        help=f"with commas between (default: {','.join(_SIZES)})",
    )
    parser.add_argument("--contenders", type=names, default=list(CONTENDERS), help="which of them")
    parser.add_argument("--repetitions", type=int, default=7, help="rounds (default: 7)")
    parser.add_argument("--no_parts", action="store_true", help="leave out the table by part")
    parser.add_argument(
        "--ratios", action="store_true", help="print no times: for a machine that does other work"
    )
    parser.add_argument("--json", help="file for the figures as JSON")
    parser.add_argument(
        "--docs", help="Markdown file whose block 'benchmarks.hamgan: STACK' the tables replace"
    )
    arguments = parser.parse_args(argv)
    if arguments.repetitions < 1:
        parser.error(f"--repetitions must be at least 1, not {arguments.repetitions}")
    return arguments


def main(argv=None):
    """Measures, prints and returns all figures."""
    arguments = parse(argv)
    import tensorflow as tf

    tf.get_logger().setLevel("ERROR")  # Each contender is a function of its own: no retracing.
    figures = {"machine": machine(), "rows": [], "parts": []}
    for size in arguments.sizes:
        rows, parts = measure(
            size, arguments.contenders, arguments.repetitions, not arguments.no_parts
        )
        figures["rows"] += rows
        figures["parts"] += parts
    text = tables(figures, arguments.ratios)
    print(text)
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump(figures, file, indent=1)
    if arguments.docs:
        replace_tables(arguments.docs, f"benchmarks.hamgan: {stack()}", text)
    return figures


if __name__ == "__main__":
    main(sys.argv[1:])
