"""python -m preprocessing.verify of a folder of class folders."""

import json
import os
import re

import numpy as np
import pytest
from PIL import Image

from preprocessing import verify
from preprocessing.sources.image_folder import list_folder
from preprocessing.verification import folder_verification

PICTURE = Image.fromarray(np.random.RandomState(0).randint(0, 256, [48, 64, 3]).astype(np.uint8))


def save(path, picture=PICTURE, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, **options)
    return path


@pytest.fixture
def folder(tmp_path):
    """Two classes in two splits, a file beside them."""
    for number in range(3):
        save(tmp_path / "images" / "train" / "cat" / f"{number}.jpg")
    save(tmp_path / "images" / "train" / "dog" / "3.png")
    save(tmp_path / "images" / "val" / "cat" / "4.webp")
    save(tmp_path / "images" / "val" / "dog" / "5.bmp")
    (tmp_path / "images" / "README").write_text("of these images")
    return tmp_path / "images"


@pytest.fixture
def verify_folder(run_main, folder):
    def run(*flags, processes=1):
        flags = (f"--dataset={folder}", f"--processes={processes}", *flags)
        status, out, error = run_main(verify.main, *flags)
        return status, [*out.splitlines(), *error.splitlines()]

    return run


@pytest.mark.parametrize("processes", [1, 2])
def test_nothing_wrong(folder, verify_folder, processes):
    status, lines = verify_folder(processes=processes)
    assert status == 0, lines
    assert lines[0] == f"Verifying {folder}"
    assert lines[1] == f"note: {folder}/README is passed over: it is no image by its name."
    table = [re.split(r" {2,}", line) for line in lines[2:-1]]
    assert table[0] == ["split", "images", "MiB", "classes", "images per class", "problems"]
    rows = {row[0]: [row[1], *row[3:]] for row in table[1:]}
    assert rows == {"train": ["4", "2", "1..3", "0"], "validation": ["2", "2", "1..1", "0"]}
    assert lines[-1] == "Nothing is wrong."


def damage(folder):
    """Files that cannot be read, with what is said of them, by path."""
    dog = folder / "train" / "dog"
    (dog / "empty.jpg").write_bytes(b"")
    (dog / "text.png").write_text("no image")
    for name in ("cut.jpg", "cut.png", "cut.webp", "cut.bmp"):
        path = save(dog / name)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    (dog / "gone.jpg").symlink_to("elsewhere.jpg")
    return {
        f"{dog}/cut.bmp": "cannot be decoded (no image that can be read (image file is truncated",
        f"{dog}/cut.jpg": "cannot be decoded (no image that can be read (image file is truncated",
        f"{dog}/cut.png": "cannot be decoded (no image that can be read (image file is truncated",
        f"{dog}/cut.webp": "cannot be decoded (no image that can be read",
        f"{dog}/empty.jpg": "cannot be decoded (the file is empty (0 bytes)). Expected",
        f"{dog}/gone.jpg": "is a link to elsewhere.jpg, where there is nothing. Expected an image",
        f"{dog}/text.png": "cannot be decoded (no image that can be read). Expected an image that",
    }


def test_every_image_that_cannot_be_read_is_named(tmp_path, folder, verify_folder):
    expected = damage(folder)
    status, lines = verify_folder(f"--problems={tmp_path}/problems")
    assert status == 1
    found = [line for line in lines if line.startswith("image: ")]
    assert len(found) == len(expected)
    for line, (path, text) in zip(found, expected.items()):
        assert line.startswith(f"image: {path}: {text}")
    assert lines[-1] == f"{len(expected)} problems."
    written = [json.loads(line) for line in (tmp_path / "problems").read_text().splitlines()]
    assert [problem["file"] for problem in written] == list(expected)
    assert verify_folder("--split=validation")[0] == 0
    status, lines = verify_folder("--decode=none")
    assert (status, lines[-1]) == (1, "1 problem.")
    assert f"{folder}/train/dog/gone.jpg: cannot be read (" in lines[0] + lines[1]
    status, lines = verify_folder("--split=valid")
    assert status == 1
    assert lines[-1] == "error: The folder has no split 'valid'. It has: train, validation."


def test_what_training_does_with_odd_images_is_noted(folder, verify_folder):
    exif = Image.Exif()
    exif[0x0112] = 6
    cat = folder / "train" / "cat"
    for number in range(2):
        save(cat / f"turned{number}.jpg", exif=exif)
    exif[0x0112] = 0  # Malformed, and shown as it lies.
    save(cat / "malformed.jpg", exif=exif)
    save(cat / "moving.gif", save_all=True, append_images=[Image.new("RGB", PICTURE.size)])
    save(cat / "line.png", Image.new("RGB", (1, 9)))
    status, lines = verify_folder()
    assert status == 0, lines
    notes = [line for line in lines if line.startswith("note: train: ")]
    assert sorted(notes) == [
        f"note: train: 1 images are one pixel wide or high, so that their central square is one "
        f"pixel, as {cat}/line.png.",
        f"note: train: 1 images have several frames or pages, of which the first is taken, as "
        f"{cat}/moving.gif.",
        f"note: train: 2 images lie turned in their files and are set upright, as their cameras "
        f"noted, as {cat}/turned0.jpg.",
    ]


def test_a_name_that_is_no_text(folder):
    path = os.fsencode(folder / "train" / "cat") + b"/caf\xe9.png"
    with open(path, "wb") as file:
        file.write(b"no image")
    verdict = folder_verification.verify_folder(list_folder(str(folder)))
    (problem,) = verdict.problems.kept["image"]
    assert problem.file == os.fsdecode(path)
    assert problem.found.startswith("cannot be decoded")


def test_a_folder_that_training_refuses(folder, verify_folder):
    (folder / "train" / "dog" / "notes.txt").write_text("x")
    status, lines = verify_folder()
    assert status == 1
    assert lines == [
        f"error: {folder}/train/dog/notes.txt: no image by its name. Expected .jpg, .jpeg, .jpe, "
        ".jfif, .png, .gif, .bmp, .dib, .webp, .avif, .tif, .tiff, .jp2, .tga, .ppm, .pgm, .pbm; "
        "convert it, or remove it."
    ]


def test_a_folder_by_its_bare_name(folder, run_main, monkeypatch, tmp_path):
    """It could be a data set of tfds, too."""
    monkeypatch.chdir(tmp_path)
    for data_dir in (tmp_path, tmp_path / "none"):
        status, _, error = run_main(verify.main, "--dataset=images/train", f"--data_dir={data_dir}")
        if data_dir == tmp_path / "none":
            assert error.endswith("give --dataset=./images/train.\n")
        assert status == 1
