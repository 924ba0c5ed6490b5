"""Memory of one pass in a process of its own."""

import ctypes
import multiprocessing

from benchmarks.ham_contenders import STEPS, compiled_passes
from benchmarks.interleaved import wait_for


def extra_memory(name, size, steps=STEPS):
    """Bytes that forward and backward take beyond input and incoming gradient.

    How far the resident memory of a new process rises (VmHWM, so Linux alone) above what it
    was before its first pass; result, gradient, code and compiled kernels are in it.

    Args:
        name: a contender.
        size: batch, height, width, channels, rank.
        steps: alternations of a decomposition.

    Returns:
        Bytes, or None if the process failed.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_send_extra_memory, args=(sender, name, size, steps))
    child.start()
    sender.close()
    try:
        return receiver.recv()
    except EOFError:
        return None
    finally:
        child.join()


def _send_extra_memory(connection, name, size, steps):
    _, training = compiled_passes(name, size, steps)
    # What was freed goes back to the system: reused, it would not be counted.
    ctypes.CDLL(None).malloc_trim(0)
    with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
        file.write("5")  # The mark falls to what is resident now.
    before = _high_water_mark()
    wait_for(training())
    connection.send(_high_water_mark() - before)


def _high_water_mark():
    """Bytes of the most memory that this process has had resident."""
    with open("/proc/self/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) * 1024
