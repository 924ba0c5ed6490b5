"""python -m checkpoints.inspect: says what a checkpoint holds."""

import sys

from checkpoints.catalogue import RELEASED, describe_released
from gan.command import Parser, add_switch, check_printed, execute, integer


def main():
    parser = Parser(
        prog="python -m checkpoints.inspect",
        usage="python -m checkpoints.inspect PATH [--step=N] [--preset=NAME] [--names]",
        description="Reads a checkpoint wholly and prints its format, step, classes, image size, "
        "hamburgers and parameter counts, and whether all values are finite. Exit status 1 if it "
        "cannot be used.",
        epilog="released models:\n" + describe_released(),
    )
    parser.add_argument(
        "path",
        help="a released model's name, a run folder, a converted folder, or a TensorFlow "
        "checkpoint of the authors",
    )
    parser.add_argument("--step", type=integer, help="which checkpoint (default: the newest)")
    parser.add_argument("--preset", help="preset of an authors' checkpoint")
    add_switch(parser, "--names", help="list every Keras weight with its stored name")
    arguments = parser.parse_args()

    from checkpoints.inspection import describe
    from checkpoints.opening import open_checkpoint

    released = RELEASED.get(arguments.path)
    if released is not None:
        print(f"{arguments.path}: {released.summary}.")
        print(f"Scores: {released.scores}. From: {released.place}.")
    checkpoint = open_checkpoint(arguments.path, arguments.step, arguments.preset)
    text, usable = describe(checkpoint, arguments.names)
    print(text)
    check_printed()
    if not usable:
        sys.exit(1)


if __name__ == "__main__":
    execute(main)
