"""What one waits for before anything happens: python -m benchmarks.start_up --help.

Each figure is the median over fresh processes, which take turns: TensorFlow's own import,
with Keras, and what `import ham_tf` adds to it; the whole of `python -m gan.generate` for a
grid of the digits model that ships; `--help` and a wrong flag of the commands, which answer
without importing TensorFlow.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

from benchmarks.documented_tables import machine, markdown_table, replace_tables, stack

_IMPORTS = """
import time
begin = time.perf_counter()
import tensorflow as tf
tf.keras
middle = time.perf_counter()
import ham_tf
print(middle - begin, time.perf_counter() - middle)
"""
_COMMANDS = ("gan.train", "gan.generate", "gan.evaluate", "gan.invert", "preprocessing.imagenet")


def _run(*arguments, status=0):
    """Seconds of a Python process, and what it printed."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    begin = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=False, env=environment
    )
    seconds = time.perf_counter() - begin
    if done.returncode != status:
        sys.exit(
            f"error: {' '.join(arguments)} ended with {done.returncode}: {done.stderr[-1000:]}"
        )
    return seconds, done.stdout


def measure(repetitions):
    """Median seconds by what is waited for."""
    times = {}

    def record(name, seconds):
        times.setdefault(name, []).append(seconds)

    with tempfile.TemporaryDirectory() as folder:
        for repetition in range(repetitions):
            of_tensorflow, of_ham_tf = map(float, _run("-c", _IMPORTS)[1].split())
            record("import tensorflow, with Keras", of_tensorflow)
            record("import ham_tf, beyond that", of_ham_tf)
            picture = os.path.join(folder, f"{repetition}.png")
            grid, _ = _run("-m", "gan.generate", "--model=digits", f"--out={picture}")
            record("gan.generate: 100 digits", grid)
            record("gan.generate, beyond TensorFlow's import", grid - of_tensorflow)
            for command in _COMMANDS:
                record(f"{command} --help", _run("-m", command, "--help")[0])
            wrong, _ = _run("-m", "gan.train", "--preset=nonsense", status=1)
            record("gan.train --preset=nonsense", wrong)
    return {name: statistics.median(seconds) for name, seconds in times.items()}


def table(seconds):
    """The figures as Markdown."""
    body = [[name, f"{value:.2f}"] for name, value in seconds.items()]
    return "\n".join([machine() + ".", "", *markdown_table(["", "s"], body)])


def parse(argv=None):
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.start_up",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--repetitions", type=int, default=5, help="rounds (default: 5)")
    parser.add_argument(
        "--docs", help="Markdown file whose block 'benchmarks.start_up: STACK' the table replaces"
    )
    arguments = parser.parse_args(argv)
    if arguments.repetitions < 1:
        parser.error(f"--repetitions must be at least 1, not {arguments.repetitions}")
    return arguments


def main(argv=None):
    """Measures, prints and returns all figures."""
    arguments = parse(argv)
    seconds = measure(arguments.repetitions)
    text = table(seconds)
    print(text)
    if arguments.docs:
        replace_tables(arguments.docs, f"benchmarks.start_up: {stack()}", text)
    return seconds


if __name__ == "__main__":
    main(sys.argv[1:])
