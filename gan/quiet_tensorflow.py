"""TensorFlow without what its libraries log of no use to anybody while they are loaded.

From TensorFlow 2.17 on they do so before they have read `TF_CPP_MIN_LOG_LEVEL`.
"""

import contextlib
import importlib.abc
import importlib.machinery
import os
import subprocess
import sys

_LEVEL = "TF_CPP_MIN_LOG_LEVEL"
# Lines of information and warnings in both formats of TensorFlow's log, the remark on the
# log itself, and an error that is none: several plugins bring the same library.
_NOISE = (
    r"[IW]\d{4} \d\d:\d\d:\d\d|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+: [IW] "
    r"|WARNING: All log messages before absl::InitializeLog\(\)"
    r"|.*Unable to register cu\w+ factory"
)
_FILTER = """
import os, re, sys
noise = re.compile(sys.argv[1].encode())
for line in sys.stdin.buffer:
    if not noise.match(line):
        os.write(2, line)
"""


def quieten_tensorflow():
    """Lets TensorFlow log nothing but what ends the process; to be called before it is imported.

    Its own log repeats what exceptions say, and calls it an error when an optional graph
    optimisation does not apply. A `TF_CPP_MIN_LOG_LEVEL` that is set is left as it is; 0 or
    1 shows everything.
    """
    is_quiet = os.environ.setdefault(_LEVEL, "3") in ("2", "3")
    if is_quiet and "tensorflow" not in sys.modules and _QuietImport not in sys.meta_path:
        sys.meta_path.insert(0, _QuietImport)


class _QuietImport(importlib.abc.MetaPathFinder):
    """Finds TensorFlow as ever, and lets it be loaded with standard error filtered."""

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name != "tensorflow":
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module
            spec.loader.exec_module = _without_noise()(load)
        return spec


@contextlib.contextmanager
def _without_noise():
    """Inside, lines of noise on standard error are left out.

    Another process reads them: what this one says when it dies inside is shown, too.
    """
    try:
        shown = os.dup(2)
    except OSError:  # It is closed.
        yield
        return
    command = [sys.executable, "-I", "-S", "-c", _FILTER, _NOISE]
    # A Ctrl-C is not for the filter, which ends by itself.
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True) as reader:
        os.dup2(reader.stdin.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(shown, 2)
            os.close(shown)
