"""The 23 images that are not what their names say, made RGB JPEG as tfds makes them."""

from preprocessing.data_error import DataError

# List of https://github.com/cytsai/ilsvrc-cmyk-image-list, which tfds uses.
CMYK_IMAGES = frozenset(
    {
        "n01739381_1309.JPEG",
        "n02077923_14822.JPEG",
        "n02447366_23489.JPEG",
        "n02492035_15739.JPEG",
        "n02747177_10752.JPEG",
        "n03018349_4028.JPEG",
        "n03062245_4620.JPEG",
        "n03347037_9675.JPEG",
        "n03467068_12171.JPEG",
        "n03529860_11437.JPEG",
        "n03544143_17228.JPEG",
        "n03633091_5218.JPEG",
        "n03710637_5125.JPEG",
        "n03961711_5286.JPEG",
        "n04033995_2932.JPEG",
        "n04258138_17003.JPEG",
        "n04264628_27969.JPEG",
        "n04336792_7448.JPEG",
        "n04371774_5854.JPEG",
        "n04596742_4225.JPEG",
        "n07583066_647.JPEG",
        "n13037406_4650.JPEG",
    }
)
PNG_IMAGES = frozenset({"n02105855_2933.JPEG"})


def repaired(name: str, encoded: bytes) -> bytes:
    """An image as tfds stores it.

    Args:
        name: base name of the image.
        encoded: its file's content.

    Returns:
        RGB JPEG, if this is one of the 22 images in CMYK or the one PNG; else `encoded`.

    Raises:
        DataError: if one of those cannot be decoded.
    """
    if name not in CMYK_IMAGES and name not in PNG_IMAGES:
        return encoded
    import tensorflow_datasets as tfds  # Takes seconds to import.

    convert = tfds.core.utils.jpeg_cmyk_to_rgb
    if name in PNG_IMAGES:
        convert = tfds.core.utils.png_to_jpeg
    try:
        return convert(encoded)
    except Exception as error:  # Of TensorFlow's session, or of its kernels.
        raise DataError(
            f"{name}: cannot be decoded, which it must be to become RGB JPEG "
            f"({str(error).splitlines()[0]}). Fetch the image again."
        ) from error
