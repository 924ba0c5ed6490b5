"""Files that are whole or absent."""

import contextlib
import os
import tempfile

UNFINISHED = ".unfinished-"  # how names of writes begin that a crash cut short


def is_unfinished(name: str) -> bool:
    """Whether a file name is that of a write which a crash cut short."""
    return name.startswith(UNFINISHED)


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
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
