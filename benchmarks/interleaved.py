"""Times of functions that take turns, so that what disturbs one disturbs all."""

import statistics
import time

_QUICK_SECONDS = 0.25
_QUICK_CALLS = 4


def wait_for(result):
    """Reads one number of a result, so that it has been computed."""
    while isinstance(result, (tuple, list)):
        result = result[-1]
    result[(0,) * len(result.shape)].numpy()


def interleaved_medians(calls, repetitions):
    """Median seconds of each call; in every round each has its turn, after two unmeasured calls.

    A quick call is made several times in its turn, and the first of them does not count: it
    finds the caches and the memory as the contender before it left them.

    Args:
        calls: `{key: function of nothing}`, returning a tensor or tuples of them.
        repetitions: rounds.

    Returns:
        `{key: seconds}`.
    """
    times, in_a_turn = {key: [] for key in calls}, {}
    for key, call in calls.items():
        wait_for(call())
        in_a_turn[key] = _QUICK_CALLS if _seconds(call) < _QUICK_SECONDS else 1
    for _ in range(repetitions):
        for key, call in calls.items():
            turn = [_seconds(call) for _ in range(in_a_turn[key])]
            times[key] += turn[1:] or turn
    return {key: statistics.median(values) for key, values in times.items()}


def _seconds(call):
    begin = time.perf_counter()
    wait_for(call())
    return time.perf_counter() - begin
