"""Many small images as one picture."""

import io
import os
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from gan.atomic_file import write_atomically

MOST_PIXELS = 89_000_000  # of a picture; larger ones many programs, PIL too, refuse to open
SMALLEST_CELL = 48  # pixels; smaller images are enlarged by whole factors
_GAP = 2  # pixels between images
_MARGIN = 6  # pixels around text
_FONT_SIZE = 12
_LINE = 18  # pixels that a line of text takes above the images
_BLACK, _GREY, _WHITE = (0, 0, 0), (96, 96, 96), (255, 255, 255)


class GridError(ValueError):
    """A grid that is too large; the message says what to do."""


def text_font(size: int, text: str) -> ImageFont.FreeTypeFont:
    """A font that has the letters of a text: Pillow's own, or one of Latin, Greek and Cyrillic."""
    if text.isascii():
        return ImageFont.load_default(size)
    import matplotlib  # for its font, DejaVu

    path = os.path.join(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")
    return ImageFont.truetype(path, size)


def to_uint8(images: np.ndarray) -> np.ndarray:
    """Images in [-1, 1] to [0, 255], rounded; values outside are clipped."""
    return np.clip(np.rint((np.asarray(images) + 1.0) * 127.5), 0, 255).astype(np.uint8)


def to_picture(image: np.ndarray) -> Image.Image:
    """One image, uint8 `[height, width, 1 or 3]`, as a grey or colour picture."""
    return Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)


class Grid:
    """A white picture with cells for images, and text around them.

    Args:
        rows, columns: number of cells.
        height, width: of the images in pixels.
        row_labels: row to text in front of it.
        column_labels: texts above the columns; empty for none. One that has no room
            beside its left neighbour is left out.
        title: a line above all, or "".
        smallest_cell: images are enlarged, by a whole factor, to at least this height.

    Raises:
        GridError: if the picture would be too large.
    """

    def __init__(
        self,
        rows: int,
        columns: int,
        height: int,
        width: int,
        row_labels: Mapping[int, str] = {},  # noqa: B006 - never changed
        column_labels: Sequence[str] = (),
        title: str = "",
        smallest_cell: int = SMALLEST_CELL,
    ):
        scale = max(1, -(-smallest_cell // height))
        self._height, self._width = height * scale, width * scale
        font = text_font(_FONT_SIZE, "".join([title, *row_labels.values(), *column_labels]))
        self._left = self._top = 0
        if row_labels:
            self._left = 2 * _MARGIN + max(int(font.getlength(t)) for t in row_labels.values())
        self._top = _LINE * (bool(title) + bool(column_labels))
        corner = self._corner(rows, columns)
        size = (
            max(corner[0], 2 * _MARGIN + int(font.getlength(title)) if title else 0),
            corner[1],
        )
        if size[0] * size[1] > MOST_PIXELS:
            raise GridError(
                f"a picture of {rows} × {columns} images would have "
                f"{size[0] * size[1] / 1e6:.0f} megapixels, more than {MOST_PIXELS / 1e6:.0f}. "
                "Draw fewer, or let --out name a folder or end in .npz."
            )
        self.picture = Image.new("RGB", size, _WHITE)
        draw = ImageDraw.Draw(self.picture)
        if title:
            draw.text((_MARGIN, _LINE // 2), title, fill=_GREY, font=font, anchor="lm")
        for row, text in row_labels.items():
            middle = self._corner(row, 0)[1] + self._height // 2
            draw.text((self._left - _MARGIN, middle), text, fill=_BLACK, font=font, anchor="rm")
        end = 0
        for column, text in enumerate(column_labels):
            length = font.getlength(text)
            left = self._corner(0, column)[0] + max(0, (self._width - length) // 2)
            if text and left > end:
                draw.text((left, self._top - _LINE // 2), text, fill=_GREY, font=font, anchor="lm")
                end = left + length + _MARGIN

    def place(self, row: int, column: int, image: np.ndarray):
        """Puts an image, uint8 `[height, width, 1 or 3]`, into a cell."""
        picture = to_picture(image).convert("RGB")
        picture = picture.resize((self._width, self._height), Image.NEAREST)
        self.picture.paste(picture, self._corner(row, column))

    def _corner(self, row, column):
        """Left and top of a cell; past the last one, the size of the picture."""
        return (
            self._left + _GAP + column * (self._width + _GAP),
            self._top + _GAP + row * (self._height + _GAP),
        )


def draw_grid(images, columns, row_labels=None) -> Image.Image:
    """Draws images row by row.

    Args:
        images: `[count, height, width, 1 or 3]` in [-1, 1].
        columns: images per row.
        row_labels: text in front of each row, or None.

    Returns:
        A picture; small images are enlarged to at least 48 pixels.
    """
    images = to_uint8(images)
    count, height, width, _ = images.shape
    labels = {row: str(label) for row, label in enumerate(row_labels or ())}
    grid = Grid(-(-count // columns), columns, height, width, labels)
    for index, image in enumerate(images):
        grid.place(*divmod(index, columns), image)
    return grid.picture


def to_png(picture: Image.Image) -> bytes:
    """The picture as PNG; the same picture gives the same bytes."""
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", optimize=False)
    return buffer.getvalue()


def save_grid(path, images, columns, row_labels=None):
    """Writes `draw_grid`'s picture to `path`, atomically, as PNG."""
    write_atomically(path, to_png(draw_grid(images, columns, row_labels)))
