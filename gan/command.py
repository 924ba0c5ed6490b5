"""The frame every command runs in: its parser, its errors, its exit status.

No TensorFlow is imported here: `--help` and wrong flags answer at once.
"""

import argparse
import difflib
import os
import sys
from typing import Callable

# Errors that our packages raise are about what the user gave, and their messages are
# complete; any other is a defect and deserves its traceback.
_OUR_PACKAGES = ("gan", "checkpoints", "preprocessing")


def integer(text):
    """Reads an integer flag, with an error a person understands."""
    try:
        return int(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not an integer.") from error


def number(text):
    """Reads a floating point flag."""
    try:
        return float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number.") from error


def truth(text):
    """Reads a flag that is true or false."""
    try:
        return {"true": True, "false": False}[text.lower()]
    except KeyError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false.") from error


def text(given):
    """Reads a flag of text, which may be a path: `~` is the home, as no shell sees in --out=~/a."""
    return os.path.expanduser(given)


class Parser(argparse.ArgumentParser):
    """A parser that answers errors in one line with exit status 1.

    Flags without a type are read by `text`.
    """

    def __init__(self, **kwargs):
        super().__init__(
            formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **kwargs
        )
        self.register("type", None, text)

    def error(self, message):
        unknown = "unrecognized arguments: "
        if message.startswith(unknown):
            flag = message[len(unknown) :].split()[0].split("=")[0]
            near = difflib.get_close_matches(flag, self._option_string_actions, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            message = f"{flag}: no such flag.{hint} --help lists all."
        print(f"error: {message.removeprefix('argument ')}", file=sys.stderr)
        sys.exit(1)


def execute(main: Callable[[], None]):
    """Runs a command: errors about the user's input become one line and exit status 1."""
    # Must be set before TensorFlow is imported. Its own log repeats what exceptions say, and
    # calls it an error when an optional graph optimisation does not apply.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as error:
        if error.filename is None:
            raise
        print(f"error: {error.filename2 or error.filename}: {error.strerror}.", file=sys.stderr)
        sys.exit(1)
    except Exception as error:
        # An end that was asked for, which has said all there is to say.
        if status := getattr(error, "exit_status", None):
            sys.exit(status)
        if type(error).__module__.split(".")[0] not in _OUR_PACKAGES:
            raise
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
