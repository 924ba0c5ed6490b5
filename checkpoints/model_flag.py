"""The flags --model and --run: which checkpoint a command uses.

No TensorFlow is imported here: `--help` and wrong flags answer at once.
"""

import argparse
import os

from checkpoints.catalogue import RELEASED
from gan.command import text

_SHIPPED = "digits"


def add_model_flags(group):
    """Adds both flags; what was given is `model`, for `open_checkpoint`, whichever was used."""
    group.add_argument(
        "--model",
        # Its path and not its name: a folder here of that name was not asked for.
        default=RELEASED[_SHIPPED].folder,
        help="name of a released model, run folder, folder that checkpoints.convert wrote, or "
        f"TensorFlow checkpoint of the authors (default: {_SHIPPED})",
    )
    group.add_argument(
        "--run",
        dest="model",
        type=_path,
        default=argparse.SUPPRESS,
        metavar="PATH",
        help="the same, but always a path and never a released model's name",
    )


def _path(given):
    path = text(given)
    if path not in RELEASED:
        return path
    if not os.path.exists(path):
        raise argparse.ArgumentTypeError(
            f"there is no folder {path}. --model={path} is the released model."
        )
    return os.path.join(os.curdir, path)
