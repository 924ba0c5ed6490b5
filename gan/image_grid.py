"""Many small images as one picture."""

import io

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from gan.atomic_file import write_atomically

_GAP = 2  # pixels between images
_SMALLEST_CELL = 48  # pixels; smaller images are enlarged by whole factors


def to_uint8(images: np.ndarray) -> np.ndarray:
    """Images in [-1, 1] to [0, 255], rounded; values outside are clipped."""
    return np.clip(np.rint((np.asarray(images) + 1.0) * 127.5), 0, 255).astype(np.uint8)


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
    scale = max(1, -(-_SMALLEST_CELL // height))
    height, width = height * scale, width * scale
    rows = -(-count // columns)
    font = ImageFont.load_default()
    margin = 0
    if row_labels:
        margin = 8 + max(int(font.getlength(str(label))) for label in row_labels)
    picture = Image.new(
        "RGB",
        (margin + columns * (width + _GAP) + _GAP, rows * (height + _GAP) + _GAP),
        (255, 255, 255),
    )
    for index, image in enumerate(images):
        image = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
        image = image.convert("RGB").resize((width, height), Image.NEAREST)
        column, row = index % columns, index // columns
        picture.paste(
            image, (margin + _GAP + column * (width + _GAP), _GAP + row * (height + _GAP))
        )
    if row_labels:
        draw = ImageDraw.Draw(picture)
        for row, label in enumerate(row_labels):
            middle = _GAP + row * (height + _GAP) + height // 2
            draw.text((4, middle - 5), str(label), fill=(0, 0, 0), font=font)
    return picture


def to_png(picture: Image.Image) -> bytes:
    """The picture as PNG; the same picture gives the same bytes."""
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", optimize=False)
    return buffer.getvalue()


def save_grid(path, images, columns, row_labels=None):
    """Writes `draw_grid`'s picture to `path`, atomically, as PNG."""
    write_atomically(path, to_png(draw_grid(images, columns, row_labels)))
