"""A folder of class folders: what is listed, and what is refused in words."""

import os
import re

import numpy as np
import pytest
import tensorflow as tf

from preprocessing.choices import RESAMPLINGS
from preprocessing.data_error import DataError
from preprocessing.image_source import open_images
from preprocessing.sources.image_folder import is_folder_path, list_folder

IMAGES = {
    "png": tf.io.encode_png(np.full([9, 12, 3], 200, np.uint8)).numpy(),
    "jpg": tf.io.encode_jpeg(np.full([12, 9, 1], 100, np.uint8)).numpy(),
}
BMP = (
    b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\2\0\0\0\2\0\0\0\1\0\x18\0"
    + bytes(24)
    + 2 * b"\x32\x32\x32\x32\x32\x32\0\0"
)
IMAGES["bmp"] = BMP


def write(root, *paths):
    """Writes files under a folder, of whatever storage; the content is as the name says."""
    for path in paths:
        folder, name = f"{root}/{path}".rsplit("/", 1)
        tf.io.gfile.makedirs(folder)
        if name:
            content = IMAGES.get(name.rsplit(".", 1)[-1].lower(), b"some text")
            with tf.io.gfile.GFile(f"{folder}/{name}", "wb") as file:
                file.write(content)
    return str(root)


def flat(root):
    """A folder of two classes, five images of the first and two of the second."""
    return write(root, *(f"cat/{i}.jpg" for i in range(5)), "dog/a.PNG", "dog/b.bmp")


@pytest.fixture(params=["local", "ram"])
def root(request, tmp_path):
    return str(tmp_path) if request.param == "local" else f"ram://{tmp_path.name}"


def test_classes_are_the_train_split(root):
    folder = list_folder(write(flat(root), "LICENSE.txt", ".hidden/x.txt", "cat/.DS_Store"))
    assert folder.class_names == ("cat", "dog")
    assert folder.ignored == (f"{root}/LICENSE.txt",)
    (split,) = folder.splits.values()
    names = [path.decode()[len(root) + 1 :] for path in split.paths]
    assert sorted(names) == [*(f"cat/{i}.jpg" for i in range(5)), "dog/a.PNG", "dog/b.bmp"]
    assert [name.startswith("dog") for name in names] == list(split.labels)
    assert names != sorted(names)  # Else the first part of a split would have few classes.
    assert np.array_equal(list_folder(root).splits["train"].paths, split.paths)


def test_images_and_batches(root):
    source = open_images(f"{flat(root)}/", 8, 3, 2)
    assert "classes cat to dog" in source.description
    assert source.count("train") == 7
    examples = list(source.split("train").as_numpy_iterator())
    assert examples[0]["images"].shape == (8, 8, 3)
    brightness = {
        (int(e["labels"]), int(np.rint((e["images"].mean() + 1) * 127.5))) for e in examples
    }
    assert brightness == {(0, 100), (1, 200), (1, 50)}
    batches = source.shuffled_batches("train", 7, 1, 0)
    assert batches.element_spec["images"].shape == (7, 8, 8, 3)
    assert np.bincount(next(iter(batches))["labels"]).tolist() == [5, 2]
    assert open_images(f"{root}/", 8, 1, 2).count("train[:50%]") == 4


def test_splits(root):
    write(root, "train/cat/1.jpg", "train/dog/2.jpg", "val/cat/3.jpg", "val/dog/4.jpg", "README")
    write(root, "test/cat/1.jpg", "test/dog/2.jpg")
    source = open_images(f"{root}/", 8, 3, 2)
    assert source.description.endswith(f"; ignored: {root}/README")
    assert [source.count(name) for name in ("train", "validation", "test")] == [2, 2, 2]
    with pytest.raises(DataError, match="no split 'val'. It has: test, train, validation."):
        source.split("val")


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        ((), "ROOT: there are no class folders. Expected images in FOLDER/class/, or in FOLDER/t"),
        (("notes.txt",), "ROOT: there are no class folders."),
        (("cat/1.jpg", "dog/"), "ROOT/dog: this class has no images. Add some, or remove the"),
        (("cat/1.jpg", "2.jpg"), "ROOT/2.jpg: an image outside of the class folders. Move it"),
        (
            ("cat/1.jpg", "cat/notes.txt"),
            "ROOT/cat/notes.txt: no image by its name. Expected .jpg",
        ),
        (("cat/1.jpg", "cat/more/2.jpg"), "ROOT/cat/more: a folder in a class folder. Expected"),
        (
            ("train/a/1.jpg", "train/b/1.jpg", "val/a/1.jpg"),
            "ROOT: only split 'train' has a class folder 'b' (1 such differences). All splits",
        ),
        (
            ("train/a/1.jpg", "val/a/1.jpg", "val/c/1.jpg"),
            "ROOT: only split 'validation' has a class folder 'c' (1 such differences). All",
        ),
        (("val/a/1.jpg", "valid/a/1.jpg"), "ROOT/val and ROOT/valid are the same split. Keep one"),
        (("train/a/1.jpg", "1.jpg"), "ROOT/1.jpg: an image outside of the class folders."),
    ],
)
def test_refused(root, paths, message):
    tf.io.gfile.makedirs(root)
    write(root, *paths)
    with pytest.raises(DataError, match="^" + re.escape(message.replace("ROOT", root))) as caught:
        list_folder(root)
    assert "\n" not in str(caught.value)


def test_no_such_folder(tmp_path):
    with pytest.raises(DataError, match=f"^--dataset={tmp_path}/none: there is no such folder."):
        open_images(f"{tmp_path}/none", 8, 3, 2)


def test_a_name_that_tfds_does_not_know_may_be_a_folder(tmp_path, monkeypatch):
    pytest.importorskip("tensorflow_datasets")
    flat(tmp_path / "flowers_of_mine")
    monkeypatch.chdir(tmp_path)
    source = open_images("flowers_of_mine", 8, 3, 2, str(tmp_path / "elsewhere"))
    assert source.count("train") == 7


@pytest.mark.parametrize("path", ["./a", "../a", "~/a", "/a", "gs://a", "a/", "."])
def test_what_can_only_be_a_folder(path):
    assert is_folder_path(path)
    assert not is_folder_path("imagenet_resized/32x32")


def test_a_class_folder_that_is_a_broken_link(tmp_path):
    """Not a stray file, which would be passed over."""
    root = write(tmp_path, "cat/1.jpg", "dog/2.jpg")
    (tmp_path / "bird").symlink_to("elsewhere")
    with pytest.raises(DataError, match=f"^{root}/bird is a link to elsewhere, where there is no"):
        list_folder(root)


@pytest.mark.parametrize(
    ("link", "message"),
    [
        ("elsewhere", "/dog/3.jpg is a link to elsewhere, where there is nothing. Remove it."),
        ("", "/dog/3.jpg cannot be read ("),
    ],
)
def test_an_image_that_is_gone_is_named(tmp_path, link, message):
    """`preprocessing.verify`, which others are referred to, knows no records here."""
    root = write(tmp_path, "cat/1.jpg", "dog/3.jpg")
    source = open_images(root, 8, 3, 2)
    (tmp_path / "dog/3.jpg").unlink()
    if link:
        (tmp_path / "dog/3.jpg").symlink_to(link)
    with pytest.raises(DataError) as caught, source.reading():
        list(source.split("train"))
    assert str(caught.value).startswith(f"Data set {root!r}: {root}{message}")
    assert "\n" not in str(caught.value)


def test_images_that_are_one_pixel_wide_or_high(tmp_path):
    """Their central square is one pixel."""
    root = write(tmp_path, "a/")
    for name, shape in {"wide": [1, 9, 1], "high": [9, 1, 1], "dot": [1, 1, 1]}.items():
        pixels = np.arange(np.prod(shape)).astype(np.uint8).reshape(shape) * 10
        (tmp_path / "a" / f"{name}.png").write_bytes(tf.io.encode_png(pixels).numpy())
    for resampling in RESAMPLINGS:
        source = open_images(root, 8, 3, 1, resampling=resampling)
        images = [example["images"] for example in source.split("train").as_numpy_iterator()]
        levels = sorted({round(float(value)) for i in images for value in np.ravel(i + 1) * 127.5})
        assert levels == [0, 40]


def test_an_image_that_is_none_is_named(tmp_path):
    root = write(tmp_path, "cat/1.jpg", "cat/2.jpg", "dog/3.jpg")
    with open(os.path.join(root, "cat/2.jpg"), "wb") as file:
        file.write(IMAGES["jpg"][:50])
    source = open_images(root, 8, 3, 2)
    with pytest.raises(DataError) as caught, source.reading():
        list(source.split("train"))
    message = str(caught.value)
    assert message.startswith(f"Data set {root!r}: {root}/cat/2.jpg cannot be decoded (")
    assert message.endswith("). Remove it.")
    assert "{{" not in message


def test_names_that_are_no_text(tmp_path):
    """As in old archives; the system takes any bytes."""
    root = os.fsencode(tmp_path) + b"/caf\xe9"
    names = [b"c\xe4ts/\xff.png", b"c\xe4ts/b.png", b"dogs/\xe9.jpg"]
    for name in names:
        os.makedirs(os.path.dirname(root + b"/" + name), exist_ok=True)
        with open(root + b"/" + name, "wb") as file:
            file.write(IMAGES[name.decode("latin-1").rsplit(".", 1)[1]])
    folder = list_folder(os.fsdecode(root))
    assert [os.fsencode(name) for name in folder.class_names] == [b"c\xe4ts", b"dogs"]
    assert sorted(folder.splits["train"].paths) == sorted(root + b"/" + name for name in names)
    source = open_images(os.fsdecode(root), 16, 3, 2)
    labels = [int(example["labels"]) for example in source.split("train")]
    assert sorted(labels) == [0, 0, 1]
    with open(root + b"/" + names[0], "wb") as file:
        file.write(b"no image")
    with pytest.raises(DataError) as raised, source.reading():
        list(source.split("train"))
    assert f"{os.fsdecode(root)}/c\udce4ts/\udcff.png cannot be decoded" in str(raised.value)


# TensorFlow's storage in memory takes folder 10 for a part of folder 1: only local folders.
def test_folders_with_numbers_have_the_order_of_numbers(tmp_path):
    root = str(tmp_path)
    names = [str(label) for label in range(12)]
    write(root, *(f"{name}/{name}.jpg" for name in names))
    folder = list_folder(root)
    assert folder.class_names == tuple(names)
    for path, label in zip(folder.splits["train"].paths, folder.splits["train"].labels):
        assert path.decode() == f"{root}/{label}/{label}.jpg"
    source = open_images(f"{root}/", 8, 3, 12)
    assert source.class_names == tuple(names)
    assert "classes 0 to 11, " in source.description
    # A run of an earlier version, and one that goes on with its order.
    for stored in ((), tuple(sorted(names))):
        split = list_folder(root, stored).splits["train"]
        of_class_two = split.paths[list(split.labels).index(2)]
        assert of_class_two.decode() == f"{root}/10/10.jpg"


def test_every_split_has_the_order_of_the_classes(tmp_path):
    root = str(tmp_path)
    names = ["1", "2", "10"]
    write(root, *(f"{split}/{name}/1.jpg" for split in ("train", "val") for name in names))
    folder = list_folder(root)
    assert folder.class_names == tuple(names)
    for split in folder.splits.values():
        labels = {
            path.decode().split("/")[-2]: label for path, label in zip(split.paths, split.labels)
        }
        assert labels == {"1": 0, "2": 1, "10": 2}
