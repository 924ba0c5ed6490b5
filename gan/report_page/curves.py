"""The curves of a run: grouped, thinned and drawn."""

import io
import math
from typing import Any, NamedTuple

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from gan.evaluation.figure_text import TITLES, read_name

MOST_POINTS = 1000  # of a drawn curve
_MOST_NAMES = 8  # in a legend
_FIRST_GROUPS = ("loss", "logits", "gradient_norm", "gate", "spectral_norm")
_NOT_CURVES = ("step", "images", "seconds")
_TITLES = {
    "loss": "loss of the step",
    "logits": "mean output of the discriminator",
    "gradient_norm": "norm of the gradients",
    "gate": "gate of the hamburger",
    "spectral_norm": "largest singular value of a weight",
    "images_per_second": "images per second, over the last 30 s",
}
_NAMES = {("logits", "real"): "real images", ("logits", "fake"): "generated images"}


class Curve(NamedTuple):
    """One curve: float64 `[count]` steps, ascending, and values, nan where there is none."""

    name: str
    steps: np.ndarray
    values: np.ndarray


def training_curves(log: list[dict[str, Any]]) -> dict[str, list[Curve]]:
    """Curves of the training log, by title of their group.

    A group is what their names have before the first "/".
    """
    names = {name: None for point in log for name in point if name not in _NOT_CURVES}
    found = {name.split("/")[0]: None for name in names}
    order = [group for group in _FIRST_GROUPS if group in found]
    order += [group for group in found if group not in _FIRST_GROUPS]
    groups = {}
    for group in order:
        mine = [name for name in names if name.split("/")[0] == group]
        title = _TITLES.get(group, group.replace("_", " "))
        groups[title] = [_curve(log, name, _plain(*name.partition("/")[::2])) for name in mine]
    return groups


def _plain(group, rest):
    return _NAMES.get((group, rest), rest.replace("_", " ")) or group.replace("_", " ")


def evaluation_curves(records: list[dict[str, Any]]) -> dict[str, list[Curve]]:
    """Curves of the evaluations, by title of the figure; each set of conditions is a curve."""
    names = {name: read_name(name) for record in records for name in record}
    groups = {}
    for plain, title in TITLES.items():
        mine = {name: read for name, read in names.items() if read and read.plain == plain}
        if mine:
            groups[title] = [_curve(records, n, read.conditions) for n, read in mine.items()]
    return groups


def _curve(records, key, name):
    """The values under a key; of several at one step, the newest."""
    points = {record["step"]: _number(record[key]) for record in records if key in record}
    steps = sorted(points)
    return Curve(name, np.array(steps, float), np.array([points[step] for step in steps], float))


def _number(value):
    is_number = isinstance(value, (int, float)) and math.isfinite(value)
    return float(value) if is_number else math.nan


def thin(curve: Curve, most: int = MOST_POINTS) -> Curve:
    """The curve with at most about `most` points: the least and largest of every stretch.

    Spikes stay, and so do the first and the last point.
    """
    count = len(curve.steps)
    if count <= most:
        return curve
    kept = {0, count - 1}
    for stretch in np.array_split(np.arange(count), most // 2):
        values = curve.values[stretch]
        if np.isnan(values).all():
            kept.add(stretch[0])
        else:
            kept.update((stretch[np.nanargmin(values)], stretch[np.nanargmax(values)]))
    indices = sorted(kept)
    return Curve(curve.name, curve.steps[indices], curve.values[indices])


def draw_curves(title: str, curves: list[Curve]) -> bytes:
    """Draws curves over the step, as a PNG of 600 × 400 pixels.

    Of many curves, the legend names those with the largest newest values.
    """
    named = curves
    if len(curves) > _MOST_NAMES:
        named = sorted(curves, key=_newest, reverse=True)[:_MOST_NAMES]
    # Names are shown as they are, a dollar sign is no formula.
    with matplotlib.rc_context({"text.parse_math": False, "font.size": 8.0}):
        figure = Figure(figsize=(6, 4), dpi=100, layout="constrained")
        axes = figure.add_subplot()
        lines = {}
        for index, curve in enumerate(curves):
            curve = thin(curve)
            color = matplotlib.colormaps["viridis"](index / len(curves))
            (lines[curve.name],) = axes.plot(
                curve.steps,
                curve.values,
                linewidth=1.0,
                marker="o" if len(curve.steps) <= 30 else None,
                markersize=3.0,
                color=color if len(curves) > _MOST_NAMES else None,
            )
        axes.set_title(title)
        axes.set_xlabel("step")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        if title == TITLES["class_accuracy"]:
            axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
        axes.grid(alpha=0.3)
        is_shortened = len(named) < len(curves)
        if len(curves) > 1:  # Of one, the title says all.
            (figure if is_shortened else axes).legend(
                [lines[curve.name] for curve in named],
                [curve.name for curve in named],
                title=f"largest of {len(curves)}" if is_shortened else None,
                loc="outside lower center" if is_shortened else "best",
                ncols=2 if is_shortened else 1,
                fontsize=7.0,
                title_fontsize=7.0,
            )
        buffer = io.BytesIO()
        FigureCanvasAgg(figure).print_png(buffer)
    return buffer.getvalue()


def _newest(curve):
    finite = curve.values[np.isfinite(curve.values)]
    return finite[-1] if len(finite) else -math.inf
