"""Files that are whole or absent."""

import contextlib
import os
import tempfile
from typing import Optional

UNFINISHED = ".unfinished-"  # how names of writes begin that a crash cut short


def is_unfinished(name: str) -> bool:
    """Whether a file name is that of a write which a crash cut short."""
    return name.startswith(UNFINISHED)


def obstacle(path: str) -> Optional[str]:
    """Why no file or folder can be made at `path`, as far as that shows before; or None."""
    if not path:
        return "the name is empty"
    if os.path.islink(path) and not os.path.exists(path):
        return f"{path} is a link to nothing"
    parent = os.path.dirname(os.path.abspath(path))
    while not os.path.exists(parent):
        parent = os.path.dirname(parent)
    if not os.path.isdir(parent) or not os.access(parent, os.W_OK | os.X_OK):
        return f"{parent} is no folder that can be written to"
    return None


def file_ending(path: str) -> str:
    """The ending that makes a name that of a file, as ".txt", in lower case; or "".

    A folder's name has none, nor has one with a slash behind it, as "a.b/", or one that
    ends in a part of a number, as "rate_0.5e-3".
    """
    ending = os.path.splitext(path)[1].lower()
    try:
        float("0" + ending)
    except ValueError:
        return ending
    return ""


@contextlib.contextmanager
def named_in_errors(path: str):
    """Lets an OSError that is raised inside name `path`: that of a full disk names nothing."""
    try:
        yield
    except OSError as error:
        if error.errno is not None and error.filename is None:
            error.filename = path
        raise


def write_atomically(path: str, content: bytes):
    """Writes `content` to `path`: a reader, or a crash, sees the old file or the new one.

    Missing folders are made.
    """
    with open_atomically(path) as file:
        file.write(content)


@contextlib.contextmanager
def open_atomically(path: str):
    """Opens a binary file that becomes `path` when the block has ended without an error.

    Missing folders are made.
    """
    folder = os.path.dirname(os.path.abspath(path))
    os.makedirs(folder, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=folder, prefix=UNFINISHED)
    try:
        with named_in_errors(path), os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
