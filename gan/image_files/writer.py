"""Images written as they are drawn: one picture, an archive, an animation or a folder."""

import contextlib

import numpy as np

from gan.atomic_file import write_atomically
from gan.image_files.animation import draw_animation
from gan.image_files.archive import open_archive
from gan.image_files.folder import open_folder
from gan.image_files.grid import MOST_PIXELS, Grid, GridError, to_png
from gan.image_files.output_path import output_kind
from gan.sampling.image_plan import Plan
from preprocessing.class_names import ClassNames


def open_writer(
    path: str,
    plan: Plan,
    image_size: int,
    image_channels: int,
    names: ClassNames,
    title: str,
):
    """Opens what the path's ending asks for; see `gan.image_files.output_path`.

    Args:
        path: of the file or folder, which appears at the end of the block, complete.
        plan: of the images that will come.
        image_size: their side in pixels.
        image_channels: 1 or 3.
        names: of the classes.
        title: of the picture.

    Returns:
        A context manager of a function that takes the number of an image, its sample,
        and the image, uint8 `[image_size, image_size, image_channels]`.

    Raises:
        GridError: if a picture would be too large.
    """
    kind, layout = output_kind(path), plan.layout
    if kind == "grid":
        grid = Grid(
            layout.rows,
            layout.columns,
            image_size,
            image_size,
            layout.row_labels,
            layout.column_labels,
            title,
        )
        return _open_grid(path, grid, layout)
    if kind == "animation":
        return _open_animation(path, layout, image_size, image_channels)
    if kind == "archive":
        return open_archive(path, plan.count, image_size)
    return open_folder(path, names)


@contextlib.contextmanager
def _open_grid(path, grid, layout):
    def add(index, sample, image):
        del sample
        grid.place(*layout.place(index), image)

    yield add
    write_atomically(path, to_png(grid.picture))


def _open_animation(path, layout, image_size, image_channels):
    if layout.rows * layout.columns * image_size**2 > MOST_PIXELS:
        raise GridError(
            f"an animation of {layout.columns} frames of {layout.rows} images would be too large. "
            "Give fewer --frames, --seeds or --class."
        )
    shape = (layout.rows, layout.columns, image_size, image_size, image_channels)
    return _collect_animation(path, layout, np.zeros(shape, np.uint8))


@contextlib.contextmanager
def _collect_animation(path, layout, images):
    def add(index, sample, image):
        del sample
        images[layout.place(index)] = image

    yield add
    write_atomically(path, draw_animation(images))
