"""What a command says may be lost; its work, and its exit status, never are."""

import errno
import os
import pathlib
import pty
import resource
import select
import signal
import subprocess
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).parents[2]
# Says much on both streams, in one piece and in several, and then has done its work.
WORK = """
import sys
from gan.command import execute

def main():
    for stream in (sys.stdout, sys.stderr):
        print("word", "wörd", file=stream)
        print("x" * 100_000, file=stream, flush=True)
    print(sys.stderr.isatty(), sys.stdout.fileno(), sys.stderr.fileno())
    with open(sys.argv[1], "w") as file:
        file.write("done")
    sys.exit(75)

execute(main)
"""


def start(program, *arguments, shell="", environment=(), **streams):
    """Starts a program in a process of its own, perhaps with a shell's redirections."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    if shell:
        command = ["sh", "-c", f'exec "$@" {shell}', "sh", *command]
    return subprocess.Popen(command, cwd=ROOT, env={**os.environ, **dict(environment)}, **streams)


def run(program, *arguments, **settings):
    """Runs it to its end; returns exit status, standard output and error."""
    settings = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **settings}
    process = start(program, *arguments, **settings)
    for descriptor in {settings["stdout"], settings["stderr"]} - {subprocess.PIPE}:
        if descriptor >= 0:
            os.close(descriptor)
    out, error = process.communicate(timeout=60)
    return process.returncode, (out or b"").decode(), (error or b"").decode()


def few_bytes():
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))


def closed_pipe():
    read, write = os.pipe()
    os.close(read)
    return write


def closed_terminal():
    ours, theirs = pty.openpty()
    os.close(ours)
    return theirs


LOST = {
    "closed pipe": lambda path: {"stdout": closed_pipe(), "stderr": closed_pipe()},
    "closed terminal": lambda path: {"stdout": closed_terminal(), "stderr": closed_terminal()},
    "closed streams": lambda path: {"shell": ">&- 2>&-"},
    "closed error": lambda path: {"shell": "2>&-", "stdout": subprocess.DEVNULL},
    "all closed": lambda path: {"shell": "<&- >&- 2>&-"},
    "full disk": lambda path: {"shell": ">/dev/full 2>&1"},
    "not for writing": lambda path: {"shell": "1</dev/null 2<&1"},
    "file size limit": lambda path: {"shell": f">{path}.log 2>&1", "preexec_fn": few_bytes},
}


@pytest.mark.parametrize("lost", LOST)
def test_who_has_stopped_reading_costs_nothing(tmp_path, lost):
    path = tmp_path / "work"
    status, out, error = run(WORK, path, **LOST[lost](path))
    assert (status, out, error) == (75, "", "")
    assert path.read_text() == "done"


def test_who_reads_gets_all(tmp_path):
    status, out, error = run(WORK, tmp_path / "work")
    assert status == 75
    assert error == "word wörd\n" + "x" * 100_000 + "\n"
    assert out == error + "False 1 2\n"


def test_a_closed_stream_is_no_place_for_a_file(tmp_path):
    """Else what the system's libraries say would be written into it."""
    program = """
import os, sys
from gan.command import execute

def main():
    with open(sys.argv[1], "w") as file:
        os.write(2, b"noise")
        file.write("content")

execute(main)
"""
    path = tmp_path / "file"
    assert run(program, path, shell="<&- >&- 2>&-")[0] == 0
    assert path.read_text() == "content"


# What is printed is the result: who gets a part of it must know.
RESULT = """
from gan.command import check_printed, execute

def main():
    print("x" * 100_000)
    check_printed()

execute(main)
"""


@pytest.mark.parametrize(
    ("streams", "status", "message"),
    [
        (lambda path: {}, 0, ""),
        (lambda path: {"stdout": closed_pipe()}, 0, ""),
        (lambda path: {"shell": ">&-"}, 0, ""),
        (lambda path: {"shell": ">/dev/full"}, 1, os.strerror(errno.ENOSPC)),
        (
            lambda path: {"shell": f">{path}", "preexec_fn": few_bytes},
            1,
            os.strerror(errno.EFBIG),
        ),
    ],
)
def test_a_result_that_cannot_be_printed(tmp_path, streams, status, message):
    expected = f"error: standard output: {message}.\n" if message else ""
    given, _, error = run(RESULT, **streams(tmp_path / "log"))
    assert (given, error) == (status, expected)


@pytest.mark.parametrize("flags", [["--dry_run"], ["--help"]])
def test_what_a_command_prints(flags):
    program = "from gan.train import main\nfrom gan.command import execute\nexecute(main)"
    assert run(program, *flags, stdout=closed_pipe())[::2] == (0, "")
    status, _, error = run(program, *flags, shell=">/dev/full")
    assert (status, error) == (1, f"error: standard output: {os.strerror(errno.ENOSPC)}.\n")


def test_work_whose_messages_find_no_room():
    program = "from gan.command import execute\nexecute(lambda: print('x'))"
    status, _, error = run(program, shell=">/dev/full")
    assert status == 0
    assert error.startswith(f"warning: standard output: {os.strerror(errno.ENOSPC)}. ")
    assert error.count("\n") == 1


def test_an_error_is_said_where_there_is_an_encoding_for_it():
    program = "from gan.command import execute\nexecute(lambda: open('caf\\udce9±'))"
    status, _, error = run(program, environment={"PYTHONIOENCODING": "ascii"}.items())
    assert (status, error) == (1, "error: caf\\xe9?: No such file or directory.\n")


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"PYTHONIOENCODING": "utf-8"}, "a ± é × caf\\xe9 ?"),
        ({"PYTHONIOENCODING": "ascii"}, "a ? ? ? caf\\xe9 ?"),
        ({"PYTHONIOENCODING": "ascii:strict"}, "a ? ? ? caf\\xe9 ?"),
        ({"PYTHONIOENCODING": "koi8-r"}, "a ? ? ? caf\\xe9 ?"),
        ({"PYTHONIOENCODING": "latin-1"}, "a ± é × caf\\xe9 ?"),
        ({"PYTHONIOENCODING": "cp932"}, "a ± ? × caf\\xe9 ?"),
        ({"PYTHONIOENCODING": "utf-16-le"}, "a ± é × caf\\xe9 ?"),
        (
            {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
            "a ? ? ? caf\\xe9 ?",
        ),
    ],
)
def test_letters_that_an_encoding_lacks(environment, expected):
    program = r"""
import sys
from gan.command import execute

def main():
    print("a \xb1 \xe9 \xd7 caf\udce9 \ud800", end="")
    print("a \xb1 \xe9 \xd7 caf\udce9 \ud800", end="", file=sys.stderr)

execute(main)
"""
    process = start(
        program, environment=environment.items(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    encoding = environment.get("PYTHONIOENCODING", "ascii").partition(":")[0]
    assert [said.decode(encoding) for said in process.communicate()] == [expected] * 2
    assert process.returncode == 0


# A signal comes while it waits for somebody who reads.
WAITS = """
import sys
from gan.command import execute
from gan.training.interruption import Interrupted, Interruption

def main():
    with Interruption().open() as interruption:
        while interruption.requested is None:
            print("x" * 10_000, file=sys.stderr)
        interruption.raise_if_requested()

execute(main)
"""


@pytest.mark.parametrize("numbers", [["SIGINT"], ["SIGTERM"], ["SIGHUP", "SIGHUP"]])
@pytest.mark.parametrize("blocking", [True, False])
def test_a_signal_ends_the_wait_for_a_reader_who_does_not_read(numbers, blocking):
    """As a pager, a stopped tee and a terminal after Ctrl-S."""
    read, write = os.pipe()
    os.set_blocking(write, blocking)
    process = start(WAITS, stdout=write, stderr=write)
    try:
        while not is_full(write):
            time.sleep(0.05)
        assert process.poll() is None
        for number in numbers:
            process.send_signal(signal.Signals[number])
            time.sleep(0.1)
        assert process.wait(60) == 75
    finally:
        process.kill()
        os.close(read)
        os.close(write)


def is_full(pipe):
    return not select.select([], [pipe], [], 0)[1]
