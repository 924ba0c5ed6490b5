"""Pictures of all kinds as network input."""

import numpy as np
import pytest
from PIL import Image

from preprocessing.central_crop import crop_and_resize
from preprocessing.image_file import ImageFileError, network_input, read_image


def colours(height, width):
    return np.random.RandomState(0).randint(0, 256, [height, width, 3]).astype(np.uint8)


def test_a_photograph_is_cropped_and_resized_as_in_training(tmp_path):
    pixels = colours(20, 31)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    image = network_input(read_image(str(tmp_path / "a.png")), 16, 3)
    assert image.dtype == np.float32
    np.testing.assert_array_equal(image, crop_and_resize(pixels, 16))


def test_an_image_of_the_models_size_stays_as_it_is(tmp_path):
    pixels = colours(16, 16)[..., 0]
    Image.fromarray(pixels).save(tmp_path / "a.png")
    image = network_input(read_image(str(tmp_path / "a.png")), 16, 1)
    assert image.shape == (16, 16, 1)
    np.testing.assert_allclose(image[..., 0], pixels / 127.5 - 1, atol=1e-6)


def test_grey_and_colour_become_each_other(tmp_path):
    Image.new("RGB", (4, 4), (0, 255, 0)).save(tmp_path / "green.png")
    grey = network_input(read_image(str(tmp_path / "green.png")), 4, 1)
    np.testing.assert_allclose(grey, 2 * 0.587 - 1, atol=0.01)  # the weight of green in luma
    Image.new("L", (4, 4), 51).save(tmp_path / "grey.png")
    colour = network_input(read_image(str(tmp_path / "grey.png")), 4, 3)
    np.testing.assert_allclose(colour, np.full([4, 4, 3], -0.6), atol=1e-6)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
def test_every_kind_of_pixel(tmp_path, mode):
    """White on black, whatever it is stored as."""
    pixels = np.zeros([8, 8], np.uint8)
    pixels[:4] = 255
    if mode == "I;16":
        picture = Image.fromarray(pixels.astype(np.uint16) * 257)
    else:
        picture = Image.fromarray(pixels).convert("RGB").convert(mode)
    path = tmp_path / ("a.tif" if mode == "CMYK" else "a.png")
    picture.save(path)
    image = network_input(read_image(str(path)), 8, 1)[..., 0]
    np.testing.assert_allclose(image, pixels / 127.5 - 1, atol=1e-6)


def test_a_photograph_stands_upright(tmp_path):
    pixels = np.zeros([8, 16], np.uint8)
    pixels[:, :8] = 255  # the left half of what the camera saw lying on its side
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: to be turned clockwise
    Image.fromarray(pixels).save(tmp_path / "a.jpg", exif=exif)
    picture = read_image(str(tmp_path / "a.jpg"))
    assert picture.size == (8, 16)
    upright = np.asarray(picture)
    assert upright[:7].min() > 200 > 50 > upright[9:].max()


def test_one_pixel_is_the_central_square_of_a_line():
    image = network_input(Image.fromarray(colours(1, 9)), 4, 3)
    np.testing.assert_allclose(image, np.broadcast_to(colours(1, 9)[0, 4] / 127.5 - 1, [4, 4, 3]))


def write_text(path):
    path.write_text("not an image")


def write_truncated(path):
    Image.fromarray(colours(64, 64)).save(path, format="PNG")
    path.write_bytes(path.read_bytes()[:2000])


def write_nothing(path):
    path.write_bytes(b"")


def write_floats(path):
    Image.fromarray(np.zeros([4, 4], np.float32)).save(path, format="TIFF")


def write_large_integers(path):
    Image.fromarray(np.full([4, 4], 100_000, np.int32)).save(path, format="TIFF")


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda path: None, "there is no such file. Expected an image."),
        (write_text, "no image that can be read. Expected PNG, JPEG or another format"),
        (write_truncated, "no image that can be read (image file is truncated"),
        (write_nothing, "the file is empty (0 bytes). Expected an image."),
        (write_floats, "the image's numbers have no known range."),
        (write_large_integers, "the image's numbers have no known range."),
    ],
)
def test_no_image(tmp_path, write, message):
    path = tmp_path / "a"
    write(path)
    with pytest.raises(ImageFileError) as caught:
        read_image(str(path))
    assert str(caught.value).startswith(f"{path}: {message}")
    assert "\n" not in str(caught.value)
