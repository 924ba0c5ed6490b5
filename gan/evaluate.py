"""python -m gan.evaluate: judges a checkpoint of a run."""

from gan.command_line import Parser, execute, integer


def main():
    parser = Parser(
        prog="python -m gan.evaluate",
        description="Judges a checkpoint of a run folder: class accuracy, Fréchet distance and "
        "classifier score of generated images. The figures are printed and appended to the run's "
        "metrics.jsonl.",
    )
    group = parser.add_argument_group("model")
    group.add_argument("--run", default="runs/digits", help="run folder (default: runs/digits)")
    group.add_argument("--step", type=integer, help="which checkpoint (default: the newest)")
    arguments = parser.parse_args()

    from gan.job import Job, describe
    from gan.run_folder import RunFolder

    job = Job(RunFolder(arguments.run).read_config(), arguments.run)
    print(describe(job.evaluate(arguments.step)))


if __name__ == "__main__":
    execute(main)
