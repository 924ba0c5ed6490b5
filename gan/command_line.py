"""Flags generated from the configuration, and the frame every command runs in.

No TensorFlow is imported here: `--help` and wrong flags answer at once.
"""

import argparse
import dataclasses
import difflib
import os
import sys
from typing import Any, Callable

from gan.config import SECTIONS, ExperimentConfig, field_names, value_type
from gan.presets import PRESETS, get_preset

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


_PARSERS = {int: integer, float: number, str: str}


class Parser(argparse.ArgumentParser):
    """A parser that answers errors in one line with exit status 1."""

    def __init__(self, **kwargs):
        super().__init__(
            formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **kwargs
        )

    def error(self, message):
        unknown = "unrecognized arguments: "
        if message.startswith(unknown):
            flag = message[len(unknown) :].split()[0].split("=")[0]
            near = difflib.get_close_matches(flag, self._option_string_actions, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            message = f"{flag}: no such flag.{hint} --help lists all."
        print(f"error: {message.removeprefix('argument ')}", file=sys.stderr)
        sys.exit(1)


def add_config_flags(parser: argparse.ArgumentParser, sections=tuple(SECTIONS)):
    """Adds one flag per field of the configuration, grouped by section, and lists the presets."""
    presets = "".join(
        f"  {name:14} {preset.__doc__.splitlines()[0]}\n" for name, preset in PRESETS.items()
    )
    parser.epilog = "presets:\n" + presets + "\nA flag that is not given keeps the preset's value."
    digits, published = get_preset("digits"), get_preset("hamgan_strong")
    for section in sections:
        group = parser.add_argument_group(section, SECTIONS[section].__doc__)
        for field in dataclasses.fields(SECTIONS[section]):
            choices = field.metadata["choices"]
            offered = f"; one of {', '.join(map(str, choices))}" if choices else ""
            small, large = (
                repr(value) if isinstance(value, str) else value
                for value in (
                    getattr(getattr(preset, section), field.name) for preset in (digits, published)
                )
            )
            default = (
                f"default: {small}"
                if small == large
                else (f"digits: {small}, hamgan_strong: {large}")
            )
            group.add_argument(
                f"--{field.name}",
                type=_PARSERS[value_type(field)],
                metavar=value_type(field).__name__.upper(),
                help=f"{field.metadata['help']}{offered}"
                + ("" if small is None and large is None else f" ({default})"),
            )


def model_settings(arguments: argparse.Namespace) -> dict[str, Any]:
    """The fields of `ModelConfig` that were given as flags."""
    return {
        name: getattr(arguments, name)
        for name in field_names("model")
        if getattr(arguments, name) is not None
    }


def config_from_flags(arguments: argparse.Namespace) -> ExperimentConfig:
    """The preset named by `--preset`, changed by the flags that were given.

    Raises:
        ConfigError: for an unknown preset or a value that cannot work.
    """
    given = {
        field.name: getattr(arguments, field.name)
        for section in SECTIONS
        for field in dataclasses.fields(SECTIONS[section])
        if getattr(arguments, field.name) is not None
    }
    return get_preset(arguments.preset).replace(given)


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
        if type(error).__module__.split(".")[0] not in _OUR_PACKAGES:
            raise
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
