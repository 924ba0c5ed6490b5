"""The frame every command runs in: its parser, its streams, its errors, its exit status.

No TensorFlow is imported here: `--help` and wrong flags answer at once.
"""

import argparse
import difflib
import os
import re
import shlex
import sys
from typing import Callable

from gan.quiet_tensorflow import quieten_tensorflow
from gan.standard_streams import lost_output, open_streams

# Errors that our packages raise are about what the user gave, and their messages are
# complete; any other is a defect and deserves its traceback.
_OUR_PACKAGES = ("gan", "checkpoints", "preprocessing")
_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")
SWITCH = "[true|false]"  # how `--help` shows the value of a flag that `truth` reads


def command_to_copy(module: str, *arguments: str) -> str:
    """A command of this Python's as a person can paste it, quoted as a shell needs."""
    return shlex.join([sys.executable, "-m", module, *arguments])


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
    """Reads a flag that is true or false; `Parser` takes the flag alone for true."""
    if text.lower() in _TRUE + _FALSE:
        return text.lower() in _TRUE
    others = ", ".join(map("/".join, zip(_TRUE[1:], _FALSE[1:])))
    raise argparse.ArgumentTypeError(
        f"{text!r} is neither true nor false. Expected =true or =false (or {others}); the flag "
        "alone means true."
    )


def text(given):
    """Reads a flag of text, which may be a path: `~` is the home, as no shell sees in --out=~/a."""
    return os.path.expanduser(given)


def add_switch(parser_or_group, flag: str, help: str):  # noqa: A002
    """Adds a flag of `Parser` that is false where it is not given."""
    parser_or_group.add_argument(flag, type=truth, default=False, metavar=SWITCH, help=help)


class Parser(argparse.ArgumentParser):
    """A parser that answers errors in one line with exit status 1.

    Flags without a type are read by `text`. A flag that `truth` reads may stand without
    a value, for true.
    """

    def __init__(self, **kwargs):
        super().__init__(
            formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **kwargs
        )
        self.register("type", None, text)
        self._given = {}

    def named(self, name: str, value) -> str:
        """A value as errors name it: `--num=1`, or `--eval_images=1` if that was written.

        Only the value where no flag gave it.
        """
        return f"{self._given[name]}={value}" if name in self._given else str(value)

    def parse_known_args(self, args=None, namespace=None):
        given = sys.argv[1:] if args is None else args
        return super().parse_known_args(self._with_values(given), namespace)

    def _with_values(self, arguments):
        """Arguments with `=true` behind every flag of `truth` that has no value."""
        arguments, result = list(arguments), []
        while arguments:
            argument = arguments.pop(0)
            if argument == "--":
                return [*result, argument, *arguments]
            action = self._option_string_actions.get(argument.partition("=")[0])
            if action is not None:
                self._given[action.dest] = argument.partition("=")[0]
                if action.type is truth and "=" not in argument:
                    # Not any word: it may be the first argument without a flag.
                    has_value = arguments and arguments[0].lower() in _TRUE + _FALSE
                    argument += f"={arguments.pop(0) if has_value else 'true'}"
            result.append(argument)
        return result

    def print_help(self, file=None):
        super().print_help(file)
        check_printed()

    def error(self, message):
        unknown = "unrecognized arguments: "
        if message.startswith(unknown):
            flag = message[len(unknown) :].split()[0].split("=")[0]
            if flag.startswith("-"):
                message = f"{flag}: no such flag.{self._hint(flag)} --help lists all."
            else:
                message = f"{flag}: belongs to no flag. Expected --FLAG=VALUE; --help lists all."
        # Of a flag with several names, the one that was written.
        names, colon, rest = message.removeprefix("argument ").partition(": ")
        written = [flag for flag in self._given.values() if flag in names.split("/")]
        print(f"error: {(written or [names])[0]}{colon}{rest}", file=sys.stderr)
        sys.exit(1)

    def _hint(self, flag):
        negated = re.fullmatch("--no[-_]?(.+)", flag)
        meant = f"--{negated[1].replace('-', '_')}" if negated else None
        if meant in self._option_string_actions:
            is_switch = self._option_string_actions[meant].type is truth
            return f" Did you mean {meant}{'=false' if is_switch else ''}?"
        near = difflib.get_close_matches(flag, self._option_string_actions, n=1)
        return f" Did you mean {near[0]}?" if near else ""


def check_printed():
    """For a command whose result is what it has printed.

    Raises:
        OSError: if that could not be written, but for a reader who has gone.
    """
    if error := lost_output():
        raise OSError(error.errno, error.strerror, "standard output")


def execute(main: Callable[[], None]):
    """Runs a command: errors about the user's input become one line and exit status 1.

    Nobody needs to read what it says: see `gan.standard_streams`.
    """
    quieten_tensorflow()
    open_streams()
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as error:
        if error.errno is None:  # Not the system's, but somebody's who only calls it so.
            raise
        # Writing to a full disk names no file; where one was opened, it is named.
        path = error.filename2 or error.filename
        name = "" if path is None else f"{os.fsdecode(path)}: "
        print(f"error: {name}{error.strerror}.", file=sys.stderr)
        sys.exit(1)
    except Exception as error:
        # An end that was asked for, which has said all there is to say.
        if status := getattr(error, "exit_status", None):
            sys.exit(status)
        if type(error).__module__.split(".")[0] not in _OUR_PACKAGES:
            raise
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    if error := lost_output():
        print(
            f"warning: standard output: {error.strerror}. The rest of it is lost, no work is.",
            file=sys.stderr,
        )
