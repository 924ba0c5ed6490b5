"""Where a command writes: what kind of file a path asks for, and whether it can be written."""

import os

from gan.atomic_file import file_ending, obstacle

_KINDS = {".png": "grid", ".npz": "archive", ".gif": "animation"}
_EXPECTED = (
    "Expected a name that ends in .png (one picture), .npz (arrays) or .gif (an animation), or a "
    "new folder's, for PNG files"
)


class OutputError(ValueError):
    """A target that cannot be written; the message names it and says why."""


def output_kind(path: str) -> str:
    """ "grid", "archive" or "animation", by the path's ending; a name without is a "folder".

    Raises:
        OutputError: for the ending of a file that nothing here writes.
    """
    ending = file_ending(path)
    if ending in _KINDS:
        return _KINDS[ending]
    if ending and not os.path.exists(path):
        raise OutputError(
            f"--out={path}: no {ending} can be written. {_EXPECTED} (with a slash behind it if it "
            "has a dot)."
        )
    return "folder"


def check_output(path: str):
    """Checks that a target can be written, as far as that shows before the work.

    Missing folders above it will be made, and a file there will be replaced.

    Raises:
        OutputError: if a folder is in a file's place, a file or a folder that is not
            empty in a folder's, or if nothing can be written there.
    """
    is_folder = output_kind(path) == "folder"
    if is_folder and os.path.isdir(path) and os.listdir(path):
        raise OutputError(f"--out={path}: the folder is not empty. Choose a new one.")
    if is_folder and os.path.exists(path) and not os.path.isdir(path):
        raise OutputError(f"--out={path}: this is a file, and of no kind known here. {_EXPECTED}.")
    if not is_folder and os.path.isdir(path):
        raise OutputError(f"--out={path}: this is a folder. Expected a file to write.")
    if reason := obstacle(path):
        raise OutputError(f"--out={path}: {reason}.")
