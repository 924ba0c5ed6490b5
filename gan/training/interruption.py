"""Signals that ask a job to end: it saves its present step first."""

import contextlib
import signal
import sys
import threading
from typing import Optional

from gan.standard_streams import stop_waiting

INTERRUPTED_STATUS = 75  # EX_TEMPFAIL: the same command goes on


class Interrupted(Exception):  # noqa: N818 (no error: what was asked for)
    """A signal ended the job; everything done so far is saved."""

    exit_status = INTERRUPTED_STATUS


class Interruption:
    """Notes SIGTERM, SIGINT (Ctrl-C) and SIGHUP while it is open, for the engine to look at.

    A second SIGTERM or SIGINT ends the process at once, without a checkpoint. SIGHUP, which a
    closed terminal sends, does not count there: it often comes twice, or beside SIGTERM. Where
    it was ignored before, as under `nohup`, it still is.

    Attributes:
        requested: name of the signal that came, or None.
    """

    def __init__(self):
        self.requested: Optional[str] = None
        self._asked_by_hand = False
        self._nothing_to_save = False

    @contextlib.contextmanager
    def open(self):
        """Takes the signals' handlers while inside; outside the main thread, does nothing."""
        if threading.current_thread() is not threading.main_thread():
            yield self
            return
        numbers = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]
        if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
            numbers.remove(signal.SIGHUP)
        before = {number: signal.getsignal(number) for number in numbers}
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
        by_hand = number != signal.SIGHUP
        if by_hand and self._asked_by_hand:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        self._asked_by_hand = self._asked_by_hand or by_hand
        name = signal.Signals(number).name
        self.requested = self.requested or name
        # What is said now, or was being said, may have nobody who reads it.
        stop_waiting()
        if self._nothing_to_save:
            raise Interrupted(self.requested)
        more = " Once more ends at once." if by_hand else ""
        print(f"\n{name}: saving the present step.{more}", file=sys.stderr)
