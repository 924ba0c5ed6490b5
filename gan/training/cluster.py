"""The workers of a job on several machines, as TF_CONFIG names them; needs no TensorFlow."""

import contextlib
import dataclasses
import json
import os
import socket
import sys
import time

_CONNECT_SECONDS = 2.0
_POLL_SECONDS = 0.2
_EXAMPLE = (
    '{"cluster": {"worker": ["10.0.0.1:2222", "10.0.0.2:2222"]}, '
    '"task": {"type": "worker", "index": 0}}'
)


class ClusterError(ValueError):
    """A cluster that cannot work; the message says which worker or value, and what to do."""


@dataclasses.dataclass(frozen=True)
class Cluster:
    """The workers of a job and which of them this process is.

    Attributes:
        addresses: `host:port` of every worker, the chief first; empty without TF_CONFIG.
        index: of this process in `addresses`.
    """

    addresses: tuple = ()
    index: int = 0


def read_cluster() -> Cluster:
    """Reads TF_CONFIG.

    Raises:
        ClusterError: if it is not what TensorFlow expects of workers.
    """
    text = os.environ.get("TF_CONFIG", "").strip()
    if not text:
        return Cluster()
    try:
        config = json.loads(text)
    except ValueError as error:
        raise ClusterError(f"TF_CONFIG is no JSON ({error}). Expected as in {_EXAMPLE}.") from error
    if not isinstance(config, dict):
        raise _unexpected("it", config, "an object")
    cluster = config.get("cluster", {})
    if not isinstance(cluster, dict):
        raise _unexpected("cluster", cluster, "an object")
    if not cluster:
        return Cluster()
    for kind in cluster:
        if kind not in ("chief", "worker"):
            raise _unexpected("cluster", kind, "a chief and workers alone")
    chief, workers = (_addresses(kind, cluster.get(kind, [])) for kind in ("chief", "worker"))
    if len(chief) > 1:
        raise _unexpected("chief", cluster["chief"], "one address")
    addresses = chief + workers
    if len(set(addresses)) < len(addresses):
        raise _unexpected("cluster", list(addresses), "different addresses")
    return Cluster(addresses, _index(config.get("task"), chief, workers))


def num_workers() -> int:
    """Number of workers in TF_CONFIG; 1 without one."""
    return max(1, len(read_cluster().addresses))


def worker_index() -> int:
    """Which of them this process is, the chief being 0."""
    return read_cluster().index


def is_chief() -> bool:
    """Whether this process writes the run folder: the first of the workers, or the only one."""
    return worker_index() == 0


@contextlib.contextmanager
def cluster_hidden():
    """Inside, there is no TF_CONFIG: for what reads it and cannot do with it."""
    text = os.environ.pop("TF_CONFIG", None)
    try:
        yield
    finally:
        if text is not None:
            os.environ["TF_CONFIG"] = text


def wait_for_workers(cluster: Cluster, timeout: float):
    """Returns when all other workers answer at their addresses.

    Meanwhile this worker answers at its own, so that all find each other in whatever
    order they start. One that goes on closes its address until TensorFlow's server
    opens it again; a worker that knocks in between tries again, and takes the server
    for an answer too.

    Args:
        cluster: the workers and this one.
        timeout: seconds.

    Raises:
        ClusterError: naming the addresses that did not answer, or the own one if it
            cannot be opened.
    """
    others = [address for address in cluster.addresses if address != _own(cluster)]
    deadline = time.monotonic() + timeout
    with _listening(_own(cluster)) as listener:
        missing = others
        while True:
            still_missing = [address for address in missing if not _answers(address, deadline)]
            _answer_all(listener)
            if not still_missing:
                return
            names = ", ".join(still_missing)
            if time.monotonic() >= deadline:
                raise ClusterError(
                    f"TF_CONFIG: no answer within {timeout:g} s from {names}. Start the same "
                    "command there, check that the address can be reached from here, or give a "
                    "longer --worker_timeout."
                )
            if still_missing != missing or missing is others:
                print(f"Waiting up to {timeout:g} s for {names}.", file=sys.stderr, flush=True)
            missing = still_missing
            time.sleep(_POLL_SECONDS)


def _own(cluster):
    return cluster.addresses[cluster.index]


@contextlib.contextmanager
def _listening(address):
    host, port = _host_and_port(address)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        # At all interfaces, as TensorFlow's server does.
        listener = socket.create_server(("", port), family=family)
    except OSError as error:
        reason = os.strerror(error.errno)
        raise ClusterError(
            f"TF_CONFIG: this worker's own {address} cannot be opened ({reason}). Is another job "
            "using the port? Stop it, or choose another port on all workers."
        ) from error
    with listener:
        listener.setblocking(False)
        yield listener


def _answer_all(listener):
    """Takes the calls that have come, which makes room for others."""
    with contextlib.suppress(BlockingIOError):
        while True:
            listener.accept()[0].close()


def _answers(address, deadline):
    seconds = min(_CONNECT_SECONDS, max(_POLL_SECONDS, deadline - time.monotonic()))
    try:
        socket.create_connection(_host_and_port(address), timeout=seconds).close()
    except OSError:
        return False
    return True


def _host_and_port(address):
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def _addresses(kind, values):
    is_list = isinstance(values, list) and all(isinstance(value, str) for value in values)
    if not is_list:
        raise _unexpected(kind, values, "a list of addresses")
    for value in values:
        host, _, port = value.rpartition(":")
        if not (host and port.isdecimal() and 0 < int(port) < 65536):
            raise _unexpected(kind, value, "an address host:port")
    return tuple(values)


def _index(task, chief, workers):
    if not isinstance(task, dict) or "type" not in task or "index" not in task:
        raise _unexpected("task", task, "type and index of this process")
    kind, index = task["type"], task["index"]
    if kind not in ("chief", "worker"):
        raise _unexpected("type of the task", kind, "chief or worker")
    count = len(chief if kind == "chief" else workers)
    try:
        index = int(index)
    except (TypeError, ValueError) as error:
        raise _unexpected("index of the task", index, "an integer") from error
    if not 0 <= index < count:
        raise _unexpected("index of the task", index, f"one of {count} of type {kind}")
    return index if kind == "chief" else len(chief) + index


def _unexpected(what, value, expected):
    return ClusterError(
        f"TF_CONFIG: {what} is {json.dumps(value)}; expected {expected}, as in {_EXAMPLE}."
    )
