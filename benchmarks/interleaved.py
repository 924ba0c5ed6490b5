"""Times of functions that take turns, so that what disturbs one disturbs all."""

import statistics
import time


def wait_for(result):
    """Reads one number of a result, so that it has been computed."""
    while isinstance(result, (tuple, list)):
        result = result[-1]
    result[(0,) * len(result.shape)].numpy()


def interleaved_medians(calls, repetitions):
    """Median seconds of each call; in every round each has its turn, after one unmeasured.

    Args:
        calls: `{key: function of nothing}`, returning a tensor or tuples of them.
        repetitions: rounds.

    Returns:
        `{key: seconds}`.
    """
    times = {key: [] for key in calls}
    for call in calls.values():
        wait_for(call())
    for _ in range(repetitions):
        for key, call in calls.items():
            begin = time.perf_counter()
            wait_for(call())
            times[key].append(time.perf_counter() - begin)
    return {key: statistics.median(values) for key, values in times.items()}
