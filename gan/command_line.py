"""Flags generated from the configuration.

No TensorFlow is imported here: `--help` and wrong flags answer at once.
"""

import argparse
import dataclasses
from typing import Any

from gan.command import SWITCH, integer, number, text, truth
from gan.config import SECTIONS, ExperimentConfig, field_names, value_type
from gan.presets import PRESETS, get_preset

_PARSERS = {int: integer, float: number, str: text, bool: truth}


def add_config_flags(parser: argparse.ArgumentParser, sections=tuple(SECTIONS)):
    """Adds one flag per field of the configuration, grouped by section, and lists the presets."""
    presets = "".join(
        f"  {name:14} {preset.__doc__.splitlines()[0]}\n" for name, preset in PRESETS.items()
    )
    parser.epilog = (
        f"presets:\n{presets}\nA flag that is not given keeps the preset's value. One of {SWITCH} "
        "alone means true."
    )
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
            kind = value_type(field)
            group.add_argument(
                f"--{field.name}",
                type=_PARSERS[kind],
                metavar=SWITCH if kind is bool else kind.__name__.upper(),
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
