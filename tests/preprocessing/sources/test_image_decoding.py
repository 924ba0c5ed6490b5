"""Image files of all kinds in class folders: their pixels, as `gan.invert` reads them, too."""

import io
import struct
import warnings

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, PngImagePlugin

from preprocessing.image_file import decode, is_plain
from preprocessing.sources.image_decoding import decode_rgb

# Three colours in an image that no turn or flip leaves as it is.
NUMBERS = np.uint8([[0, 1, 2, 2, 1, 0], [2, 2, 1, 0, 0, 0], [1, 0, 0, 1, 1, 2], [0, 0, 0, 2, 2, 1]])
COLOURS = np.uint8([[250, 40, 10], [20, 230, 60], [0, 70, 240]])
PIXELS = COLOURS[NUMBERS].repeat(8, 0).repeat(8, 1)  # JPEG's blocks have one colour each
HEIGHT, WIDTH = PIXELS.shape[:2]
COLOUR_TABLE = b"".join(bytes(colour[::-1]) + b"\0" for colour in COLOURS)
TURNED = {
    1: lambda pixels: pixels,
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.transpose(1, 0, 2),
    6: lambda pixels: np.rot90(pixels, -1),
    7: lambda pixels: pixels[::-1, ::-1].transpose(1, 0, 2),
    8: lambda pixels: np.rot90(pixels),
}
LOSSLESS = {"WEBP": {"lossless": True}, "JPEG": {"quality": 98, "subsampling": 0}}


@pytest.fixture(scope="module")
def decode_in_graph():
    signature = [tf.TensorSpec([], tf.string), tf.TensorSpec([], tf.bool)]
    decode_rgb_in_graph = tf.function(decode_rgb, input_signature=signature)
    return lambda content: decode_rgb_in_graph(content, is_plain(content))


def encoded(form, picture=None, **options):
    file = io.BytesIO()
    picture = Image.fromarray(PIXELS) if picture is None else picture
    picture.save(file, form, **{**LOSSLESS.get(form, {}), **options})
    return file.getvalue()


def exif(orientation):
    note = Image.Exif()
    note[0x0112] = orientation
    return note


def xmp(orientation):
    return f'<rdf:Description tiff:Orientation="{orientation}"/>'.encode()


def expect(decode_in_graph, content, pixels=PIXELS, level=0):
    """TensorFlow's graph and PIL alone give these pixels, up to so many grey levels on average."""
    for found in (decode_in_graph(content).numpy(), np.asarray(decode(content).convert("RGB"))):
        assert found.shape == pixels.shape
        assert found.dtype == np.uint8
        assert np.abs(found.astype(int) - pixels).mean() <= level


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", [*TURNED, 0, 9])
def test_orientation(decode_in_graph, form, orientation):
    content = encoded(form, exif=exif(orientation))
    turned = TURNED.get(orientation, TURNED[1])(PIXELS)
    expect(decode_in_graph, content, turned, 4 if form == "JPEG" else 0)
    assert is_plain(content) == (form in ("JPEG", "PNG") and orientation in (0, 1, 9))


def png_with_exif_at_its_end():
    whole, note = encoded("PNG"), exif(6).tobytes()[len(b"Exif\0\0") :]
    file = io.BytesIO()
    PngImagePlugin.putchunk(file, b"eXIf", note)
    return whole[:-12] + file.getvalue() + whole[-12:]


def png_with_text(name, text):
    info = PngImagePlugin.PngInfo()
    info.add_itxt(name, text)
    return encoded("PNG", pnginfo=info)


BIG_ENDIAN = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
NOTED = {
    "big endian": lambda: encoded("JPEG", exif=BIG_ENDIAN),
    "after a colour profile": lambda: encoded("JPEG", exif=exif(6), icc_profile=bytes(200_000)),
    "progressive": lambda: encoded("JPEG", exif=exif(6), progressive=True),
    "grey": lambda: encoded("JPEG", Image.fromarray(PIXELS[..., 0]), exif=exif(6)),
    "XMP in a JPEG": lambda: encoded("JPEG", xmp=xmp(6)),
    "XMP in a PNG": lambda: png_with_text("XML:com.adobe.xmp", xmp(6).decode()),
    "at the end of a PNG": png_with_exif_at_its_end,
}


@pytest.mark.parametrize("case", NOTED)
def test_where_the_orientation_is_noted(decode_in_graph, case):
    pixels = PIXELS[..., :1].repeat(3, -1) if case == "grey" else PIXELS
    expect(decode_in_graph, NOTED[case](), TURNED[6](pixels), 4)


@pytest.mark.parametrize(
    "content",
    [
        lambda: encoded("JPEG", exif=b"Exif\0\0neither II nor MM"),
        lambda: encoded("JPEG", exif=BIG_ENDIAN[:16]),
        lambda: png_with_text("Software", "any"),
        lambda: png_with_text("XML:com.adobe.xmp", "neither XML nor an orientation"),
    ],
)
@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_notes_that_say_nothing(decode_in_graph, content):
    assert is_plain(content())
    expect(decode_in_graph, content(), level=4)


def bitmap(bits, rows, table=b"", compression=0, masks=b"", height=HEIGHT, width=WIDTH):
    offset = 54 + len(masks) + len(table)
    sizes = (40, width, height, 1, bits, compression, len(rows), 2835, 2835, len(table) // 4, 0)
    header = struct.pack("<2sIII", b"BM", offset + len(rows), 0, offset)
    return header + struct.pack("<IiiHHIIiiII", *sizes) + masks + table + rows


def lines(values, bits):
    """Rows from the last to the first, each filled up to four bytes."""
    rows = []
    for row in values[::-1]:
        if bits < 8:
            high_first = np.unpackbits(row.astype(np.uint8)[:, None], axis=1)[:, -bits:]
            row = np.packbits(high_first.reshape(-1))
        rows.append(row.tobytes().ljust(-(-len(row.tobytes()) // 4) * 4, b"\0"))
    return b"".join(rows)


INDICES = NUMBERS.repeat(8, 0).repeat(8, 1)
RUNS = b"".join(
    bytes(value for index in row for value in (8, index)) + b"\0\0" for row in INDICES[::-1, ::8]
)
BGR = PIXELS[..., ::-1]
BGRA = np.concatenate([BGR, np.full([HEIGHT, WIDTH, 1], 7, np.uint8)], -1)
RGB565 = np.left_shift(PIXELS.astype(np.uint16) >> [3, 2, 3], [11, 5, 0]).sum(-1).astype(np.uint16)
RGB555 = np.left_shift(PIXELS.astype(np.uint16) >> 3, [10, 5, 0]).sum(-1).astype(np.uint16)
BITMAPS = {
    "8 bits": bitmap(8, lines(INDICES, 8), COLOUR_TABLE),
    "8 bits, from the top": bitmap(8, lines(INDICES[::-1], 8), COLOUR_TABLE, height=-HEIGHT),
    "8 bits, in runs": bitmap(8, RUNS + b"\0\1", COLOUR_TABLE, compression=1),
    "4 bits": bitmap(4, lines(INDICES, 4), COLOUR_TABLE),
    "4 bits, in runs": bitmap(
        4, bytes(v * 17 if i % 2 else v for i, v in enumerate(RUNS)) + b"\0\1", COLOUR_TABLE, 2
    ),
    "16 bits": bitmap(16, lines(RGB555, 16)),
    "16 bits, green with six": bitmap(
        16, lines(RGB565, 16), compression=3, masks=struct.pack("<III", 0xF800, 0x7E0, 0x1F)
    ),
    "24 bits": bitmap(24, lines(BGR, 24)),
    "24 bits, from the top": bitmap(24, lines(BGR[::-1], 24), height=-HEIGHT),
    "32 bits": bitmap(32, lines(BGRA, 32)),
    "32 bits, with alpha": encoded("BMP", Image.fromarray(PIXELS).convert("RGBA")),
}


@pytest.mark.parametrize("case", BITMAPS)
def test_bitmaps(decode_in_graph, case):
    """TensorFlow takes the numbers of colours for grey levels, or has no decoder."""
    expect(decode_in_graph, BITMAPS[case], level=4 if case.startswith("16") else 0)


def test_bitmap_of_one_bit(decode_in_graph):
    bits = INDICES > 0
    content = bitmap(1, lines(bits, 1), COLOUR_TABLE[:8])
    expect(decode_in_graph, content, COLOURS[bits.astype(int)])


def palette_picture():
    picture = Image.fromarray(INDICES, "P")
    picture.putpalette(COLOURS.tobytes())
    return picture


OTHER = Image.new("RGB", (WIDTH, HEIGHT), (9, 9, 9))
SIXTEEN = (PIXELS.astype(np.uint16) << 8) + 255
KINDS = {
    "GIF": lambda: encoded("GIF", palette_picture()),
    "GIF, first of two": lambda: encoded(
        "GIF", palette_picture(), save_all=True, append_images=[OTHER]
    ),
    "GIF, transparent": lambda: encoded("GIF", palette_picture(), transparency=1),
    "PNG with a palette": lambda: encoded("PNG", palette_picture()),
    "PNG with a palette of 2 bits": lambda: encoded("PNG", palette_picture(), bits=2),
    "PNG, transparent": lambda: encoded("PNG", palette_picture(), transparency=b"\0\x80"),
    "PNG with alpha": lambda: encoded("PNG", Image.fromarray(np.dstack([PIXELS, INDICES]))),
    "PNG of 16 bits": lambda: tf.io.encode_png(SIXTEEN).numpy(),
    "PNG, animated": lambda: encoded("PNG", save_all=True, append_images=[OTHER]),
    "WebP": lambda: encoded("WEBP"),
    "WebP, animated": lambda: encoded("WEBP", save_all=True, append_images=[OTHER]),
    "TIFF, first of two": lambda: encoded("TIFF", save_all=True, append_images=[OTHER]),
    "TIFF in CMYK": lambda: encoded("TIFF", Image.fromarray(PIXELS).convert("CMYK")),
    "JPEG": lambda: encoded("JPEG"),
    "JPEG in CMYK": lambda: encoded("JPEG", Image.fromarray(PIXELS).convert("CMYK")),
    "PPM": lambda: encoded("PPM"),
}


@pytest.mark.parametrize("case", KINDS)
def test_kinds_of_files(decode_in_graph, case):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        expect(decode_in_graph, KINDS[case](), level=6 if case.startswith("JPEG") else 0)


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_grey(decode_in_graph, form):
    grey = PIXELS[..., :1].repeat(3, -1)
    for picture in (
        Image.fromarray(PIXELS[..., 0]),
        Image.fromarray(np.dstack([PIXELS[..., 0], INDICES]), "LA"),
        Image.fromarray(SIXTEEN[..., 0]),
    ):
        expect(decode_in_graph, encoded(form, picture), grey)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF"])
def test_truncated_files(decode_in_graph, form):
    noise = np.random.RandomState(0).randint(0, 256, [64, 64, 3]).astype(np.uint8)
    content = encoded(form, Image.fromarray(noise))
    with pytest.raises(tf.errors.InvalidArgumentError):
        decode_in_graph(content[: len(content) // 2])


@pytest.mark.parametrize("content", [b"", b"text", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"BM"])
def test_no_images(decode_in_graph, content):
    with pytest.raises(tf.errors.InvalidArgumentError):
        decode_in_graph(content)


def test_plain_jpeg_and_png_are_tensorflows_to_the_bit(decode_in_graph):
    for content in (encoded("JPEG"), encoded("PNG"), encoded("JPEG", exif=exif(1))):
        expected = tf.image.decode_image(content, 3, expand_animations=False).numpy()
        np.testing.assert_array_equal(decode_in_graph(content), expected)
