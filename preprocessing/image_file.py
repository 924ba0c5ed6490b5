"""An image file of any format as pixels: which picture in it counts, how it stands, its colours."""

import io

import numpy as np
from PIL import Image

_ORIENTATION = 0x0112  # EXIF's tag
_UPRIGHT = {  # EXIF's value to what turns the stored picture as it was seen
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_JPEG, _PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
_APP1, _START_OF_SCAN = 0xE1, 0xDA
_JPEG_EXIF, _XMP_ORIENTATION = b"Exif\0\0", b"tiff:Orientation"
_PNG_EXIF = b"eXIf"  # the kind of a chunk; others are texts by the name that they begin with
_PNG_NOTES = (b"Raw profile type", b"XML:com.adobe.xmp")


class ImageFileError(ValueError):
    """A file that cannot be used as an image; the message says why, and in `read_image` which."""


def read_image(path: str) -> Image.Image:
    """Reads an image file; see `decode`.

    Args:
        path: of the file.

    Raises:
        ImageFileError: if the file is missing, or for the reasons of `decode`.
    """
    try:
        with open(path, "rb") as file:
            content = file.read()
    except FileNotFoundError as error:
        raise ImageFileError(f"{path}: there is no such file. Expected an image.") from error
    try:
        return decode(content)
    except ImageFileError as error:
        raise ImageFileError(f"{path}: {error}") from error


def decode(content: bytes) -> Image.Image:
    """Decodes an image file of any format that PIL knows.

    The rule for all images that are no records of a data set: upright as the camera noted
    (EXIF, or XMP in its place); colours of a colour table, not their numbers; of an
    animation the first frame; transparency ignored; of 16 bits the higher 8.

    Args:
        content: of the file.

    Returns:
        A picture in one of PIL's modes "L" (grey) and "RGB".

    Raises:
        ImageFileError: if it is no image, damaged, or of numbers that are no brightness.
    """
    try:
        picture = Image.open(io.BytesIO(content))
        picture.load()
        turn = _UPRIGHT.get(orientation(picture))
        if turn is not None:
            picture = picture.transpose(turn)
        if not picture.mode.startswith(("I", "F")):
            picture.info.pop("transparency", None)  # PIL would warn of what is ignored.
            return picture.convert("L" if picture.mode in ("1", "L", "LA") else "RGB")
    except Exception as error:  # PIL's decoders raise all kinds for damaged files.
        raise ImageFileError(_no_image(content, error)) from error
    pixels = np.asarray(picture)  # PIL would clip them to 8 bits instead of scaling.
    if picture.mode == "F" or pixels.min() < 0 or pixels.max() > 65535:
        raise ImageFileError(
            "the image's numbers have no known range. Expected 8 or 16 bits per channel."
        )
    return Image.fromarray((pixels >> 8).astype(np.uint8))


def rgb_pixels(content: bytes) -> np.ndarray:
    """`decode`, as uint8 `[height, width, 3]`."""
    return np.array(decode(content).convert("RGB"))


def orientation(picture: Image.Image) -> int:
    """How a picture of PIL has to be turned to stand upright: EXIF's number, 1 for not at all."""
    try:
        return int(picture.getexif().get(_ORIENTATION, 1))
    except Exception:  # A malformed note: viewers show such a picture as it is.
        return 1


def is_turned(picture: Image.Image) -> bool:
    """Whether `decode` turns a picture of PIL."""
    return orientation(picture) in _UPRIGHT


def is_plain(content: bytes) -> bool:
    """Whether TensorFlow decodes a file by the rule of `decode`, too, and faster.

    That is so for JPEG and PNG that need no turning. Nothing is decoded to see that.
    """
    if content.startswith(_JPEG):
        notes = _jpeg_notes(content)
    elif content.startswith(_PNG):
        notes = _png_notes(content)
    else:
        return False
    if not any(notes):
        return True
    try:
        return not is_turned(Image.open(io.BytesIO(content)))
    except Exception:  # Damaged, or unknown to PIL: TensorFlow will tell.
        return True


def network_input(picture: Image.Image, image_size: int, image_channels: int) -> np.ndarray:
    """Largest central square, resized and scaled as training images are.

    Args:
        picture: of any size.
        image_size: side of the result in pixels.
        image_channels: 1 or 3; grey and colour are converted into each other.

    Returns:
        float32 `[image_size, image_size, image_channels]` in [-1, 1].
    """
    from preprocessing.central_crop import crop_and_resize  # TensorFlow takes long to import.

    pixels = np.array(picture.convert("L" if image_channels == 1 else "RGB"))
    pixels = pixels.reshape(picture.height, picture.width, image_channels)
    return crop_and_resize(pixels, image_size).numpy()


def _no_image(content, error):
    if not content:
        return "the file is empty (0 bytes). Expected an image."
    reason = str(error) if not isinstance(error, Image.UnidentifiedImageError) else ""
    return (
        f"no image that can be read{f' ({reason})' if reason else ''}. Expected PNG, JPEG or "
        "another format that PIL knows."
    )


def _jpeg_notes(content):
    """For each note before the image's data, whether it may say that the picture is turned."""
    position = 2
    while content[position : position + 1] == b"\xff":
        marker = content[position + 1 : position + 2]
        if marker == b"\xff":  # A fill byte.
            position += 1
            continue
        if not marker or marker[0] == _START_OF_SCAN:
            return
        end = position + 2 + int.from_bytes(content[position + 2 : position + 4], "big")
        if marker[0] == _APP1:
            is_exif = content.startswith(_JPEG_EXIF, position + 4)
            yield is_exif or content.find(_XMP_ORIENTATION, position, end) >= 0
        position = end


def _png_notes(content):
    """For each chunk, whether it may say that the picture is turned."""
    position = len(_PNG)
    while position < len(content):
        is_exif = content.startswith(_PNG_EXIF, position + 4)
        yield is_exif or content.startswith(_PNG_NOTES, position + 8)
        position += 12 + int.from_bytes(content[position : position + 4], "big")
