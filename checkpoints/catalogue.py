"""The released models: where they are, what made them, what is known of them.

No TensorFlow is imported here, so that commands can list them at once.
"""

import os
from typing import NamedTuple, Optional


class ReleasedModel(NamedTuple):
    """One released model.

    Attributes:
        summary: what it draws, in a line.
        place: where it is published, or which file in this repository describes it.
        preset: the preset that describes its training.
        scores: what is known, and who measured it.
        folder: its path in this repository; None for what must be downloaded by hand.
    """

    summary: str
    place: str
    preset: str
    scores: str
    folder: Optional[str] = None


_AUTHORS = (
    "the Google Drive and Baidu Netdisk folders linked under Checkpoints in gan/README.md of the "
    "authors' repository Gsunshine/Enjoy-Hamburger"
)

RELEASED = {
    "digits": ReleasedModel(
        summary="handwritten digits, 16×16, drawn by the `digits` preset",
        place="checkpoints/digits/README.md, its card",
        preset="digits",
        scores="measured here: see its model card",
        folder=os.path.join(os.path.dirname(os.path.abspath(__file__)), "digits"),
    ),
    "hamgan_strong": ReleasedModel(
        summary="ImageNet, 128×128, batch 1024, the authors' best",
        place=_AUTHORS,
        preset="hamgan_strong",
        scores="published: FID 14.77; not measured here",
    ),
    "hamgan_baby": ReleasedModel(
        summary="ImageNet, 128×128, batch 256",
        place=_AUTHORS,
        preset="hamgan_baby",
        scores="published: FID 16.05; not measured here",
    ),
}


def name_of(path: str) -> str:
    """The name of a released model given by its folder here; any other path as it is."""
    return next((name for name, model in RELEASED.items() if model.folder == path), path)


def describe_released() -> str:
    """A few lines that list the released models, for `--help`."""
    return "".join(
        f"  {name:14} {model.summary}; {'ships with us' if model.folder else 'to be downloaded'}\n"
        for name, model in RELEASED.items()
    )
