"""One picture of an inversion: target, steps on the way, result."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from gan.image_files.grid import draw_grid
from gan.inversion.optimisation import Inversion

_SMALLEST_IMAGE = 96  # pixels, so that a caption fits above; smaller images are enlarged
_LINE = 12  # pixels from one line of a caption to the next


def draw_inversion(target, inversion: Inversion) -> Image.Image:
    """Draws target, snapshots and result in a row, with two lines of caption above each.

    Args:
        target: `[size, size, channels]` in [-1, 1].
        inversion: what was found.
    """
    columns = [("target", "", target)]
    for step in sorted(inversion.snapshots):
        error = inversion.history.pixel[step]
        columns.append((f"step {step}", f"error {error:.4f}", inversion.snapshots[step]))
    columns.append(("result", f"error {inversion.losses.pixel:.4f}", inversion.image))
    images = np.stack([image for _, _, image in columns])
    scale = -(-_SMALLEST_IMAGE // images.shape[1])
    row = draw_grid(images.repeat(scale, axis=1).repeat(scale, axis=2), len(columns))

    picture = Image.new("RGB", (row.width, row.height + 2 * _LINE + 4), (255, 255, 255))
    picture.paste(row, (0, picture.height - row.height))
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default()
    for index, (first, second, _) in enumerate(columns):
        for line, text in enumerate((first, second)):
            middle = (index + 0.5) * row.width / len(columns)
            left = int(middle - font.getlength(text) / 2)
            draw.text((left, 2 + line * _LINE), text, fill=(0, 0, 0), font=font)
    return picture
