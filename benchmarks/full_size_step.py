"""One training step of the published networks on this machine: python -m benchmarks.full_size_step.

Builds generator, discriminator and optimizers of a preset at full size, compiles the step
(sub-steps of both networks) by XLA or runs it as a plain graph, and trains on random
images. Each row comes from a process of its own, so that its peak memory is its own.
"""

import argparse
import json
import os
import subprocess
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from benchmarks.documented_tables import (  # noqa: E402
    machine,
    markdown_table,
    replace_tables,
    stack,
)

PRESETS = ("hamgan_baby", "hamgan_strong")


def peak_memory():
    """The most memory this process has held, in GB."""
    with open("/proc/self/status", encoding="ascii") as file:
        line = next(line for line in file if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024 / 1e9


def measure(preset, batch_size, steps, compiled):
    """Trains a few steps in this process.

    Returns:
        Seconds of the first step with its compilation, seconds per further step, peak memory
        in GB, and whether all that the steps measure is finite.
    """
    import numpy as np
    import tensorflow as tf

    from gan.presets import get_preset
    from gan.training.training_state import TrainingState
    from gan.training.training_step import MEASURED, TrainingStep

    config = get_preset(preset)
    model, sub_steps = config.model, config.training.discriminator_steps + 1
    state = TrainingState(config)
    step = TrainingStep(state, config.training.discriminator_steps)
    train = tf.function(
        lambda *batch: tf.stack(step(*batch)), autograph=False, jit_compile=compiled
    )
    random = np.random.RandomState(0)
    shape = [sub_steps, batch_size]

    def labels():
        return tf.constant(random.randint(model.num_classes, size=shape), tf.int32)

    latents = tf.constant(random.randn(*shape, model.z_dim), tf.float32)
    size = [model.image_size, model.image_size, model.image_channels]
    images = tf.constant(random.uniform(-1, 1, [*shape, *size]), tf.float32)
    batch = {"latents": latents, "labels": labels()}, {"images": images, "labels": labels()}

    started = time.monotonic()
    measured = [train(*batch).numpy()]
    first = time.monotonic() - started
    started = time.monotonic()
    measured += [train(*batch).numpy() for _ in range(steps)]
    return {
        "tensorflow": tf.__version__,
        "preset": preset,
        "batch_size": batch_size,
        "compiled": compiled,
        "first_step_seconds": first,
        "seconds_per_step": (time.monotonic() - started) / steps,
        "peak_gigabytes": peak_memory(),
        "finite": bool(np.isfinite(measured).all()),
        "measured": dict(zip(MEASURED, map(float, measured[-1]))),
    }


_HEADER = ["network", "XLA", "first step, s", "further steps, s", "peak memory, GB"]


def _cells(row):
    return [
        f"`{row['preset']}`",
        "yes" if row["compiled"] else "no",
        f"{row['first_step_seconds']:.0f}",
        f"{row['seconds_per_step']:.1f}",
        f"{row['peak_gigabytes']:.1f}",
    ]


def parse(argv=None):
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.full_size_step",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--preset", choices=PRESETS, help="default: one after the other")
    parser.add_argument("--batch_size", type=int, default=8, help="images (default: 8)")
    parser.add_argument("--steps", type=int, default=3, help="after the first (default: 3)")
    parser.add_argument("--jit_compile", choices=("true", "false"), help="default: both")
    parser.add_argument("--json", help="file for the rows as JSON")
    parser.add_argument(
        "--docs",
        help="Markdown file whose block 'benchmarks.full_size_step: STACK' the table replaces",
    )
    parser.add_argument("--in_this_process", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def main(argv=None):
    """Measures and prints all rows."""
    arguments = parse(argv)
    if arguments.in_this_process:
        compiled = arguments.jit_compile == "true"
        row = measure(arguments.preset, arguments.batch_size, arguments.steps, compiled)
        print(json.dumps(row))
        return None
    rows = []
    print("\n".join(markdown_table(_HEADER, [])), flush=True)
    for preset in [arguments.preset] if arguments.preset else PRESETS:
        for compiled in [arguments.jit_compile] if arguments.jit_compile else ["true", "false"]:
            command = [sys.executable, "-m", "benchmarks.full_size_step", "--in_this_process"]
            command += [f"--preset={preset}", f"--jit_compile={compiled}"]
            command += [f"--batch_size={arguments.batch_size}", f"--steps={arguments.steps}"]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                sys.exit(f"error: {preset}, XLA {compiled}: {done.stderr[-2000:]}")
            row = json.loads(done.stdout.splitlines()[-1])
            if not row["finite"]:
                sys.exit(f"error: {preset}, XLA {compiled}: not finite: {row['measured']}")
            rows.append(row)
            print(markdown_table(_HEADER, [_cells(row)])[-1], flush=True)
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump(rows, file, indent=1)
    if arguments.docs:
        table = markdown_table(_HEADER, map(_cells, rows))
        lines = [f"{machine()}; batches of {arguments.batch_size}.", "", *table]
        replace_tables(arguments.docs, f"benchmarks.full_size_step: {stack()}", "\n".join(lines))
    return rows


if __name__ == "__main__":
    main(sys.argv[1:])
