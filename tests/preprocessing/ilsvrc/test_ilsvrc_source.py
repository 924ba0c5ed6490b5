"""Finding the challenge's images as archives and folders, and their labels."""

import os
import tarfile

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from miniature_imagenet import (
    CMYK_NAME,
    PNG_NAME,
    class_archives,
    make_images,
    make_tar,
    write,
    write_tars,
    write_tree,
)

from preprocessing.data_error import DataError
from preprocessing.ilsvrc import challenge
from preprocessing.ilsvrc.source import find_source

IMAGES = make_images(test_count=3)
FIRST_VALIDATION_LABELS = [65, 970, 230, 809, 516, 57]


@pytest.fixture(params=["local", "ram"])
def folder(request, tmp_path):
    """An empty folder, on disk and in TensorFlow's memory."""
    return str(tmp_path) if request.param == "local" else f"ram://{tmp_path.name}/{id(tmp_path)}"


def scan(path):
    """Split name to {image name: (label, bytes)}, read back; and the notes."""
    source = find_source(str(path))
    listings = source.scan(allow_partial=True)
    read = {
        split: {image.name: (image.label, image.encoded) for image in listing.read()}
        for split, listing in listings.items()
    }
    assert all(len(read[split]) == len(listing) for split, listing in listings.items())
    return read, source.notes


def expected(splits=("train", "validation", "test")):
    train = {}
    for wordnet_id, images in IMAGES.train.items():
        label = challenge.class_indices()[wordnet_id]
        train.update({name: (label, content) for name, content in images.items()})
    train[CMYK_NAME] = (train[CMYK_NAME][0], tfds.core.utils.jpeg_cmyk_to_rgb(train[CMYK_NAME][1]))
    train[PNG_NAME] = (train[PNG_NAME][0], tfds.core.utils.png_to_jpeg(train[PNG_NAME][1]))
    validation = {
        name: (label, content)
        for (name, content), label in zip(IMAGES.validation.items(), FIRST_VALIDATION_LABELS)
    }
    test = {name: (-1, content) for name, content in IMAGES.test.items()}
    whole = {"train": train, "validation": validation, "test": test}
    return {split: whole[split] for split in splits}


def class_archives_beside_validation(path):
    write(f"{path}/train", class_archives(IMAGES))
    write(path, {"ILSVRC2012_img_val.tar": make_tar(IMAGES.validation)})
    write(f"{path}/test", IMAGES.test)


def everything_unpacked_in_place(path):
    write(path, class_archives(IMAGES))
    write(path, {"ILSVRC2012_img_val.tar": make_tar(IMAGES.validation)})
    write(f"{path}/test", IMAGES.test)


def archives_in_folders_of_splits(path):
    write_tars(f"{path}/all", IMAGES)
    for split in ("train", "val", "test"):
        name = f"ILSVRC2012_img_{split}.tar"
        tf.io.gfile.makedirs(f"{path}/{split}")
        tf.io.gfile.rename(f"{path}/all/{name}", f"{path}/{split}/{name}")


def images_in_the_train_archive(path):
    write_tars(path, IMAGES)
    members = {
        f"{wordnet_id}/{name}": content
        for wordnet_id, images in IMAGES.train.items()
        for name, content in images.items()
    }
    write(path, {"ILSVRC2012_img_train.tar": make_tar(members)})


def flat_train(path):
    for images in IMAGES.train.values():
        write(f"{path}/train", images)
    write(f"{path}/validation", IMAGES.validation)
    write(f"{path}/test", IMAGES.test)


LAYOUTS = {
    "archives": lambda path: write_tars(path, IMAGES),
    "archives one level below": lambda path: write_tars(f"{path}/ILSVRC2012", IMAGES),
    "archives in folders of splits": archives_in_folders_of_splits,
    "class archives": class_archives_beside_validation,
    "class archives unpacked in place": everything_unpacked_in_place,
    "images in the train archive": images_in_the_train_archive,
    "tree": lambda path: write_tree(path, IMAGES),
    "tree one level below": lambda path: write_tree(f"{path}/imagenet", IMAGES),
    "sorted validation": lambda path: write_tree(path, IMAGES, True, "validation"),
    "Kaggle": lambda path: write_tree(f"{path}/ILSVRC/Data/CLS-LOC", IMAGES),
    "flat train": flat_train,
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(folder, layout):
    LAYOUTS[layout](folder)
    read, notes = scan(folder)
    assert read == expected()
    assert [note.split(":")[0] for note in notes] == ["train", "validation", "test"]


@pytest.mark.parametrize(
    "layout", ["archives", "class archives", "tree", "sorted validation", "Kaggle"]
)
def test_a_folder_whose_name_is_no_text(tmp_path, layout):
    LAYOUTS[layout](f"{tmp_path}/source")
    path = os.fsencode(tmp_path) + b"/caf\xe9"
    os.rename(tmp_path / "source", path)
    assert scan(os.fsdecode(path))[0] == expected()


def test_members_whose_names_are_no_text(tmp_path):
    """As old programs packed them; the last part of the name counts."""
    name = "ILSVRC2012_val_00000004.JPEG"
    for options in ({"format": tarfile.USTAR_FORMAT}, {"format": tarfile.PAX_FORMAT}):
        content = {f"caf\udce9/{name}": b"image", "caf\udce9/": b""}
        archive = make_tar(content, errors="surrogateescape", **options)
        assert b"caf\xe9/" in archive
        write(tmp_path, {"ILSVRC2012_img_val.tar": archive})
        read, notes = scan(tmp_path)
        assert read["validation"] == {name: (809, b"image")}
        assert any("caf\\xe9" in note for note in notes)
        content = {"caf\udce9.JPEG": b"image"}
        archive = make_tar(content, errors="surrogateescape", **options)
        write(tmp_path, {"ILSVRC2012_img_val.tar": archive})
        with pytest.raises(DataError, match=r"caf\\xe9.JPEG do not belong there"):
            scan(tmp_path)


@pytest.mark.parametrize(
    "inner, split",
    [
        ("ILSVRC2012_img_train.tar", "train"),
        ("ILSVRC2012_img_val.tar", "validation"),
        ("ILSVRC2012_img_test.tar", "test"),
        ("tree/train", "train"),
        ("tree/val", "validation"),
        ("sorted/val", "validation"),
        ("tree/test", "test"),
        ("archives", "train"),
    ],
)
def test_one_split_by_its_own_path(folder, inner, split):
    write_tars(folder, IMAGES)
    write_tree(f"{folder}/tree", IMAGES)
    write_tree(f"{folder}/sorted", IMAGES, sorted_validation=True)
    write(f"{folder}/archives", class_archives(IMAGES))
    read, notes = scan(f"{folder}/{inner}")
    assert read == expected([split])
    assert sum(note.startswith("There is no ") for note in notes) == 2


def test_one_class_archive(folder):
    write(folder, class_archives(IMAGES))
    read, _ = scan(f"{folder}/n01440764.tar")
    assert set(read["train"]) == set(IMAGES.train["n01440764"])


def test_class_archive_in_the_working_folder(tmp_path, monkeypatch):
    write(tmp_path, class_archives(IMAGES))
    monkeypatch.chdir(tmp_path)
    read, _ = scan("n01440764.tar")
    assert set(read["train"]) == set(IMAGES.train["n01440764"])


def test_test_archive_by_its_later_name(tmp_path):
    write_tars(tmp_path, IMAGES)
    (tmp_path / "ILSVRC2012_img_test.tar").rename(tmp_path / "ILSVRC2012_img_test_v10102019.tar")
    assert scan(tmp_path)[0] == expected()


def test_archives_come_before_folders_and_description_says_so(tmp_path):
    write_tars(tmp_path, IMAGES)
    write_tree(tmp_path, IMAGES, sorted_validation=True)
    (tmp_path / "ILSVRC2012_img_val.tar").unlink()
    (tmp_path / "ILSVRC2012_img_test.tar").unlink()
    (tmp_path / "ILSVRC2012_img_train_t3.tar").write_bytes(b"")
    size = (tmp_path / "ILSVRC2012_img_train.tar").stat().st_size
    for file in (tmp_path / "test").iterdir():
        file.unlink()
    assert find_source(str(tmp_path)).describe().splitlines() == [
        f"Images of ILSVRC 2012 in {tmp_path}:",
        f"  train:      {tmp_path}/ILSVRC2012_img_train.tar, archive of {size:,} bytes",
        f"  validation: {tmp_path}/val, folder of 6 class folders",
        "  test:       none found",
        f"  not used:   {tmp_path}/train: train is taken from an archive",
    ]


def test_validation_labels_go_by_number_not_by_place(tmp_path):
    """tfds takes the labels in order of the names, whatever their numbers."""
    chosen = {name: content for name, content in IMAGES.validation.items() if "2.JPEG" not in name}
    write(tmp_path, {"ILSVRC2012_img_val.tar": make_tar(dict(reversed(chosen.items())))})
    read, notes = scan(tmp_path)
    labels = {name: label for name, (label, _) in read["validation"].items()}
    assert [labels[name] for name in chosen] == [65, 230, 809, 516, 57]
    assert notes[0] == (
        "validation: 5 of 50,000 images; 49,995 images missing, numbers 2, 7, 8, 9, 10, ...."
    )


def test_validation_labels_are_of_50_per_class():
    assert (np.bincount(challenge.validation_labels()) == 50).all()
    assert len(challenge.validation_labels()) == 50000


def test_classes_are_in_the_order_of_tfds():
    file = tfds.core.tfds_path("datasets/imagenet2012/labels.txt")
    assert list(challenge.wordnet_ids()) == file.read_text().split()


@pytest.mark.parametrize(
    "members, notes",
    [
        (lambda name: {f"./{name}": 1, "./": 0}, ["folders passed over", "leading folders"]),
        (lambda name: {f"val/{name}": 1, "val/": 0}, ["folders passed over", "leading folders"]),
        (lambda name: {f"/data/val/{name}": 1}, ["absolute names"]),
        (lambda name: {name: 1, f"._{name}": 1, "val/.DS_Store": 1}, ["operating", "leading"]),
    ],
)
def test_what_packing_left_is_noted(tmp_path, members, notes):
    name = "ILSVRC2012_val_00000004.JPEG"
    content = {path: b"image" * size for path, size in members(name).items()}
    write(tmp_path, {"ILSVRC2012_img_val.tar": make_tar(content)})
    read, said = scan(tmp_path)
    assert read["validation"] == {name: (809, b"image")}
    for note in notes:
        assert any(note in line and str(tmp_path) in line for line in said), said


@pytest.mark.parametrize("prefix", ["./", "train/", "/data/"])
def test_class_archives_with_folders(tmp_path, prefix):
    """Of absolute names tfds leaves the images out without a word."""
    inner = {
        f"{prefix}{wordnet_id}.tar": make_tar({f"/n/{name}": c for name, c in images.items()})
        for wordnet_id, images in IMAGES.train.items()
    }
    write(tmp_path, {"ILSVRC2012_img_train.tar": make_tar(inner)})
    read, notes = scan(tmp_path)
    assert read == expected(["train"])
    assert f"{tmp_path}/ILSVRC2012_img_train.tar: " in notes[0]


def test_files_of_the_system_in_folders_are_ignored(tmp_path):
    write_tree(tmp_path, IMAGES)
    write(tmp_path, {"train/.DS_Store": b"x", "val/Thumbs.db": b"x"})
    write(tmp_path, {f"train/n01440764/._{i}.JPEG": b"x" for i in range(2)})
    read, notes = scan(tmp_path)
    assert read == expected()
    assert notes[0].startswith(f"{tmp_path}/train: 3 files of operating systems ignored, as ")
    assert f"{tmp_path}/val: 1 files of operating systems ignored, as Thumbs.db." in notes


def test_half_removed_class_archives(tmp_path):
    write_tree(tmp_path, IMAGES)
    write(f"{tmp_path}/train", {"n01440764.tar": b"anything"})
    read, notes = scan(tmp_path)
    assert read == expected()
    assert "1 class archives passed over" in notes[0]


def test_class_folders_beside_all_archives(tmp_path):
    write(f"{tmp_path}/train", class_archives(IMAGES))
    write(f"{tmp_path}/train", {"n01440764/n01440764_1.JPEG": b"partly extracted"})
    read, notes = scan(tmp_path)
    assert read == expected(["train"])
    assert "1 class folders passed over" in notes[0]


def test_other_data_beside_the_challenges_folder_is_none_of_it(tmp_path):
    write_tree(tmp_path / "imagenet", IMAGES)
    for path in (tmp_path / "imagenet" / "test").iterdir():
        path.unlink()
    write(tmp_path, {"coco/test/000000000001.jpg": b"x", "coco/train/cat/1.jpg": b"x"})
    assert scan(tmp_path)[0] == expected(["train", "validation"])


def test_progress_counts_images(tmp_path):
    write_tars(tmp_path, IMAGES)
    seen = []
    find_source(str(tmp_path)).scan(True, seen.append)
    assert seen == [4, 8, 12, 18, 21]
