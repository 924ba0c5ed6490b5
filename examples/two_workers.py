"""A training job of two workers on this machine: python -m examples.two_workers --run=FOLDER.

Starts `python -m gan.train` twice, as it would be on two machines: the same flags, and
a TF_CONFIG that differs in the index alone. All further flags go to both, as --steps=20.
The first worker, the chief, is shown; of the other, what it said if it fails. The workers
take no GPU: two processes cannot train together on one.
"""

import argparse
import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time

_ROOT = pathlib.Path(__file__).parent.parent
_GRACE_SECONDS = 30.0  # for the other worker to save what it has


def free_ports(count):
    """Numbers of ports that nobody uses at this moment."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("", 0))) for _ in range(count)]
        return [opened.getsockname()[1] for opened in sockets]


def tf_config(addresses, index):
    """The environment variable of one worker.

    Args:
        addresses: `host:port` of all workers, the same list for each.
        index: of this worker in them.
    """
    return json.dumps(
        {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
    )


def start_worker(addresses, index, flags, output):
    """Starts one worker with what it writes going to the file `output`, or here if None."""
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1"}
    environment["TF_CONFIG"] = tf_config(addresses, index)
    command = [sys.executable, "-m", "gan.train", "--engine=distribute"]
    return subprocess.Popen(
        [*command, "--strategy=multi_worker", *flags],
        cwd=_ROOT,
        env=environment,
        stdout=output,
        stderr=None if output is None else subprocess.STDOUT,
    )


def wait_for_all(workers):
    """Waits until all have ended; stops the others when one fails.

    Returns:
        The exit status of the first that failed, or 0.
    """
    while True:
        ended = [worker.poll() for worker in workers]
        failed = [status for status in ended if status]
        if failed or None not in ended:
            return failed[0] if failed else 0
        time.sleep(0.1)


def stop(workers):
    """Ends those still running: politely, then not."""
    for worker in workers:
        if worker.poll() is None:
            worker.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + _GRACE_SECONDS
    for worker in workers:
        try:
            worker.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()


def main():
    parser = argparse.ArgumentParser(
        prog="python -m examples.two_workers",
        description=__doc__,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--run", required=True, help="run folder, which both workers use")
    parser.add_argument("--preset", default="smoke", help="configuration (default: smoke)")
    arguments, further = parser.parse_known_args()
    run = os.path.abspath(os.path.expanduser(arguments.run))  # The workers start elsewhere.
    flags = [f"--preset={arguments.preset}", f"--run={run}", *further]
    addresses = [f"localhost:{port}" for port in free_ports(2)]
    with tempfile.TemporaryFile("w+", errors="replace") as said:
        workers = []
        try:
            workers.append(start_worker(addresses, 0, flags, None))
            workers.append(start_worker(addresses, 1, flags, said))
            status = wait_for_all(workers)
        finally:
            stop(workers)
        if workers[1].returncode > 0:
            said.seek(0)
            print(f"worker 1 said:\n{said.read()[-4000:]}", file=sys.stderr)
    if status:
        print(f"error: a worker ended with status {status}; both have stopped.", file=sys.stderr)
    return status


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:  # Which the workers have heard, too.
        sys.exit(130)
