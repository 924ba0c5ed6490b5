"""Work spread over processes that live no longer than the one that started them."""

import contextlib
import multiprocessing
import os
import pickle
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterable, Iterator
from multiprocessing import connection
from typing import Any, Callable

import tensorflow as tf

from preprocessing.data_error import DataError

_REPORT_EVERY = 0.3  # seconds


class WorkerError(RuntimeError):
    """A defect in a worker; the message is its traceback."""


def run_tasks(
    function: Callable[[Any, Callable[[int], None]], Any],
    tasks: Iterable[Any],
    processes: int,
    progress: Callable[[int], None],
) -> Iterator[tuple[int, Any]]:
    """Runs a function on every task.

    Args:
        function: of a task and of a function to which it reports the work done since
            its last report. It is sent to the processes, as tasks and results are.
        tasks: what to do.
        processes: how many processes; with one, this very process does the work.
        progress: called with the work done since it was last called.

    Yields:
        Index of the task and result, in the order of completion.

    Raises:
        DataError, OSError: as raised by the function; no further task is begun then.
        DataError: if a process was killed.
        WorkerError: for any other error in a worker.
    """
    tasks = list(tasks)
    _use_cpu_alone()
    processes = min(processes, len(tasks))
    if processes <= 1:
        for index, task in enumerate(tasks):
            yield index, function(task, progress)
        return
    workers = {}  # connection -> process
    try:
        context = _context()
        pending = iter(enumerate(tasks))
        running = {}  # connection -> index of its task
        for _ in range(processes):
            ours, theirs = context.Pipe()
            process = context.Process(target=_work, args=(theirs, function), daemon=True)
            process.start()
            theirs.close()
            workers[ours] = process
            _assign(ours, pending, running)
        while running:
            for ready in connection.wait(list(running)):
                try:
                    kind, content = ready.recv()
                except (EOFError, ConnectionError) as error:
                    workers[ready].join()
                    raise DataError(
                        f"a worker process died (exit code {workers[ready].exitcode}; -9 is most "
                        "often a lack of memory). Give fewer --processes."
                    ) from error
                if kind == "progress":
                    progress(content)
                elif kind == "error":
                    raise content
                else:
                    index = running.pop(ready)
                    _assign(ready, pending, running)
                    yield index, content
    finally:
        for process in workers.values():
            process.terminate()
        for ours, process in workers.items():
            process.join()
            ours.close()


def _assign(worker, pending, running):
    index, task = next(pending, (None, None))
    if index is not None:
        running[worker] = index
        worker.send(task)


def _context():
    """Processes that are forked from one that has imported TensorFlow but not used it."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["preprocessing.records.worker_imports"])
    return context


def _work(main, function):
    """What a worker does until the main process is done with it, or gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the main process, too.
    _use_cpu_alone()
    tf.config.threading.set_intra_op_parallelism_threads(1)  # One process for each core.
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tasks = queue.Queue()
    threading.Thread(target=_receive, args=(main, tasks), daemon=True).start()
    done, reported = 0, time.monotonic()

    def report(count):
        nonlocal done, reported
        done += count
        if time.monotonic() - reported >= _REPORT_EVERY:
            main.send(("progress", done))
            done, reported = 0, time.monotonic()

    while True:
        task = tasks.get()
        try:
            result = function(task, report)
            main.send(("progress", done))
            done, reported = 0, time.monotonic()
            main.send(("result", result))
        except BaseException as error:
            main.send(("error", _sendable(error)))


def _use_cpu_alone():
    """Leaves GPUs alone: images need none, and every process would take all of the memory."""
    with contextlib.suppress(RuntimeError):  # TensorFlow is in use already, so it has them.
        tf.config.set_visible_devices([], "GPU")


def _receive(main, tasks):
    """Takes tasks from the main process, and ends this one at once when that is gone."""
    try:
        while True:
            tasks.put(main.recv())
    except (EOFError, OSError):
        os._exit(1)
    except BaseException:  # Nothing may keep a worker alive that gets no more tasks.
        traceback.print_exc(file=sys.stderr)
        os._exit(1)


def _sendable(error):
    """The error itself if it is about the data and can be sent, else its traceback."""
    if isinstance(error, (DataError, OSError)):
        try:
            pickle.loads(pickle.dumps(error))
            return error
        except Exception:  # Some errors cannot be made again from their parts.
            pass
    return WorkerError("".join(traceback.format_exception(type(error), error, None)).strip())
