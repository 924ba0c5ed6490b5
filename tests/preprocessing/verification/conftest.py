"""The command under test."""

import pytest

from preprocessing import verify


@pytest.fixture
def verify_at(run_main):
    """Runs the command in this process; returns status and output lines."""

    def run(data_dir, *flags, partial=True):
        flags = ("--processes=1", *(["--allow_partial"] if partial else []), *flags)
        status, out, err = run_main(verify.main, f"--data_dir={data_dir}", *flags)
        return status, [*out.splitlines(), *err.splitlines()]

    return run
