"""What the page of a run tells, gathered from its folder."""

import io
import os
import re
from typing import Any, NamedTuple, Optional

from PIL import Image

from gan.config import SECTIONS, ExperimentConfig, field_names
from gan.evaluation.figure_text import SPREAD, TITLES, figure_lines, number, rate, read_name
from gan.presets import differences
from gan.report_page.curves import draw_curves, evaluation_curves, training_curves
from gan.run_folder import RunFolder

_MOST_GRIDS = 5
_SMALL_GRID = 280  # pixels, the longer side of all grids but the last
_LARGE_GRID = 1400


class SampleGrid(NamedTuple):
    """A sample grid: its step and picture, as PNG."""

    step: int
    png: bytes


class MeasuredFigure(NamedTuple):
    """A figure of an evaluation: plain title, value with deviation, its name in the records."""

    title: str
    text: str
    name: str


class ReportContent(NamedTuple):
    """All of a page.

    Attributes:
        title: the run's name.
        facts: name and text of what is known of its state.
        evaluation: the figures of the newest evaluation.
        conditions: how that was measured, in a sentence, or "".
        warning: of that evaluation, or "".
        charts: PNGs of curves.
        grids: of samples, in order of their steps.
        differences: settings that are not the preset's, and its values; None if it is not known.
        settings: all of them, as "section.name".
    """

    title: str
    facts: list[tuple[str, str]]
    evaluation: list[MeasuredFigure]
    conditions: str
    warning: str
    charts: list[bytes]
    grids: list[SampleGrid]
    differences: Optional[dict[str, tuple[Any, Any]]]
    settings: dict[str, Any]


def gather(run: RunFolder) -> ReportContent:
    """Reads a run folder, finished or not.

    Raises:
        RunFolderError: if there is no such folder, or no configuration in it.
        ConfigError: if the configuration cannot be read.
    """
    config = run.read_config()
    log = _of_a_step(run.training_log())
    # `gan.evaluate --out` may record other models here, with or without a step.
    records = [record for record in _of_a_step(run.metrics()) if "model" not in record]
    # Of several of one step the last: `max` alone takes the first.
    newest = max(reversed(records), key=lambda record: record["step"], default={})
    groups = {**evaluation_curves(records), **training_curves(log)}
    return ReportContent(
        title=os.path.basename(os.path.abspath(run.path)),
        facts=_facts(config, run, log, newest),
        evaluation=_figures(newest),
        conditions=_conditions(newest),
        warning=newest.get("warning") or "",
        charts=[draw_curves(title, curves) for title, curves in groups.items()],
        grids=_grids(run),
        differences=differences(config),
        settings=_settings(config),
    )


def _of_a_step(lines):
    """Those that say which step they are of: curves are drawn over it."""
    return [line for line in lines if isinstance(line.get("step"), int)]


def _figures(record):
    """The figures of an evaluation."""
    names = {read.plain: name for name in record if (read := read_name(name))}
    figures = {**record}
    for plain, name in names.items():
        for ending in ("", SPREAD):
            if _number(record.get(name + ending)) is not None:
                figures[plain + ending] = record[name + ending]
    return [
        MeasuredFigure(TITLES[plain], text, names[plain])
        for plain, text in figure_lines(figures).items()
    ]


def _conditions(record):
    """How an evaluation was measured."""
    images, times = _number(record.get("evaluated_images")), _number(record.get("repetitions"))
    text = f"{images:,} generated images" if images else ""
    if times and times > 1:
        text += f", mean ± sample standard deviation of {times} repetitions"
    return text


def _facts(config, run, log, newest):
    point = log[-1] if log else {}
    saved = run.newest_progress() or {"step": 0}
    step = max(point.get("step", 0), saved["step"], newest.get("step", 0))
    # What the checkpoint tells is what the command's own report tells.
    recorded = point if point.get("step") == step != saved["step"] else {}
    seconds, images = _number(recorded.get("seconds")), _number(recorded.get("images"))
    if seconds is None:
        seconds = run.seconds_at(step)
    if images is None:
        images = _number(run.images_at(step))
    if images is None:
        images = step * config.training.batch_size
    facts = [
        ("preset", config.preset),
        ("data", config.data.dataset),
        *([("classes", names)] if (names := config.classes().describe()) else []),
        ("step", f"{step:,} of {config.training.steps:,}"),
        ("images trained on", f"{images:,}"),
        ("training time", f"{seconds / 3600:.2f} h" if seconds >= 3600 else f"{seconds:.0f} s"),
    ]
    if images_per_second := rate(images, seconds):
        facts.append(("images per second", number(images_per_second)))
    if newest:
        facts.append(("newest evaluation", f"step {newest['step']:,}"))
    if best := run.best():
        facts.append(("best evaluation", f"step {best['step']:,}, kept in {run.best_dir}"))
    return facts


def _number(value):
    """What a line of the log holds, if that is a number; else None."""
    return value if isinstance(value, (int, float)) else None


def _settings(config: ExperimentConfig):
    return {
        f"{section}.{name}": getattr(getattr(config, section), name)
        for section in SECTIONS
        for name in field_names(section)
    }


def _grids(run):
    """The first grid, some between and the last."""
    folder, found = os.path.dirname(run.grid_path(0)), {}
    for name in os.listdir(folder) if os.path.isdir(folder) else ():
        if match := re.fullmatch(r"step_(\d+)\.png", name):
            found[int(match[1])] = os.path.join(folder, name)
    steps = sorted(found)
    if len(steps) > _MOST_GRIDS:
        last = len(steps) - 1
        steps = [steps[last * index // (_MOST_GRIDS - 1)] for index in range(_MOST_GRIDS)]
    grids = []
    for step in steps:
        side = _LARGE_GRID if step == steps[-1] else _SMALL_GRID
        try:
            grids.append(SampleGrid(step, _shrink(found[step], side)))
        except OSError:  # Damaged: the other grids are worth a page.
            continue
    return grids


def _shrink(path, side):
    with Image.open(path) as picture:
        picture = picture.convert("RGB")
    picture.thumbnail((side, side), Image.LANCZOS)
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG")
    return buffer.getvalue()
