"""Eager work while a TF1 graph is the default, as in a hook of the estimator."""

import concurrent.futures
from typing import Callable, Optional, TypeVar

import tensorflow as tf

Result = TypeVar("Result")


def eagerly(
    work: Callable[[], Result], on_interrupt: Optional[Callable[[], None]] = None
) -> Result:
    """Calls `work` where TensorFlow is eager: here, or in a thread of its own.

    A graph is the default of its own thread only.

    Args:
        work: what to do.
        on_interrupt: called at a signal, to make `work` in the other thread end soon.
    """
    if tf.executing_eagerly():
        return work()
    with concurrent.futures.ThreadPoolExecutor(1) as thread:
        future = thread.submit(work)
        try:
            return future.result()
        except BaseException:
            if on_interrupt is not None and not future.done():  # From a signal's handler.
                on_interrupt()
            raise  # Leaving waits for the thread.
