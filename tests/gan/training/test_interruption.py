"""Signals that ask a job to end: noted, with the handlers of before put back."""

import signal
import threading

import pytest

from gan.training.interruption import Interrupted, Interruption

SIGNALS = (signal.SIGTERM, signal.SIGINT)


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
