"""One field of a configuration: declared once, with default, unit, meaning and rule."""

import dataclasses
from typing import Union, get_args, get_origin


class ConfigError(ValueError):
    """A setting that cannot work; the message names it and says what to do."""


def option(default, help, choices=None):  # noqa: A002
    """A field with its documentation: what it means, its unit, its source."""
    return dataclasses.field(default=default, metadata={"help": help, "choices": choices})


def require(condition, name, value, rule):
    """Raises ConfigError with the flag, its value and the rule unless `condition` holds."""
    if not condition:
        raise ConfigError(f"--{name}={value}: {rule}")


def check_choices(section):
    """Raises ConfigError for a field of `section` whose value is none of its choices."""
    for field in dataclasses.fields(section):
        choices, value = field.metadata["choices"], getattr(section, field.name)
        if choices and not (value is None and field.default is None):
            offered = ", ".join(map(str, choices))
            require(value in choices, field.name, value, f"must be one of {offered}.")


def value_type(field: dataclasses.Field) -> type:
    """The type of a field's values: of `Optional[int]`, `int`."""
    if get_origin(field.type) is Union:
        return next(kind for kind in get_args(field.type) if kind is not type(None))
    return field.type
