"""A picture of any format as network input."""

import numpy as np
from PIL import Image, ImageOps

_SMALLEST_SIDE = 2  # pixels; resizing with aligned corners needs two


class ImageFileError(ValueError):
    """A file that cannot be used as an image; the message names it and says why."""


def read_image(path: str) -> Image.Image:
    """Reads an image file that PIL knows, upright as its camera noted.

    Of an animation the first frame is read; transparency is ignored.

    Args:
        path: of the file.

    Returns:
        A picture in one of PIL's modes "L" (grey) and "RGB".

    Raises:
        ImageFileError: if the file is missing, no image, damaged, smaller than 2×2
            pixels, or of numbers that are no brightness.
    """
    try:
        with open(path, "rb") as file:
            return _decode(file, path)
    except FileNotFoundError as error:
        raise ImageFileError(f"{path}: there is no such file. Expected an image.") from error


def network_input(picture: Image.Image, image_size: int, image_channels: int) -> np.ndarray:
    """Largest central square, resized and scaled as training images are.

    Args:
        picture: of any size from 2×2.
        image_size: side of the result in pixels.
        image_channels: 1 or 3; grey and colour are converted into each other.

    Returns:
        float32 `[image_size, image_size, image_channels]` in [-1, 1].
    """
    from preprocessing.central_crop import crop_and_resize  # TensorFlow takes long to import.

    pixels = np.array(picture.convert("L" if image_channels == 1 else "RGB"))
    pixels = pixels.reshape(picture.height, picture.width, image_channels)
    return crop_and_resize(pixels, image_size).numpy()


def _decode(file, path):
    try:
        picture = Image.open(file)
        picture.load()
        picture = ImageOps.exif_transpose(picture)
    except Exception as error:  # PIL's decoders raise all kinds for damaged files.
        reason = str(error) if not isinstance(error, Image.UnidentifiedImageError) else ""
        raise ImageFileError(
            f"{path}: no image that can be read{f' ({reason})' if reason else ''}. Expected PNG, "
            "JPEG or another format that PIL knows."
        ) from error
    if min(picture.size) < _SMALLEST_SIDE:
        raise ImageFileError(
            f"{path}: the image has {picture.width}×{picture.height} pixels. Expected at least "
            f"{_SMALLEST_SIDE}×{_SMALLEST_SIDE}."
        )
    if picture.mode.startswith("I"):  # 16 bits, which PIL would clip to 8 instead of scaling.
        pixels = np.asarray(picture)
        if pixels.min() < 0 or pixels.max() > 65535:
            raise _no_brightness(path)
        return Image.fromarray(np.uint8(np.rint(pixels / 257.0)))
    if picture.mode == "F":
        raise _no_brightness(path)
    return picture.convert("L" if picture.mode in ("1", "L", "LA") else "RGB")


def _no_brightness(path):
    return ImageFileError(
        f"{path}: the image's numbers have no known range. Expected 8 or 16 bits per channel."
    )
