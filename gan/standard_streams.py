"""Standard output and error as a command writes them: no message can cost the work.

Who has stopped reading loses what would have been said: a closed pipe or terminal, a full
disk behind `> log`, a stream that was closed from the start.
"""

import codecs
import errno
import io
import os
import select
import sys
import time
from typing import Optional

_READER_GONE = (
    errno.EPIPE,
    errno.EIO,  # a terminal that was closed
    errno.EBADF,
    errno.ENXIO,
    errno.ENOTCONN,
    errno.ECONNRESET,
    errno.ETIMEDOUT,  # `_Descriptor` gave up
)
_LOOK_MILLISECONDS = 100  # how often a blocked write looks whether it is still to wait
_LAST_WAIT_SECONDS = 1.0
_REPLACE = "ham_tf_replace"

_is_ending = False


def open_streams():
    """Replaces `sys.stdout` and `sys.stderr` by streams that can always be written to.

    What their encoding lacks becomes "?", and bytes of a file name that are no text `\\xe9`.
    Streams that somebody else has put there, as a test does, stay.
    """
    codecs.register_error(_REPLACE, _replace)
    for number in range(3):
        _hold_place(number)
    if sys.stdout is sys.__stdout__:
        sys.stdout = _stream(1, sys.stdout)
    if sys.stderr is sys.__stderr__:
        sys.stderr = _stream(2, sys.stderr)


def stop_waiting():
    """From now on, a reader who does not read is waited for a second, and not for ever."""
    global _is_ending
    _is_ending = True


def lost_output() -> Optional[OSError]:
    """Why a part of standard output could not be written; None for a reader who has gone.

    That one wanted no more; a full disk, or a limit, has cut off what somebody wants.
    """
    error = getattr(getattr(sys.stdout, "buffer", None), "error", None)
    return None if error is None or error.errno in _READER_GONE else error


class _Descriptor(io.FileIO):
    """A file descriptor, written to without a buffer; after the first error nothing is.

    Without a buffer, as Python's must not be written to by a signal handler that has
    interrupted a write, and raises its errors once more when the process ends.

    Attributes:
        error: the first, or None.
    """

    error: Optional[OSError] = None

    def write(self, content):
        rest = memoryview(content).cast("B")
        size = len(rest)
        try:
            while rest and self.error is None:
                self._wait()
                # None if the descriptor does not block and somebody else was quicker.
                rest = rest[super().write(rest[: select.PIPE_BUF]) or 0 :]
        except OSError as error:
            self.error = error
        return size

    def _wait(self):
        """Returns when PIPE_BUF bytes, or an error, can be written at once."""
        ready, started = select.poll(), time.monotonic()
        ready.register(self.fileno(), select.POLLOUT)
        while not ready.poll(_LOOK_MILLISECONDS):
            if _is_ending and time.monotonic() - started > _LAST_WAIT_SECONDS:
                raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))


def _hold_place(number):
    """Puts the null device where a standard stream was closed: the next file would be there."""
    try:
        os.fstat(number)
    except OSError:
        null = os.open(os.devnull, os.O_RDWR)
        if null != number:
            os.dup2(null, number)
            os.close(null)
        os.set_inheritable(number, True)


def _stream(number, replaced):
    return io.TextIOWrapper(
        _Descriptor(number, "w", closefd=False),
        encoding=replaced.encoding if replaced else "utf-8",
        errors=_REPLACE,
        newline="\n",
        line_buffering=True,
    )


def _replace(error):
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(map(_replacement, lacking)), error.end


def _replacement(letter):
    is_byte = "\udc80" <= letter <= "\udcff"  # as `os.fsdecode` gives those that are no text
    return f"\\x{ord(letter) - 0xDC00:02x}" if is_byte else "?"
