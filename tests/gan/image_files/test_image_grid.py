"""Sample grids: where each image lies, and bytes that do not change."""

import io

import numpy as np
import pytest
from PIL import Image

from gan.atomic_file import write_atomically
from gan.image_files.grid import Grid, GridError, draw_grid, save_grid, to_png, to_uint8


def test_scaling():
    assert to_uint8([-2.0, -1.0, 0.0, 1.0, 2.0]).tolist() == [0, 0, 128, 255, 255]


def test_places_images_row_by_row():
    values = np.linspace(-1, 1, 6)
    images = np.broadcast_to(values[:, None, None, None], (6, 16, 16, 1))
    picture = np.asarray(draw_grid(images, columns=3))
    assert picture.shape == (2 + 2 * 50, 2 + 3 * 50, 3)
    centres = [picture[26 + 50 * (i // 3), 26 + 50 * (i % 3), 0] for i in range(6)]
    assert centres == to_uint8(values).tolist()


def test_colour_and_labels():
    images = np.zeros([2, 64, 64, 3], np.float32) - 1
    images[..., 0] = 1
    picture = np.asarray(draw_grid(images, columns=1, row_labels=["a", "b"]))
    margin = picture.shape[1] - (64 + 4)
    assert margin > 8
    assert picture[30, -30].tolist() == [255, 0, 0]
    assert picture[:, :margin].min() < 128  # there is text


def test_labels_and_title_are_around_the_cells():
    plain, labelled = Grid(2, 3, 64, 64), Grid(2, 3, 64, 64, {1: "crane"}, ["0", "", "1"], "title")
    image = np.full([64, 64, 1], 77, np.uint8)
    for grid in (plain, labelled):
        grid.place(1, 2, image)
    assert plain.picture.size == (3 * 66 + 2, 2 * 66 + 2)
    pixels = np.asarray(labelled.picture)
    left, top = (a - b for a, b in zip(labelled.picture.size, plain.picture.size))
    assert left > 20
    assert top > 20
    np.testing.assert_array_equal(pixels[top:, left:], np.asarray(plain.picture))
    assert pixels[-66:, :left].min() < 50  # the label of the second row
    assert pixels[-2 * 66 : -66, :left].min() == 255
    assert pixels[: top // 2].min() < 150  # the title
    assert pixels[top // 2 : top, left : left + 66].min() < 150
    assert pixels[top // 2 : top, left + 66 : left + 2 * 66].min() == 255


def test_column_labels_do_not_overlap():
    few = Grid(1, 4, 48, 48, column_labels=["4000000000", "", "", ""]).picture
    many = Grid(1, 4, 48, 48, column_labels=["4000000000", "4000000001", "", ""]).picture
    assert np.array_equal(few, many)


def test_a_long_title_widens_the_picture():
    assert (
        Grid(1, 1, 16, 16, title="a title of many words, longer than one image").picture.width > 200
    )


def test_a_picture_that_is_too_large():
    with pytest.raises(GridError, match="100 × 1000 images would have 250 megapixels, more than"):
        Grid(100, 1000, 16, 16)


def test_same_images_same_bytes(tmp_path):
    images = np.random.RandomState(0).rand(4, 16, 16, 1)
    save_grid(tmp_path / "deep" / "a.png", images, 2)
    content = (tmp_path / "deep" / "a.png").read_bytes()
    assert content == to_png(draw_grid(images, 2))
    assert Image.open(io.BytesIO(content)).size == (102, 102)


def test_failed_write_leaves_the_old_file_alone(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_atomically(str(path), b"old")

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        write_atomically(str(path), b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
