"""Images that change, as an animated GIF."""

import io
import math

import numpy as np
from PIL import Image

from gan.image_files.grid import Grid

_SMALLEST_CELL = 96  # pixels; smaller images are enlarged by whole factors
_MILLISECONDS = 60  # per frame


def draw_animation(images: np.ndarray) -> bytes:
    """Draws rows of images as one animation, forwards and back, without end.

    Args:
        images: uint8 `[rows, frames, height, width, 1 or 3]`; all rows are shown side by
            side, and their images one after the other.

    Returns:
        A GIF; the same images give the same bytes.
    """
    rows, frames, height, width, channels = images.shape
    columns = math.ceil(math.sqrt(rows))
    pictures = []
    for frame in range(frames):
        grid = Grid(-(-rows // columns), columns, height, width, smallest_cell=_SMALLEST_CELL)
        for row in range(rows):
            grid.place(*divmod(row, columns), images[row, frame])
        # Colours of its own for each frame, not dithered: noise that moves is ugly.
        pictures.append(
            grid.picture.convert("L")
            if channels == 1
            else grid.picture.quantize(256, dither=Image.Dither.NONE)
        )
    pictures += pictures[-2:0:-1]
    buffer = io.BytesIO()
    pictures[0].save(
        buffer,
        format="GIF",
        save_all=True,
        append_images=pictures[1:],
        duration=_MILLISECONDS,
        loop=0,
        optimize=False,
    )
    return buffer.getvalue()
