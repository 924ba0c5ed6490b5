"""What is written: pictures, archives, animations, folders; each complete or absent."""

import io

import numpy as np
import pytest
from PIL import Image

from gan.image_files.folder import file_name
from gan.image_files.grid import GridError
from gan.image_files.writer import open_writer
from gan.sampling.image_request import ImageRequest, plan_images
from preprocessing.class_names import class_names

NAMES = class_names("digits", 10)


def write(path, images, **request):
    """Writes images as the plan of a request numbers them."""
    plan = plan_images(ImageRequest(**request), NAMES).plan
    with open_writer(str(path), plan, *images.shape[2:], NAMES, "title") as add:
        for index, (sample, image) in enumerate(zip(plan.samples, images)):
            add(index, sample, image)
            last = index
    assert last == plan.count - 1 == len(images) - 1


def random_images(count, size=8, channels=3):
    return np.random.RandomState(0).randint(0, 256, [count, size, size, channels], np.uint8)


def test_archive(tmp_path):
    images = random_images(6)
    write(tmp_path / "deep" / "a.npz", images, classes=["4,2"], seeds=[0, 1, 2])
    content = np.load(tmp_path / "deep" / "a.npz")
    assert content.files == ["arr_0", "arr_1"]
    np.testing.assert_array_equal(content["arr_0"], images)
    np.testing.assert_array_equal(content["arr_1"], [4, 4, 4, 2, 2, 2])
    assert (content["arr_0"].dtype, content["arr_1"].dtype) == (np.uint8, np.int64)
    write(tmp_path / "b.npz", images, classes=["4,2"], seeds=[0, 1, 2])
    assert (tmp_path / "b.npz").read_bytes() == (tmp_path / "deep" / "a.npz").read_bytes()
    # A file that is there is replaced.
    write(tmp_path / "b.npz", images[:1], classes=["4"], num=1)
    assert len(np.load(tmp_path / "b.npz")["arr_0"]) == 1


def test_grey_images_become_rgb_in_an_archive(tmp_path):
    images = random_images(2, channels=1)
    write(tmp_path / "a.npz", images, classes=["4"], num=2)
    np.testing.assert_array_equal(np.load(tmp_path / "a.npz")["arr_0"], images.repeat(3, axis=-1))


@pytest.mark.parametrize("channels", [1, 3])
def test_folder(tmp_path, channels):
    images = random_images(3, channels=channels)
    (tmp_path / "images").mkdir()  # An empty one may be there.
    write(tmp_path / "images", images, classes=["7"], seeds=[3, 40, 1_234_567])
    files = sorted((tmp_path / "images").iterdir())
    assert [file.name for file in files] == [
        "class_7_seed_000003.png",
        "class_7_seed_000040.png",
        "class_7_seed_1234567.png",
    ]
    for file, image in zip(files, images):
        with Image.open(file) as picture:
            pixels = np.asarray(picture).reshape(image.shape)
        np.testing.assert_array_equal(pixels, image)
    assert [entry.name for entry in tmp_path.iterdir()] == ["images"]


def test_picture(tmp_path):
    images = random_images(6, size=64)
    write(tmp_path / "a.png", images, classes=["4,2"], seeds=[0, 1, 2])
    with Image.open(tmp_path / "a.png") as picture:
        pixels = np.asarray(picture)
    right, bottom = pixels[:, -3 * 66 :], pixels[-2 * 66 :]
    np.testing.assert_array_equal(right[-2 * 66 : -66][:64, :64], images[0])
    np.testing.assert_array_equal(bottom[66:130, -66:-2], images[5])


@pytest.mark.parametrize("channels", [1, 3])
def test_animation_goes_forwards_and_back(tmp_path, channels):
    levels = np.arange(4, dtype=np.uint8) * 60
    images = np.broadcast_to(levels[:, None, None, None], [4, 32, 32, channels])
    flags = dict(classes=["1"], interpolate="latents", seeds=[0, 1], frames=4)
    write(tmp_path / "a.gif", images, **flags)
    with Image.open(tmp_path / "a.gif") as animation:
        seen = []
        for frame in range(animation.n_frames):
            animation.seek(frame)
            assert animation.info["duration"] == 60
            seen.append(animation.convert("L").getpixel((50, 50)))
        assert animation.info["loop"] == 0
        assert animation.size == (96 + 4, 96 + 4)
    assert seen == [0, 60, 120, 180, 120, 60]
    write(tmp_path / "b.gif", images, **flags)
    assert (tmp_path / "b.gif").read_bytes() == (tmp_path / "a.gif").read_bytes()


@pytest.mark.parametrize("name", ["a.png", "a.npz", "a.gif", "folder"])
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_error_leaves_nothing(tmp_path, name, error):
    plan = plan_images(
        ImageRequest(["1"], interpolate="latents", seeds=[0, 1], frames=3), NAMES
    ).plan
    with pytest.raises(error), open_writer(str(tmp_path / name), plan, 8, 1, NAMES, "") as add:
        add(0, next(plan.samples), random_images(1, channels=1)[0])
        raise error
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "request_", "message"),
    [
        (
            "a.png",
            dict(classes=[], num=50_000),
            "230 × 224 images would have 129 megapixels, more than 89",
        ),
        (
            "a.gif",
            dict(classes=[], interpolate="latents", seeds=[0, 1], frames=600_000),
            "an animation of 600000 frames of 10 images would be too large.",
        ),
    ],
)
def test_pictures_that_are_too_large(tmp_path, name, request_, message):
    plan = plan_images(ImageRequest(**request_), NAMES).plan
    with pytest.raises(GridError) as error:
        open_writer(str(tmp_path / name), plan, 16, 1, NAMES, "")
    assert message in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_png_of_a_folder_is_a_plain_image(tmp_path):
    """Grey stays grey: what an image viewer or a data set reader expects."""
    write(tmp_path / "images", random_images(1, channels=1), classes=["7"], num=1)
    content = (tmp_path / "images" / "class_7_seed_000000.png").read_bytes()
    with Image.open(io.BytesIO(content)) as picture:
        assert (picture.mode, picture.size) == ("L", (8, 8))


@pytest.mark.parametrize(
    ("names", "label", "expected"),
    [
        (("cats, small", "dogs"), 0, "class_0_cats_small_seed_000003.png"),
        (tuple(map(str, range(1, 11))), 0, "class_01_seed_000003.png"),
        (tuple(map(str, range(1, 11))), 9, "class_10_seed_000003.png"),
        (tuple(f"{number:03}" for number in range(12)), 0, "class_00_seed_000003.png"),
        (tuple(f"{number:03}" for number in range(12)), 7, "class_07_seed_000003.png"),
        (("1", "2", "cat"), 1, "class_1_2_seed_000003.png"),
        (("猫", "犬"), 1, "class_1_seed_000003.png"),
        (("n/a", 200 * "b"), 0, "class_0_n_a_seed_000003.png"),
    ],
)
def test_names_of_files(names, label, expected):
    assert file_name(label, 3, class_names("/data", len(names), names)) == expected


def test_names_of_files_differ():
    names = class_names("/data", 4, ("1", "01", "猫", 255 * "a"))
    files = {file_name(label, 3, names) for label in range(4)}
    assert len(files) == 4
    assert max(map(len, files)) < 100
