"""Pictures that cost what ImageNet's cost: their size, their detail, their JPEG."""

import io

import numpy as np
from PIL import Image

HEIGHT, WIDTH = 375, 500  # of most images of ImageNet
QUALITY = 92


def synthetic_photos(count: int, seed: int = 0) -> list[bytes]:
    """Soft shapes under texture, as JPEG of 100 to 110 KB.

    Args:
        count: how many, all different.
        seed: of the pictures.
    """
    random = np.random.RandomState(seed)
    photos = []
    for _ in range(count):
        layers = [
            np.asarray(
                Image.fromarray(random.randint(0, 256, [rows, rows + 2, 3], np.uint8)).resize(
                    (WIDTH, HEIGHT), Image.BICUBIC
                ),
                np.float32,
            )
            for rows in (4, 12, 48)
        ]
        pixels = np.average(layers, axis=0, weights=(5, 2, 1))
        pixels += random.normal(0, 14, [HEIGHT, WIDTH, 1]) * random.uniform(0.8, 1.2)
        buffer = io.BytesIO()
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=QUALITY)
        photos.append(buffer.getvalue())
    return photos
