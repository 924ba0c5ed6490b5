"""Reading listed images: order, repairs, and a source that has changed."""

import os
import pickle

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from miniature_imagenet import CMYK_NAME, PNG_NAME, make_images, write, write_tars, write_tree
from tensorflow_datasets.datasets.imagenet2012 import imagenet2012_dataset_builder

from preprocessing.data_error import DataError
from preprocessing.ilsvrc import repair
from preprocessing.ilsvrc.source import find_source

IMAGES = make_images()
CONTENTS = {name: content for train in IMAGES.train.values() for name, content in train.items()}


@pytest.fixture(params=[write_tars, write_tree], ids=["archives", "tree"])
def source(request, tmp_path):
    request.param(tmp_path, IMAGES)
    return find_source(str(tmp_path))


def test_dtypes(source):
    listing = source.scan(True)["train"]
    assert listing.names.dtype.kind == "S"
    assert listing.labels.dtype == listing.container.dtype == np.int32
    assert listing.offsets.dtype == listing.sizes.dtype == np.int64
    assert [len(CONTENTS[name.decode()]) for name in listing.names] == list(listing.sizes)


def test_selection_is_read_in_its_order(source):
    listing = source.scan(True)["train"]
    indices = np.random.RandomState(0).permutation(len(listing))[:7]
    images = list(listing.select(indices).read())
    assert [image.name.encode() for image in images] == list(listing.names[indices])
    assert [image.label for image in images] == list(listing.labels[indices])
    plain = [image for image in images if image.name not in (CMYK_NAME, PNG_NAME)]
    assert all(image.encoded == CONTENTS[image.name] for image in plain)


def test_selection_keeps_only_its_containers(tmp_path):
    write_tree(tmp_path, IMAGES)
    listing = find_source(str(tmp_path)).scan(True)["train"]
    chosen = listing.select(np.flatnonzero(listing.labels == 0)[::-1])
    assert chosen.containers == (f"{tmp_path}/train/n01440764",)
    assert set(chosen.container) == {0}
    restored = pickle.loads(pickle.dumps(chosen))
    assert list(restored.read()) == list(chosen.read())
    assert list(listing.select(np.array([], int)).read()) == []


def test_files_are_closed(source):
    listing = source.scan(True)["train"]
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else None
    if before is None:
        pytest.skip("needs /proc to count open files")
    list(listing.read())
    next(listing.read())
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("name", [CMYK_NAME, PNG_NAME])
def test_repairs_are_those_of_tfds(name):
    convert = {CMYK_NAME: tfds.core.utils.jpeg_cmyk_to_rgb, PNG_NAME: tfds.core.utils.png_to_jpeg}
    repaired = repair.repaired(name, CONTENTS[name])
    assert repaired == convert[name](CONTENTS[name]) != CONTENTS[name]
    assert repaired.startswith(b"\xff\xd8")
    assert tf.io.decode_jpeg(repaired).shape == (16, 20, 3)
    other = "n01440764_1.JPEG"
    assert repair.repaired(other, CONTENTS[name]) is CONTENTS[name]


def test_names_of_repairs_are_those_of_tfds():
    assert set(imagenet2012_dataset_builder.CMYK_IMAGES) == repair.CMYK_IMAGES
    assert set(imagenet2012_dataset_builder.PNG_IMAGES) == repair.PNG_IMAGES


@pytest.mark.parametrize("name", [CMYK_NAME, PNG_NAME])
def test_repair_of_something_undecodable(name):
    with pytest.raises(DataError, match=f"{name}: cannot be decoded, which it must be") as error:
        repair.repaired(name, b"no image")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("folder", ["local", "ram://ilsvrc_changed_archive"])
def test_archive_that_has_shrunk(tmp_path, folder):
    folder = str(tmp_path) if folder == "local" else folder
    write_tars(folder, IMAGES)
    listing = find_source(folder).scan(True)["validation"]
    path = f"{folder}/ILSVRC2012_img_val.tar"
    write(folder, {"ILSVRC2012_img_val.tar": tf.io.gfile.GFile(path, "rb").read()[:700]})
    with pytest.raises(
        DataError,
        match=r"ILSVRC2012_img_val.tar: ILSVRC2012_val_00000001.JPEG had \d+ bytes when it was "
        "found, now 188. Leave the source as it is",
    ):
        list(listing.read())


@pytest.mark.parametrize("content", [b"shorter", b"longer" * 1000])
def test_image_that_has_changed(tmp_path, content):
    write_tree(tmp_path, IMAGES)
    listing = find_source(str(tmp_path)).scan(True)["train"]
    write(tmp_path, {"train/n01440764/n01440764_1.JPEG": content})
    with pytest.raises(DataError, match=rf"n01440764_1.JPEG had \d+ .* now {len(content):,}\."):
        list(listing.read())


@pytest.mark.parametrize("folder", ["local", "ram://ilsvrc_gone"])
@pytest.mark.parametrize(
    "gone, split",
    [("train/n01440764/n01440764_1.JPEG", "train"), ("ILSVRC2012_img_val.tar", "validation")],
)
def test_source_that_is_gone(tmp_path, folder, gone, split):
    folder = str(tmp_path) if folder == "local" else f"{folder}_{split}"
    (write_tree if split == "train" else write_tars)(folder, IMAGES)
    listing = find_source(folder).scan(True)[split]
    tf.io.gfile.remove(f"{folder}/{gone}")
    with pytest.raises(DataError, match=f"{folder}/{gone} is gone since it was found. Put it back"):
        list(listing.read())


def test_source_that_is_gone_before_it_is_scanned(tmp_path):
    write_tars(tmp_path, IMAGES)
    source = find_source(str(tmp_path))
    (tmp_path / "ILSVRC2012_img_train.tar").unlink()
    with pytest.raises(DataError, match="ILSVRC2012_img_train.tar is gone since it was found"):
        source.scan(True)
