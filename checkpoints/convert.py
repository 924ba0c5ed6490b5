"""python -m checkpoints.convert: any checkpoint to our format."""

from checkpoints.catalogue import describe_released
from gan.command import Parser, command_to_copy, execute, integer
from gan.command_line import add_config_flags, model_settings


def main():
    parser = Parser(
        prog="python -m checkpoints.convert",
        usage="python -m checkpoints.convert SOURCE TARGET [--step=N] [--preset=NAME] "
        "[--FLAG=VALUE ...]",
        description="Converts a checkpoint into a folder with weights.npz and config.json, which "
        "any TensorFlow can load and which needs no flags again. Of a run that averaged the "
        "generator's weights the averages are stored. Optimizer slots are left out. "
        "The folder appears when it is complete.",
    )
    parser.add_argument(
        "source",
        help="a run folder, or a TensorFlow checkpoint of the authors: its folder, its path prefix "
        ".../model.ckpt-STEP, or one of its files",
    )
    parser.add_argument("target", help="folder to write; must not exist, or be empty")
    parser.add_argument("--step", type=integer, help="which checkpoint (default: the newest)")
    parser.add_argument("--preset", help="preset of an authors' checkpoint; see below")
    add_config_flags(parser, sections=("model",))
    parser.epilog = (
        "Flags of the model are for an authors' checkpoint, whose variables do not tell its ham, "
        "steps, groups and\nranks: without a flag, --preset or a config.json of the authors' "
        "settings beside it, they are assumed as\npublished. What the variables do tell must "
        "agree.\n\nreleased models:\n" + describe_released()
    )
    arguments = parser.parse_args()

    from checkpoints.conversion import convert

    source = convert(
        arguments.source,
        arguments.target,
        arguments.step,
        arguments.preset,
        model_settings(arguments),
    )
    for line in source.notes():
        print(line)
    print(f"Written: {arguments.target}")
    print(f"Draw from it: {command_to_copy('gan.generate', f'--run={arguments.target}')}")


if __name__ == "__main__":
    execute(main)
