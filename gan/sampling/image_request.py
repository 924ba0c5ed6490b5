"""From what a person asks for to a plan, and how the result is called."""

import dataclasses
from typing import NamedTuple, Optional

from gan.sampling.image_plan import (
    Plan,
    plan_class_path,
    plan_latent_path,
    plan_number,
    plan_seeds,
    plan_truncations,
)
from gan.sampling.latents import SEEDS
from gan.sampling.selection import read_classes
from preprocessing.class_names import ClassNames

_CLASSES_SHOWN = 10  # of a model with more, unless some are chosen
_IMAGES_OF_ONE_CLASS = 16
_SEEDS_OF_EACH_CLASS = 10
_LONGEST_NAME = 40  # characters for the classes, and for the seeds, in a file's name


class PlanError(ValueError):
    """Images that cannot be planned; the message names the flags."""


@dataclasses.dataclass(frozen=True)
class ImageRequest:
    """What is asked for, as the flags of gan.generate say it.

    Attributes:
        classes: texts that `read_classes` takes; empty for all.
        num: number of images in all, or None.
        seed: the first seed, where `seeds` is None.
        seeds: seeds for each class, or None.
        truncation: threshold of the latents, or None.
        interpolate: "latents", "classes" or None.
        frames: images from one station of an interpolation to the next.
        truncation_sweep: thresholds to compare, or None.
    """

    classes: list[str]
    num: Optional[int] = None
    seed: int = 0
    seeds: Optional[list[int]] = None
    truncation: Optional[float] = None
    interpolate: Optional[str] = None
    frames: int = 16
    truncation_sweep: Optional[list[float]] = None


class PlannedImages(NamedTuple):
    """A plan, and how it is called.

    Attributes:
        plan: the images.
        name: for a file's name.
        title: for a picture, in a few words.
        note: what should be said before, or "".
    """

    plan: Plan
    name: str
    title: str
    note: str


def plan_images(request: ImageRequest, names: ClassNames) -> PlannedImages:
    """Chooses classes and seeds where they are left open, and plans the images.

    Raises:
        SelectionError: for a class that does not exist, or a name of several.
        PlanError: for too few classes, or past the last seed.
    """
    classes, note = _choose_classes(request, names)
    truncation = request.truncation
    if request.interpolate == "latents":
        plan = plan_latent_path(classes, request.seeds, request.frames, truncation, names)
        kind, seeds, title = "latents", request.seeds, f"from seed {_stations(request.seeds)}"
    elif request.interpolate == "classes":
        if len(classes) < 2:
            raise PlanError(
                f"--class={request.classes[0]}: --interpolate=classes needs at least two classes."
            )
        seeds = _unique(request.seeds or [request.seed])
        plan = plan_class_path(classes, seeds, request.frames, truncation)
        kind, title = "classes", f"from {_stations(_called(c, names) for c in classes)}"
    elif request.truncation_sweep:
        first = 1 if len(classes) > 1 else _SEEDS_OF_EACH_CLASS
        seeds = _unique(request.seeds or _seeds_from(request.seed, first))
        plan = plan_truncations(classes, seeds, _unique(request.truncation_sweep), names)
        several = {"class": len(classes) > 1, "seed": len(seeds) > 1}
        column = " and ".join(filter(several.get, several)) or "seed"
        kind, title = "truncations", f"one row per truncation, one column per {column}"
    elif request.num is None and (request.seeds or len(classes) > 1):
        seeds = _unique(request.seeds or _seeds_from(request.seed, _SEEDS_OF_EACH_CLASS))
        plan, kind = plan_seeds(classes, seeds, truncation, names), ""
        title = "one column per seed"
        if len(classes) == 1:
            title = f"seeds {_numbers(seeds)}"
    else:
        seeds = _seeds_from(request.seed, request.num or _IMAGES_OF_ONE_CLASS)
        plan, kind = plan_number(classes, seeds, truncation, names), "num"
        title = f"seeds {_numbers(seeds)}"
    if len(classes) == 1:
        title = f"{_called(classes[0], names)}, {title}"
    if truncation is not None:
        title += f", truncation {truncation:g}"
    numbers = [names.number(label) for label in classes]
    return PlannedImages(plan, _name(request, kind, numbers, seeds), title, note)


def _choose_classes(request, names):
    """The classes, and what should be said of the choice."""
    if request.classes:
        classes = read_classes(request.classes, names)
        # On the way from class to class one may come again.
        note = names.told(classes)
        return (classes if request.interpolate == "classes" else _unique(classes)), note
    everything = list(range(names.num_classes))
    if len(everything) <= _CLASSES_SHOWN or request.num is not None:
        return everything, ""
    shown = [index * len(everything) // _CLASSES_SHOWN for index in range(_CLASSES_SHOWN)]
    note = (
        f"The model has {len(everything)} classes: {_CLASSES_SHOWN} of them are drawn. "
        "Choose others with --class."
    )
    return shown, note


def _seeds_from(first, count):
    if first + count > SEEDS:
        raise PlanError(
            f"{count} images from seed {first} on go past the last seed, {SEEDS - 1}. Give a "
            "smaller --num or --seed."
        )
    return range(first, first + count)


def _unique(values):
    return list(dict.fromkeys(values))


def _called(label, names):
    name = names.name(label)
    return f"class {name}" if name.isdigit() else name


def _stations(names):
    return " to ".join(map(str, names))


def _numbers(values):
    """Numbers in a few words: `0-63`, `3,7,10`, or `3,7...99` for many."""
    first, last = values[0], values[-1]
    if len(values) > 1 and (values == range(first, last + 1) or _are_consecutive(values)):
        return f"{first}-{last}"
    return _listed(values)


def _listed(values):
    """Values, or their texts, as `3,7,10`, or `3,7...99` for many."""
    text = ",".join(map(str, values[:_LONGEST_NAME]))
    if len(values) > _LONGEST_NAME or len(text) > _LONGEST_NAME:
        return f"{values[0]},{values[1]}...{values[-1]}"
    return text


def _are_consecutive(values):
    return all(value == values[0] + index for index, value in enumerate(values))


def _name(request, kind, numbers, seeds):
    """A file's name that tells what was asked for."""
    parts = [kind] if kind in ("latents", "classes", "truncations") else []
    parts += ["class", _numbers(numbers) if request.classes else "all"]
    if kind == "num":
        parts += ["num", str(len(seeds)), "seed", str(seeds[0])]
    else:
        parts += ["seeds" if len(seeds) > 1 else "seed", _numbers(seeds)]
    if request.interpolate:
        parts += ["frames", str(request.frames)]
    if request.truncation_sweep:
        parts += [_listed([f"{value:g}" for value in request.truncation_sweep])]
    if request.truncation is not None:
        parts += ["truncation", f"{request.truncation:g}"]
    return "_".join(parts)
