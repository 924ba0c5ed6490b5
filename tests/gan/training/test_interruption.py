"""Signals that ask a job to end: noted, with the handlers of before put back."""

import pathlib
import signal
import subprocess
import sys
import threading

import pytest

from gan.training.interruption import Interrupted, Interruption

ROOT = pathlib.Path(__file__).parents[3]
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_is_noted(number, capsys):
    before = [signal.getsignal(other) for other in SIGNALS]
    with Interruption().open() as interruption:
        assert interruption.requested is None
        signal.raise_signal(number)
        assert interruption.requested == number.name
    assert [signal.getsignal(other) for other in SIGNALS] == before
    assert capsys.readouterr().err.startswith(f"\n{number.name}: saving the present step.")
    with pytest.raises(Interrupted) as raised:
        interruption.raise_if_requested()
    assert raised.value.exit_status == 75


@pytest.mark.parametrize("number", SIGNALS)
def test_with_nothing_to_save_it_ends_the_job_at_once(number):
    before = signal.getsignal(number)
    with (
        pytest.raises(Interrupted),
        Interruption().open() as interruption,
        interruption.nothing_to_save(),
    ):
        signal.raise_signal(number)
        pytest.fail("went on")
    assert signal.getsignal(number) is before


def test_one_that_came_before_counts_there():
    with Interruption().open() as interruption:
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(Interrupted), interruption.nothing_to_save():
            pytest.fail("went on")


@pytest.mark.parametrize(
    ("numbers", "asked"),
    [
        ((signal.SIGHUP, signal.SIGHUP, signal.SIGHUP), "SIGHUP"),  # of the system and the shell
        ((signal.SIGTERM, signal.SIGHUP, signal.SIGHUP), "SIGTERM"),  # as systemd ends sessions
        ((signal.SIGHUP, signal.SIGINT, signal.SIGHUP), "SIGHUP"),
    ],
)
def test_a_closed_terminal_never_ends_at_once(numbers, asked):
    with Interruption().open() as interruption:
        for number in numbers:
            signal.raise_signal(number)
        assert interruption.requested == asked


def test_a_hangup_that_was_ignored_still_is():
    """As under `nohup`."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interruption().open() as interruption:
            signal.raise_signal(signal.SIGHUP)
            assert interruption.requested is None
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("first", ["SIGTERM", "SIGINT"])
def test_the_second_signal_by_hand_ends_at_once(first):
    program = f"""
import signal
from gan.training.interruption import Interruption

with Interruption().open():
    for number in (signal.SIGHUP, signal.{first}, signal.SIGHUP, signal.SIGTERM):
        signal.raise_signal(number)
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, stderr=subprocess.PIPE)
    assert done.returncode == -signal.SIGTERM
    assert done.stderr.count(b"Once more ends at once.") == 1


def test_outside_the_main_thread_signals_stay_as_they_are():
    before = [signal.getsignal(number) for number in SIGNALS]
    seen = []

    def work():
        with Interruption().open():
            seen.extend(signal.getsignal(number) for number in SIGNALS)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == before
