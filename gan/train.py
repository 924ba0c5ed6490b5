"""python -m gan.train: trains and evaluates HamGAN."""

import os
import sys

from gan.command import Parser, add_switch, check_printed, execute, number
from gan.command_line import add_config_flags, config_from_flags

MODES = ("train", "eval", "continuous_eval", "train_and_eval")


def main():
    parser = Parser(
        prog="python -m gan.train",
        usage="python -m gan.train [--preset=NAME] [--run=FOLDER] [--mode=MODE] [--FLAG=VALUE ...]",
        description="Trains HamGAN, going on from the newest checkpoint of the run folder if it "
        "has one, and evaluates it. SIGTERM, Ctrl-C and a closed terminal (SIGHUP) save the "
        "present step and end with exit status 75: the same command goes on. A second SIGTERM or "
        "Ctrl-C ends at once.",
    )
    group = parser.add_argument_group("job")
    group.add_argument(
        "--preset",
        default="digits",
        help="configuration to start from; see below (default: digits)",
    )
    group.add_argument("--run", help="run folder (default: runs/PRESET)")
    group.add_argument(
        "--mode",
        choices=MODES,
        default="train_and_eval",
        help="train: train only. eval: evaluate the newest checkpoint. continuous_eval: evaluate "
        "every checkpoint as it appears, until the last step. train_and_eval: both in turn, and "
        "a report (default: train_and_eval)",
    )
    group.add_argument(
        "--eval_timeout",
        type=number,
        default=3600.0,
        help="continuous_eval: seconds without a new checkpoint after which to stop "
        "(default: 3600)",
    )
    add_switch(group, "--dry_run", help="print the resolved configuration as JSON and stop")
    add_config_flags(parser)
    arguments = parser.parse_args()
    config = config_from_flags(arguments)
    if arguments.dry_run:
        print(config.to_json(), end="", flush=True)
    trains = arguments.mode in ("train", "train_and_eval")
    if trains and (warning := config.training.averages_warning()):
        print(f"warning: {warning}", file=sys.stderr)
    if arguments.dry_run:
        check_printed()
        return

    # TensorFlow takes seconds to import: only once the flags are known to be good.
    from gan.job import Job
    from gan.real_images import SPLITS

    run = arguments.run or os.path.join("runs", config.preset)
    given = [name for name in SPLITS if getattr(arguments, name) is not None]
    job = Job(config, run, trains=trains, given=given)
    if arguments.mode == "train":
        job.train()
    elif arguments.mode == "eval":
        job.evaluate()
    elif arguments.mode == "continuous_eval":
        job.evaluate_continuously(arguments.eval_timeout)
    else:
        job.train_and_evaluate()


if __name__ == "__main__":
    execute(main)
