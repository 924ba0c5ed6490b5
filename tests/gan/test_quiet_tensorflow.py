"""What TensorFlow logs while it is loaded, with a package of that name in its place."""

import os
import subprocess
import sys

import pytest

NOISE = """\
WARNING: All log messages before absl::InitializeLog() is called are written to STDERR
I0000 00:00:1795860711.118527    6144 port.cc:153] oneDNN custom operations are on.
W0000 00:00:1795860711.118527    6144 computation_placer.cc:177] placer already registered.
E0000 00:00:1795860711.118527    6144 cuda_dnn.cc:8310] Unable to register cuDNN factory: Attempting
2026-01-30 22:44:42.456316: I tensorflow/core/util/port.cc:153] oneDNN custom operations are on.
2026-01-30 22:44:42.456316: E external/cuda_fft.cc:467] Unable to register cuFFT factory: Attempting
"""
TROUBLE = """\
E0000 00:00:1795860711.118527    6144 cuda.cc:51] failed call to cuInit: CUDA_ERROR_NO_DEVICE
F0000 00:00:1795860711.118527    6144 guard.cc:110] compiled to use AVX instructions
2026-01-30 22:44:42.456316: F tensorflow/core/platform/guard.cc:110] compiled to use AVX
package.py:1: UserWarning: something
"""
PROGRAM = """
import sys
from gan.quiet_tensorflow import quieten_tensorflow
quieten_tensorflow(); quieten_tensorflow()
try:
    import tensorflow
except ImportError as error:
    print("error:", error)
print("after", file=sys.stderr)
"""


@pytest.fixture
def run(tmp_path):
    """Runs a program that loads a TensorFlow which logs all this and then does as told."""

    def run(then="", level=None, **options):
        (tmp_path / "tensorflow.py").write_text(
            "import contextlib, os\nwith contextlib.suppress(OSError):\n"
            f"    os.write(2, {(NOISE + TROUBLE).encode()!r})\n{then}\n"
        )
        environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{os.getcwd()}"}
        environment.pop("TF_CPP_MIN_LOG_LEVEL")
        if level is not None:
            environment["TF_CPP_MIN_LOG_LEVEL"] = level
        return subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            **options,
        )

    return run


@pytest.mark.parametrize("level", [None, "3", "2"])
def test_noise_is_left_out_and_trouble_is_not(run, level):
    done = run(level=level)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == TROUBLE + "after\n"


def test_who_asks_for_all_gets_all(run):
    assert run(level="0").stderr == NOISE + TROUBLE + "after\n"


def test_an_error_is_raised_as_ever(run):
    done = run("raise ImportError('no wheel for this machine')")
    assert done.stdout == "error: no wheel for this machine\n"
    assert done.stderr == TROUBLE + "after\n"


def test_the_last_words_of_a_process_that_dies_are_shown(run):
    """As where the processor lacks instructions that TensorFlow was built with."""
    done = run("os.abort()")
    assert done.returncode < 0
    assert done.stderr.startswith(TROUBLE)


def test_standard_error_may_be_closed(run):
    done = run("print('loaded')", preexec_fn=lambda: os.close(2))
    assert "loaded" in done.stdout
