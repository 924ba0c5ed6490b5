"""Signals that ask a job to end: it saves its present step first."""

import contextlib
import signal
import sys
import threading
from typing import Optional

INTERRUPTED_STATUS = 75  # EX_TEMPFAIL: the same command goes on


class Interrupted(Exception):  # noqa: N818 (no error: what was asked for)
    """A signal ended the job; everything done so far is saved."""

    exit_status = INTERRUPTED_STATUS


class Interruption:
    """Notes SIGTERM and SIGINT (Ctrl-C) while it is open, for the engine to look at.

    The second signal ends the process at once, without a checkpoint.

    Attributes:
        requested: name of the signal that came, or None.
    """

    def __init__(self):
        self.requested: Optional[str] = None
        self._nothing_to_save = False

    @contextlib.contextmanager
    def open(self):
        """Takes the signals' handlers while inside; outside the main thread, does nothing."""
        if threading.current_thread() is not threading.main_thread():
            yield self
            return
        before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
        for number in before:
            signal.signal(number, self._note)
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextlib.contextmanager
    def nothing_to_save(self):
        """A signal that comes inside, or came before, raises Interrupted at once."""
        self._nothing_to_save = True
        try:
            self.raise_if_requested()
            yield
        finally:
            self._nothing_to_save = False

    def raise_if_requested(self):
        """Raises Interrupted if a signal came."""
        if self.requested is not None:
            raise Interrupted(self.requested)

    def _note(self, number, frame):
        del frame
        if self.requested is not None:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        self.requested = signal.Signals(number).name
        if self._nothing_to_save:
            raise Interrupted(self.requested)
        print(
            f"\n{self.requested}: saving the present step. Once more ends at once.", file=sys.stderr
        )
