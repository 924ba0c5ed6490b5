"""Images as data sets store them: each check alone."""

import zlib

import numpy as np
import pytest
import tensorflow as tf
from prepared_records import jpeg

from preprocessing.verification.stored_image import EncodedImage, ListedImage, RawImage

ANY = (None, None, 3)
PIXELS = np.random.default_rng(0).uniform(0, 255, [4, 5, 3]).astype(np.float32)


def changed(value):
    pixels = PIXELS.copy()
    pixels[1, 2, 0] = value
    return pixels


PNG = tf.io.encode_png(PIXELS.astype(np.uint8)).numpy()
PNG_16 = tf.io.encode_png(PIXELS.astype(np.uint16)).numpy()
GIF = bytes.fromhex("47494638396101000100800000ffffff0000002c00000000010001000002024401003b")


@pytest.mark.parametrize(
    ("image", "encoded", "expected"),
    [
        (EncodedImage(ANY), jpeg(), None),
        (EncodedImage(ANY), jpeg(channels=1), None),  # TensorFlow makes three of one.
        (EncodedImage((None, None, 1)), jpeg(), None),
        (EncodedImage((None, None, None)), jpeg(), None),
        (EncodedImage((20, 24, 3)), jpeg(), None),
        (EncodedImage((24, 20, 3)), jpeg(), ("the image is 20×24×3", "an image, 24×20×3")),
        (EncodedImage(ANY), PNG, None),
        (EncodedImage((4, 5, 3)), PNG, None),
        (EncodedImage((4, 5, 3), "uint16"), PNG_16, None),
        (EncodedImage((4, 4, 3)), PNG, ("the image is 4×5×3", "an image, 4×4×3")),
        (EncodedImage(ANY), GIF, ("the image is 1×1×1×3", "an image, any×any×3")),
    ],
)
def test_encoded(image, encoded, expected):
    assert image.check(encoded, decode=True) == expected


@pytest.mark.parametrize("encoded", [b"", b"<html>", jpeg()[:4], PNG[:-30], jpeg()[:-40]])
def test_undecodable(encoded):
    found, expected = EncodedImage(ANY).check(encoded, decode=True)
    assert found.startswith("the image cannot be decoded: ") and "\n" not in found
    assert expected == "an image, any×any×3"
    assert EncodedImage(ANY).check(encoded, decode=False) is None


@pytest.mark.parametrize(
    ("pixels", "expected"),
    [
        (PIXELS, None),
        (changed(255), None),
        (changed(np.nan), ("1 of 60 pixels are not finite", "finite ones of [0, 255]")),
        (changed(np.inf), ("1 of 60 pixels are not finite", "finite ones of [0, 255]")),
        (changed(-1), (f"pixels are of [-1, {PIXELS.max():g}]", "[0, 255]")),
        (changed(256), (f"pixels are of [{PIXELS.min():g}, 256]", "[0, 255]")),
    ],
)
@pytest.mark.parametrize("compressed", [False, True])
def test_raw_and_listed_numbers(pixels, expected, compressed):
    content = pixels.tobytes()
    content = zlib.compress(content) if compressed else content
    raw = RawImage((4, 5, 3), "float32", compressed)
    assert raw.check(content, decode=True) == expected
    assert raw.check(content, decode=False) is None
    assert ListedImage((4, 5, 3)).check(pixels.ravel().tolist(), decode=True) == expected


@pytest.mark.parametrize(
    ("image", "content", "shape", "expected"),
    [
        (RawImage((4, 5, 3), "uint8"), bytes(60), None, None),
        (RawImage((None, 5, 3), "uint8"), bytes(30), None, None),
        (RawImage((None, None, 3), "uint8"), bytes(60), [4, 5, 3], None),
        (
            RawImage((4, 5, 3), "uint8"),
            bytes(61),
            None,
            ("the image has 61 bytes", "60 for 4×5×3 of uint8"),
        ),
        (
            RawImage((None, None, 3), "uint8"),
            bytes(61),
            [4, 5, 3],
            ("the image has 61 bytes", "60 for 4×5×3 of uint8"),
        ),
        (
            RawImage((None, None, 3), "uint8"),
            bytes(20),
            [4, 5, 1],
            ("the image is said to be 4×5×1", "any×any×3"),
        ),
        (
            RawImage((None, 5, 3), "uint8"),
            bytes(31),
            None,
            ("the image has 31 bytes", "15 for each of any×5×3 of uint8"),
        ),
    ],
)
def test_raw_lengths(image, content, shape, expected):
    assert image.check(content, True, shape) == expected


def test_broken_compression():
    found, expected = RawImage((4, 5, 3), "uint8", True).check(b"abc", decode=True)
    assert found.startswith("the image cannot be decompressed: ") and expected == "zlib's format"


@pytest.mark.parametrize(
    ("shape", "count", "expected"),
    [
        ((4, 5, 3), 60, None),
        ((4, 5, 3), 59, ("the image has 59 numbers", "60 for 4×5×3")),
        ((None, 5, 3), 45, None),
        ((None, 5, 3), 46, ("the image has 46 numbers", "15 for each of any×5×3")),
    ],
)
def test_listed_lengths(shape, count, expected):
    assert ListedImage(shape).check([1.0] * count, decode=True) == expected


def test_reduced_decoding_refuses_what_full_decoding_refuses():
    """The check decodes JPEG at an eighth of its size: what that accepts, training can read."""
    image, generator = EncodedImage(ANY), np.random.default_rng(1)
    original = jpeg(5, 64, 80)
    for _ in range(150):
        encoded = bytearray(original)
        encoded[generator.integers(len(encoded))] = generator.integers(256)
        if generator.integers(3) == 0:
            del encoded[generator.integers(len(encoded)) :]
        encoded = bytes(encoded)
        try:
            tf.io.decode_image(encoded, 3)
            decodes = True
        except tf.errors.InvalidArgumentError:
            decodes = False
        assert (image.check(encoded, decode=True) is None) == decodes
