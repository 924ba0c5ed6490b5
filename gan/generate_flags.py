"""The flags of gan.generate, checked as far as they can be without the model."""

import argparse
import os

from checkpoints.model_flag import add_model_flags
from gan.command import Parser, integer, number
from gan.command_line import add_config_flags, model_settings
from gan.image_files.output_path import check_output, output_kind
from gan.sampling.latents import SEEDS, LatentError, check_truncation
from gan.sampling.selection import read_seeds

_FRAMES = 16
# What may be written of each series; of plain images the last.
_KINDS = {
    "interpolate": {"grid": ".png", "animation": ".gif"},
    "truncation_sweep": {"grid": ".png"},
    None: {"grid": ".png", "archive": ".npz", "folder": "no ending, for a folder"},
}


def read_flags() -> argparse.Namespace:
    """Reads and checks the command line; on an error the process ends with one line.

    Returns:
        The flags, where `seeds` is a list of integers or None, `truncation_sweep` a list
        of numbers or None, `series` "interpolate", "truncation_sweep" or None, and
        `settings` the fields of `ModelConfig` that were given.

    Raises:
        SelectionError, OutputError: for seeds or targets that cannot be used.
    """
    parser = _make_parser()
    flags = parser.parse_args()
    flags.series = next(
        (name for name in ("interpolate", "truncation_sweep") if getattr(flags, name)), None
    )
    _check_numbers(parser, flags)
    _check_together(parser, flags)
    _check_outputs(parser, flags)
    if flags.seeds is not None:
        flags.seeds = read_seeds(flags.seeds)
    if flags.interpolate == "latents" and len(flags.seeds) < 2:
        parser.error(f"--seeds={flags.seeds[0]}: --interpolate=latents needs at least two.")
    flags.seed = flags.seed or 0
    flags.frames = flags.frames or _FRAMES
    flags.settings = model_settings(flags)
    return flags


def _check_numbers(parser, flags):
    for name, least in (("num", 1), ("batch_size", 1), ("frames", 2)):
        value = getattr(flags, name)
        if value is not None and value < least:
            parser.error(f"--{name}={value}: must be at least {least}.")
    if flags.seed is not None and not 0 <= flags.seed < SEEDS:
        parser.error(f"--seed={flags.seed}: must be in [0, {SEEDS}).")


def _check_together(parser, flags):
    """Checks flags that exclude or need each other."""
    for name, other in (
        ("num", "seeds"),
        ("seed", "seeds"),
        ("num", "interpolate"),
        ("num", "truncation_sweep"),
        ("truncation", "truncation_sweep"),
        ("interpolate", "truncation_sweep"),
    ):
        if getattr(flags, name) is not None and getattr(flags, other) is not None:
            parser.error(f"--{name} and --{other} exclude each other: give one of them.")
    if flags.frames is not None and not flags.interpolate:
        parser.error(f"--frames={flags.frames}: only for --interpolate.")
    if flags.interpolate == "latents" and flags.seeds is None:
        parser.error("--interpolate=latents: needs the seeds to pass, as --seeds=0-3.")
    if flags.interpolate == "classes" and not flags.classes:
        parser.error("--interpolate=classes: needs the classes to pass, as --class=0,1.")


def _check_outputs(parser, flags):
    kinds, seen = _KINDS[flags.series], set()
    for path in flags.out:
        kind = output_kind(path)
        if kind == "animation" and kind not in kinds:
            parser.error(f"--out={path}: an animation needs --interpolate=latents or classes.")
        if kind not in kinds:
            parser.error(
                f"--out={path}: with --{flags.series} the name must end in "
                f"{' or '.join(kinds.values())}."
            )
        if os.path.abspath(path) in seen:
            parser.error(f"--out={path}: given twice.")
        seen.add(os.path.abspath(path))
        check_output(path)


def _threshold(text):
    """Reads a threshold of truncation."""
    value = number(text)
    try:
        check_truncation(value)
    except LatentError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return value


def _thresholds(text):
    return [_threshold(part) for part in text.split(",")]


def _make_parser():
    parser = Parser(
        prog="python -m gan.generate",
        usage="python -m gan.generate [--model=NAME_OR_PATH] [--class=CLASS] [--num=N] "
        "[--out=FILE] [--FLAG=VALUE ...]",
        description="Draws images of chosen classes. An image is given by its class, seed and "
        "truncation; whatever else is drawn\nwith it, and in whatever batches, it is the same "
        "to the last bit, on the same machine and TensorFlow.\nNeeds no TF-GAN.",
    )
    model = parser.add_argument_group("checkpoint")
    add_model_flags(model)
    model.add_argument("--step", type=integer, help="which checkpoint (default: the newest)")
    model.add_argument("--preset", help="preset of an authors' checkpoint")
    images = parser.add_argument_group("images")
    images.add_argument(
        "--class",
        dest="classes",
        action="append",
        default=[],
        metavar="CLASS",
        help="name, WordNet id or index, or several, as goldfish,n01440764,3-5; a class folder's "
        "name comes before an index, and one with a comma is given alone; may be given again "
        "(default: all; ten of more than ten, unless --num is given)",
    )
    images.add_argument(
        "--num",
        type=integer,
        help="number of images in all, each from another seed, the classes in equal parts "
        "(default: 16 of one class, ten seeds for each of several)",
    )
    images.add_argument("--seed", type=integer, help="first seed (default: 0)")
    images.add_argument(
        "--seeds", help="seeds for each class, as 0-63 or 3,7,10-12, in place of --num and --seed"
    )
    images.add_argument(
        "--truncation",
        type=_threshold,
        help="largest magnitude in a latent: less variety, more typical images (default: none)",
    )
    images.add_argument(
        "--batch_size",
        type=integer,
        default=64,
        help="images computed per call; changes none of them (default: 64)",
    )
    series = parser.add_argument_group("series")
    series.add_argument(
        "--interpolate",
        choices=("latents", "classes"),
        help="from one of --seeds to the next, one row per class; or from one --class to the next, "
        "one row per seed",
    )
    series.add_argument(
        "--frames",
        type=integer,
        help=f"images from one to the next, both included (default: {_FRAMES})",
    )
    series.add_argument(
        "--truncation_sweep",
        type=_thresholds,
        metavar="THRESHOLDS",
        help="one row per threshold, as 0.2,0.5,1,2; one column per class and seed",
    )
    output = parser.add_argument_group("output")
    output.add_argument(
        "--out",
        action="append",
        default=[],
        help="what to write; may be given again. By the ending: .png, one labelled picture; .npz, "
        "arrays of pixels (arr_0) and labels (arr_1); .gif, an animation; without one, or with a "
        "slash behind it, a new folder of PNG files (default: a picture in RUN/samples, or in "
        "samples). Where one cannot be written, those complete by then stay, and are named",
    )
    add_config_flags(parser, sections=("model",))
    parser.epilog = (
        "Flags of the model are for an authors' checkpoint; see python -m checkpoints.convert.\n\n"
        "examples:\n"
        "  --class=7 --num=16 --seed=3                        sixteen sevens\n"
        "  --class=goldfish,tench --seeds=0-63 --out=a.npz    for tools that take .npz\n"
        "  --class=3,8 --interpolate=classes --out=a.gif      a three becomes an eight\n"
        "  --class=5 --truncation_sweep=0.2,0.5,1,2           less and more variety\n"
    )
    return parser
