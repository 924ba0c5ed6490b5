"""Figures as a person reads them, in the terminal and on a run's page: names, digits, units.

No TensorFlow is imported here: the page needs none.
"""

import math
from typing import Any, NamedTuple, Optional

SPREAD = "_spread"  # what the name of a figure's standard deviation ends with
_OF_REAL_IMAGES = "_of_real_images"
_DIGITS = 3  # significant ones of a number whose deviation is not known
_MOST_DIGITS = 6  # of any other
TITLES = {
    "class_accuracy": "class accuracy",
    "frechet_distance": "Fréchet distance",
    "kernel_distance": "kernel distance",
    "classifier_score": "classifier score",
}
# How the full names of the same figures begin, judged by the small network or by Inception.
_BEGINNINGS = {
    "class_accuracy": ("class_accuracy_",),
    "frechet_distance": ("frechet_distance_", "fid_"),
    "kernel_distance": ("kernel_distance_", "kid_"),
    "classifier_score": ("classifier_score_", "is_"),
}


def number(value: float, deviation: Optional[float] = None, percent: bool = False) -> str:
    """A number with no more digits than its standard deviation gives it.

    The deviation has one significant digit, or two if the first is a 1, and the number
    ends where it does: `12.6 ± 1.4`, `99.6 % ± 0.2 %`. Without one, or with 0, the number
    has three.

    Args:
        value: the number; not finite ones are shown, too.
        deviation: of the same unit; None if it is not known.
        percent: whether both are parts of one, to be shown as per cent.
    """
    unit = " %" if percent else ""
    if percent:
        value, deviation = 100 * value, None if deviation is None else 100 * deviation
    decimals = _DIGITS - 1 - _exponent(value)
    if deviation and math.isfinite(deviation):
        digits = 2 if f"{deviation:.1e}".startswith("1") else 1
        decimals = min(digits - 1 - _exponent(deviation, 1), _MOST_DIGITS - 1 - _exponent(value))
    text = _fixed(value, decimals) + unit
    return text if deviation is None else f"{text} ± {_fixed(deviation, decimals)}{unit}"


def rate(images: float, seconds: float) -> Optional[float]:
    """Images per second of training; None at its start."""
    return images / seconds if seconds else None


class FullName(NamedTuple):
    """What the full name of a figure tells: its plain name, and under which conditions."""

    plain: str
    conditions: str


def read_name(name: str) -> Optional[FullName]:
    """Reads a name as `fid_tfgan_bilinear299_validation_50176`; None if it is of no figure."""
    if name.endswith((SPREAD, _OF_REAL_IMAGES)):
        return None
    for plain, beginnings in _BEGINNINGS.items():
        for beginning in beginnings:
            if name.startswith(beginning):
                return FullName(plain, name[len(beginning) :].replace("_", " "))
    return None


def figure_lines(figures: dict[str, Any]) -> dict[str, str]:
    """Figures as text: plain name to `12.3 ± 0.4 (real: 4.56)`.

    Args:
        figures: by plain name, with `_spread`s where there are, and what a record
            tells of the real images.
    """
    real = {
        "class_accuracy": figures.get("judge_accuracy"),
        "frechet_distance": figures.get("frechet_distance" + _OF_REAL_IMAGES),
        "classifier_score": figures.get("classifier_score" + _OF_REAL_IMAGES),
    }
    lines = {}
    for plain in TITLES:
        if plain not in figures:
            continue
        percent = plain == "class_accuracy"
        lines[plain] = number(figures[plain], figures.get(plain + SPREAD), percent)
        if real.get(plain) is not None:
            lines[plain] += f" (real: {number(real[plain], percent=percent)})"
    return lines


def _exponent(value, digits=_DIGITS - 1):
    """Of the power of ten of the first digit, once rounded to `digits` behind it."""
    return int(f"{value:.{digits}e}".partition("e")[2]) if math.isfinite(value) else 0


def _fixed(value, decimals):
    """A number with so many digits behind the point, negative ones rounding before it."""
    if not math.isfinite(value) or abs(decimals) > 9:
        return f"{value:.{_DIGITS}g}"
    return f"{round(value, decimals):.{max(0, decimals)}f}"
