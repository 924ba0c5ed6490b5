"""What is wrong with a source is said in one line, before anything is converted."""

import bz2
import gzip
import tarfile

import pytest
from miniature_imagenet import class_archives, make_images, make_tar, write, write_tars, write_tree

from preprocessing.data_error import DataError
from preprocessing.ilsvrc import challenge
from preprocessing.ilsvrc.counts import check_split
from preprocessing.ilsvrc.notes import Notes
from preprocessing.ilsvrc.source import find_source

IMAGES = make_images(test_count=1)
TRAIN = "ILSVRC2012_img_train.tar"
VALIDATION = "ILSVRC2012_img_val.tar"
FIRST = IMAGES.train["n01440764"]
CLASSES = class_archives(IMAGES)


def error_of(path, allow_partial=True):
    with pytest.raises(DataError) as caught:
        find_source(str(path)).scan(allow_partial)
    message = str(caught.value)
    assert "\n" not in message
    return message


def end_of_first_member(archive):
    return 512 + -(-int(archive[124:135], 8) // 512) * 512


def sparse_tar(members):
    """A tar whose members are said to have holes, as GNU's and libarchive's tar store them."""
    keys = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "1048576"}
    return make_tar(members, format=tarfile.PAX_FORMAT, pax_headers=keys)


INNER = CLASSES["n01440764.tar"]
OUTER = make_tar(CLASSES)
TRAIN_ARCHIVES = {
    "cut in an inner archive": (OUTER[:20000], f"{TRAIN} is cut off: n01739381.tar ends after"),
    "cut between inner archives": (
        OUTER[: end_of_first_member(OUTER)],
        f"{TRAIN} is cut off: it ends without the zeros",
    ),
    "inner archive cut in an image": (
        make_tar({**CLASSES, "n01440764.tar": INNER[:700]}),
        f"{TRAIN}: n01440764.tar is cut off: n01440764_1.JPEG ends after",
    ),
    "inner archive cut between images": (
        make_tar({**CLASSES, "n01440764.tar": INNER[: end_of_first_member(INNER)]}),
        f"{TRAIN}: n01440764.tar is cut off: it ends without the zeros",
    ),
    "empty inner archive": (
        make_tar({**CLASSES, "n01440764.tar": b""}),
        f"{TRAIN}: n01440764.tar is empty (0 bytes)",
    ),
    "inner archive of nothing": (
        make_tar({**CLASSES, "n01440764.tar": make_tar({})}),
        f"{TRAIN}: n01440764.tar begins with zeros: no file in it",
    ),
    "inner archive of a folder": (
        make_tar({**CLASSES, "n01440764.tar": make_tar({"n01440764/": b""})}),
        f"{TRAIN}: n01440764.tar: no images in it",
    ),
    "sparse inner archive": (
        sparse_tar(CLASSES),
        f"{TRAIN}: n01440764.tar is a sparse file, stored without its holes. Pack the archive",
    ),
    "inner archive of sparse images": (
        make_tar({**CLASSES, "n01440764.tar": sparse_tar(FIRST)}),
        f"{TRAIN}: n01440764.tar: n01440764_1.JPEG is a sparse file, stored without its holes.",
    ),
    "compressed inner archive": (
        make_tar({**CLASSES, "n01440764.tar": bz2.compress(INNER)}),
        f"{TRAIN}: n01440764.tar is compressed (bzip2)",
    ),
    "unknown class": (
        make_tar({**CLASSES, "n99999999.tar": INNER}),
        f"{TRAIN}: n99999999.tar is of none of the challenge's 1,000 classes",
    ),
    "images of an unknown class": (
        make_tar({"n99999999/n99999999_1.JPEG": b"x"}),
        f"{TRAIN}: n99999999_1.JPEG is of none of the challenge's 1,000 classes",
    ),
    "class twice": (
        OUTER[: end_of_first_member(OUTER)] + OUTER,
        f"{TRAIN}: n01440764.tar is in it twice",
    ),
    "readme beside": (
        make_tar({**CLASSES, "README.txt": b"x"}),
        f"{TRAIN}: README.txt do not belong there. Expected names like n01440764_10026.JPEG",
    ),
    "other ending": (
        make_tar({"n01440764.tar": make_tar({"n01440764_1.jpg": b"x"})}),
        "n01440764_1.jpg do not belong there. Expected names like n01440764_10026.JPEG (official "
        "names end in .JPEG)",
    ),
    "other files": (
        make_tar({"n01440764.tar": make_tar({f"cat{i}.png": b"x" for i in range(7)})}),
        "n01440764.tar: cat0.png, cat1.png, cat2.png, cat3.png, cat4.png and 2 more do not belong",
    ),
    "image twice": (
        make_tar({"n01440764.tar": INNER[: end_of_first_member(INNER)] + INNER}),
        f"{TRAIN}: n01440764_1.JPEG is there twice, the second time in ",
    ),
    "images twice": (
        make_tar({**CLASSES, **{f"n01440764/{name}": b"x" for name in FIRST}}),
        "is there twice (4 names are), the second time in ",
    ),
    "image of another class": (
        make_tar({"n01440764.tar": make_tar(IMAGES.train["n01739381"])}),
        "n01440764.tar: n01739381_11.JPEG lies in n01440764, but is of class n01739381. Move it",
    ),
    "empty image": (
        make_tar({"n01440764.tar": make_tar({"n01440764_1.JPEG": b""})}),
        "n01440764.tar: n01440764_1.JPEG is empty (0 bytes)",
    ),
    "web page": (b"<html>", f"{TRAIN} is a web page"),
    "empty": (b"", f"{TRAIN} is empty (0 bytes)"),
    "validation images": (make_tar(IMAGES.validation), "ILSVRC2012_val_00000001.JPEG, ILSVRC2012"),
}


@pytest.mark.parametrize("case", TRAIN_ARCHIVES)
def test_train_archive(tmp_path, case):
    content, message = TRAIN_ARCHIVES[case]
    (tmp_path / TRAIN).write_bytes(content)
    assert f"{tmp_path}/{TRAIN}" in error_of(tmp_path)
    assert message in error_of(tmp_path)


@pytest.mark.parametrize(
    "members, message",
    [
        ({"ILSVRC2012_readme.txt": b"x"}, "ILSVRC2012_readme.txt do not belong there"),
        ({"ILSVRC2012_val_1.JPEG": b"x"}, "ILSVRC2012_val_1.JPEG do not belong there"),
        (
            {"ILSVRC2012_val_00000000.JPEG": b"x"},
            "00000000.JPEG has no official number",
        ),
        ({"ILSVRC2012_val_00050001.JPEG": b"x"}, "no official number. Expected 1 to 50,000"),
        ({"ILSVRC2012_test_00000001.JPEG": b"x"}, "test_00000001.JPEG do not belong there"),
        (
            {"val/n01440764/ILSVRC2012_val_00000001.JPEG": b"x"},
            "ILSVRC2012_val_00000001.JPEG lies in n01440764, but is of class n01751748",
        ),
        (
            {"a/ILSVRC2012_val_00000001.JPEG": b"x", "b/ILSVRC2012_val_00000001.JPEG": b"y"},
            "ILSVRC2012_val_00000001.JPEG is there twice",
        ),
    ],
)
def test_validation_archive(tmp_path, members, message):
    (tmp_path / VALIDATION).write_bytes(make_tar(members))
    assert message in error_of(tmp_path)


def test_test_archive(tmp_path):
    write_tars(tmp_path, IMAGES)
    content = make_tar({"test/ILSVRC2012_test_00100001.JPEG": b"x"})
    (tmp_path / "ILSVRC2012_img_test.tar").write_bytes(content)
    assert "00100001.JPEG has no official number. Expected 1 to 100,000." in error_of(tmp_path)


FOLDERS = {
    "unknown class": ({"train/n99999999/n99999999_1.JPEG": b"x"}, "/train/n99999999 is of none"),
    "stray beside classes": ({"train/notes.txt": b"x"}, "/train: notes.txt do not belong there"),
    "stray in a class": ({"train/n01440764/a.txt": b"x"}, "/train/n01440764: a.txt do not belong"),
    "folder in a class": ({"train/n01440764/old/a": b"x"}, "/train/n01440764: old do not belong"),
    "control letters": ({"train/n01440764/a\nb": b"x"}, "/train/n01440764: a?b do not belong"),
    "other class": (
        {"train/n01440764/n01739381_5.JPEG": b"x"},
        "/train/n01440764: n01739381_5.JPEG lies in n01440764, but is of class n01739381",
    ),
    "empty image": (
        {"train/n01440764/n01440764_5.JPEG": b""},
        "/train/n01440764: n01440764_5.JPEG is empty (0 bytes)",
    ),
    "half extracted": (
        {"train/n01443537.tar": b"x"},
        "/train: 3 classes as folders, 1 as archives, as n01443537.tar. Finish extracting them.",
    ),
    "validation in no order": ({"val/cat.JPEG": b"x"}, "/val: cat.JPEG do not belong there"),
    "validation image in no class": (
        {"val/n01440764/ILSVRC2012_val_00000001.JPEG": b"x"},
        "do not belong there. Expected class folders like n01440764",
    ),
    "numbers too high": ({"val/ILSVRC2012_val_00050001.JPEG": b"x"}, "no official number"),
}


@pytest.mark.parametrize("case", FOLDERS)
def test_folders(tmp_path, case):
    files, message = FOLDERS[case]
    write_tree(tmp_path, IMAGES)
    write(tmp_path, files)
    assert str(tmp_path) + "/" in error_of(tmp_path)
    assert message in error_of(tmp_path)


def test_empty_class_folder(tmp_path):
    write_tree(tmp_path, IMAGES)
    (tmp_path / "train" / "n01443537").mkdir()
    assert f"{tmp_path}/train/n01443537: no images in it. Expected" in error_of(tmp_path)


def test_validation_image_sorted_into_a_wrong_class(tmp_path):
    write(tmp_path, {"val/n01440764/ILSVRC2012_val_00000001.JPEG": b"x"})
    assert "lies in n01440764, but is of class n01751748. Move it there." in error_of(tmp_path)


def test_class_folder_that_is_a_file(tmp_path):
    write(tmp_path, {"train/n01440764": b"x"})
    assert f"{tmp_path}/train/n01440764 cannot be read: Not a directory." in error_of(tmp_path)


def test_class_archive_that_is_a_folder(tmp_path):
    write(tmp_path, {"train/n01440764.tar/x": b"x"})
    assert "cannot be read: Is a directory." in error_of(tmp_path)


def test_an_image_that_is_no_file(tmp_path):
    write_tree(tmp_path, IMAGES)
    path = tmp_path / "train/n01440764/n01440764_3.JPEG"
    path.symlink_to("elsewhere.JPEG")
    end = "Expected an image; put it there, or remove that."
    message = f"{path} is a link to elsewhere.JPEG, where there is nothing. {end}"
    assert error_of(tmp_path) == message
    path.unlink()
    path.mkdir()
    assert error_of(tmp_path) == f"{path} is a folder. {end}"


@pytest.mark.parametrize("write_source", [write_tars, write_tree])
def test_missing_classes(tmp_path, write_source):
    write_source(tmp_path, IMAGES)
    message = error_of(tmp_path, allow_partial=False)
    assert message == (
        "train: 997 of 1,000 classes missing: n01443537, n01484850, n01491361, n01494475, "
        "n01496331, .... Expected all 1,281,167 images of the challenge; fetch or extract them "
        "again, or give --allow_partial to use what there is."
    )


def train_images(counts):
    """A train archive of the whole 1,000 classes with one byte for each image."""
    return make_tar(
        {
            f"{wordnet_id}/{wordnet_id}_{i}.JPEG": b"x"
            for wordnet_id, count in zip(challenge.wordnet_ids(), counts)
            for i in range(count)
        }
    )


@pytest.mark.parametrize(
    "first_counts, message",
    [
        ((1, 2), "train: 1 classes without 2 to 3 images: n01440764 (1)."),
        ((4, 1), "train: 2 classes without 2 to 3 images: n01440764 (4), n01443537 (1)."),
        ((2, 3), "train: 2,001 images. Expected all 2,000 images"),
        ((2, 2), None),
    ],
)
def test_counts(tmp_path, monkeypatch, first_counts, message):
    monkeypatch.setattr(challenge, "FEWEST_PER_CLASS", 2)
    monkeypatch.setattr(challenge, "MOST_PER_CLASS", 3)
    monkeypatch.setitem(challenge.COUNTS, "train", 2000)
    assert len(challenge.validation_labels()) == 50000  # Read, and kept, before there are fewer.
    monkeypatch.setitem(challenge.COUNTS, "validation", len(IMAGES.validation))
    (tmp_path / TRAIN).write_bytes(train_images([*first_counts, *[2] * 998]))
    (tmp_path / VALIDATION).write_bytes(make_tar(IMAGES.validation))
    source = find_source(str(tmp_path))
    if message is None:
        assert len(source.scan()["train"]) == 2000
        assert source.notes == ["There is no test split."]
    else:
        assert message in error_of(tmp_path, allow_partial=False)


@pytest.mark.parametrize(
    "split, there, archive, folder",
    [("train", VALIDATION, TRAIN, "train"), ("validation", TRAIN, VALIDATION, "val")],
)
def test_missing_split(tmp_path, split, there, archive, folder):
    write_tars(tmp_path / "all", IMAGES)
    source = tmp_path / "one"
    write(source, {there: (tmp_path / "all" / there).read_bytes()})
    assert error_of(source, allow_partial=False) == (
        f"{source}: no {split} split; neither {archive} nor a folder {folder} is there. Put it "
        "there, or give --source as a folder with both splits, or --allow_partial to go without."
    )
    find_source(str(source)).scan(allow_partial=True)


TRAIN_EXPECTED = (
    "Expected a folder of the train split with class folders like n01440764 or archives like "
    "n01440764.tar in it, of images like n01440764_10026.JPEG, or such images themselves. Put it "
    "right, or move it away to go without."
)
VALIDATION_IMAGE = {"val/ILSVRC2012_val_00000001.JPEG": b"x"}
TRAIN_IMAGE = {"train/n01440764/n01440764_1.JPEG": b"x"}
UNEXPECTED = {
    "words for names": (
        {**VALIDATION_IMAGE, "train/tench/n01440764_1.JPEG": b"x"},
        "ROOT/train holds tench/ (with n01440764_1.JPEG in it tench should be named n01440764). "
        + TRAIN_EXPECTED,
    ),
    "one level below": (
        {"in/val/ILSVRC2012_val_00000001.JPEG": b"x", "in/train/tench/1.JPEG": b"x"},
        f"ROOT/in/train holds tench/. {TRAIN_EXPECTED}",
    ),
    "Kaggle's tree": (
        {
            "ILSVRC/Data/CLS-LOC/val/cat/1.JPEG": b"x",
            "ILSVRC/Data/CLS-LOC/train/tench/1.JPEG": b"x",
        },
        f"ROOT/ILSVRC/Data/CLS-LOC/train holds tench/. {TRAIN_EXPECTED}",
    ),
    "many": (
        {**VALIDATION_IMAGE, **{f"train/{i}/a": b"x" for i in range(1000)}},
        f"ROOT/train holds 0/, 1/, 10/ and 997 more. {TRAIN_EXPECTED}",
    ),
    "nested": ({**VALIDATION_IMAGE, "train/train/n01440764/a": b"x"}, "ROOT/train holds train/. "),
    "a file": ({**VALIDATION_IMAGE, "train": b"x"}, f"ROOT/train is a file. {TRAIN_EXPECTED}"),
    "other images": ({**VALIDATION_IMAGE, "train/cat.JPEG": b"x"}, "ROOT/train holds cat.JPEG. "),
    "capitals": (
        {**VALIDATION_IMAGE, "Train/n01440764/n01440764_1.JPEG": b"x"},
        "ROOT/Train holds n01440764/. Expected a folder named train of the train split with class",
    ),
    "training": (
        {**VALIDATION_IMAGE, "training/n01440764/n01440764_1.JPEG": b"x"},
        "ROOT/training holds n01440764/. Expected a folder named train of the train split with",
    ),
    "beside an archive": (
        {VALIDATION: make_tar(IMAGES.validation), "train/tench/1.JPEG": b"x"},
        "ROOT/train holds tench/. Expected",
    ),
    "validation": (
        {**TRAIN_IMAGE, "val/tench/ILSVRC2012_val_00000001.JPEG": b"x"},
        "ROOT/val holds tench/ (with ILSVRC2012_val_00000001.JPEG in it tench should be named "
        "n01751748). Expected a folder of the validation split with images like "
        "ILSVRC2012_val_00000001.JPEG in it, flat or in class folders like n01440764. Put it ",
    ),
    "validation of another name": (
        {**TRAIN_IMAGE, "valid/ILSVRC2012_val_00000001.JPEG": b"x"},
        "ROOT/valid holds ILSVRC2012_val_00000001.JPEG. Expected a folder named val of the valid",
    ),
    "test": (
        {**TRAIN_IMAGE, **VALIDATION_IMAGE, "test/1.JPEG": b"x"},
        "ROOT/test holds 1.JPEG. Expected a folder of the test split with images like ILSVRC2012_t",
    ),
    "Hugging Face's tables": (
        {"train/0000.parquet": b"x", "val/0000.parquet": b"x"},
        "ROOT/train holds 0000.parquet (images in tables, as Hugging Face has them, are not read).",
    ),
    "Hugging Face's archives": (
        {"train/0.tar.gz": b"x", "train/1.tar.gz": b"x", "val/0.tar.gz": b"x"},
        "ROOT/train holds 0.tar.gz, 1.tar.gz (compressed archives are not read).",
    ),
    "Hugging Face's download": (
        {"data/train-00000-of-00294.parquet": b"x"},
        "there is data/train-00000-of-00294.parquet (images in tables, as Hugging Face has them",
    ),
}


@pytest.mark.parametrize("case", UNEXPECTED)
@pytest.mark.parametrize("allow_partial", [False, True])
def test_a_split_that_is_there_is_never_left_out(tmp_path, case, allow_partial):
    files, message = UNEXPECTED[case]
    write(tmp_path, files)
    message = message.replace("ROOT", str(tmp_path))
    found = error_of(tmp_path, allow_partial)
    assert message in found if case.endswith("download") else found.startswith(message), found


def test_empty_folders_of_splits(tmp_path):
    """There need not be a test split, which nobody has labels of."""
    write_tree(tmp_path, IMAGES)
    (tmp_path / "test" / "ILSVRC2012_test_00000001.JPEG").unlink()
    assert set(find_source(str(tmp_path)).scan(True)) == {"train", "validation"}
    (tmp_path / "train").rename(tmp_path / "other")
    (tmp_path / "train").mkdir()
    assert error_of(tmp_path) == f"{tmp_path}/train is empty. {TRAIN_EXPECTED}"


@pytest.mark.parametrize(
    "path, whole",
    [
        ("train", "train is a link to elsewhere, where there is nothing. Expected a folder of the"),
        ("train/n01440764", "train/n01440764 is a link to elsewhere, where there is nothing. Put"),
        (TRAIN, f"{TRAIN} is a link to elsewhere, where there is nothing. Put it right."),
        ("train/n01440764.tar", "train/n01440764.tar is a link to elsewhere, where there is noth"),
    ],
)
def test_broken_links(tmp_path, path, whole):
    write(tmp_path, VALIDATION_IMAGE)
    (tmp_path / path).parent.mkdir(exist_ok=True)
    (tmp_path / path).symlink_to("elsewhere")
    assert error_of(tmp_path).startswith(f"{tmp_path}/{whole}")
    if path == TRAIN:
        with pytest.raises(DataError, match="is a link to elsewhere, where there is nothing"):
            find_source(str(tmp_path)).describe()


def test_missing_validation_images(tmp_path):
    (tmp_path / VALIDATION).write_bytes(make_tar(IMAGES.validation))
    listing = find_source(str(tmp_path)).scan(allow_partial=True)["validation"]
    message = "validation: 49,994 images missing, numbers 7, 8, 9, 10, 11, .... Expected all 50,000"
    with pytest.raises(DataError, match=message):
        check_split("validation", listing, False, Notes())


def test_no_such_path(tmp_path):
    assert error_of(tmp_path / "none") == (
        f"{tmp_path}/none: no such file or folder. Give --source as an existing one."
    )


def test_nothing_found_names_what_is_similar(tmp_path):
    write(tmp_path, {"imagenet_train.tar": b"x", "notes.txt": b"x", "deep/ILSVRC2012_img_va": b"x"})
    assert error_of(tmp_path) == (
        f"{tmp_path}: no images of ILSVRC 2012. Looked there and one level below for "
        "ILSVRC2012_img_train.tar, ILSVRC2012_img_val.tar, folders train and val or validation, "
        "and class folders or archives like n01440764 and n01440764.tar; there is "
        "imagenet_train.tar, deep/ILSVRC2012_img_va."
    )


def test_nothing_at_all(tmp_path):
    assert error_of(tmp_path).endswith("there is nothing with a similar name.")


def test_file_of_another_name(tmp_path):
    (tmp_path / "train.tar").write_bytes(OUTER)
    assert "is none of the challenge's archives by its name" in error_of(tmp_path / "train.tar")


def test_several_sources(tmp_path):
    write_tree(tmp_path / "a", IMAGES)
    write_tree(tmp_path / "b", IMAGES)
    assert error_of(tmp_path) == (
        f"train: found {tmp_path}/a/train and {tmp_path}/b/train. Give --source as the one you "
        "mean."
    )


@pytest.mark.parametrize(
    "ending, command", [("tar.gz", "gzip"), ("tar.bz2", "bzip2"), ("txz", "xz")]
)
@pytest.mark.parametrize("by_name", [False, True])
def test_compressed_by_name(tmp_path, ending, command, by_name):
    """Beside a good archive of the train split, too: the other must not stay away unseen."""
    (tmp_path / TRAIN).write_bytes(OUTER)
    path = tmp_path / f"ILSVRC2012_img_val.{ending}"
    path.write_bytes(b"x")
    assert error_of(path if by_name else tmp_path) == (
        f"{path} is compressed. Unpack it first: "
        f"`{command} -dc ILSVRC2012_img_val.{ending} > {VALIDATION}`."
    )


def test_compressed_under_the_official_name(tmp_path):
    """As the authors' script packs the validation images."""
    (tmp_path / VALIDATION).write_bytes(gzip.compress(make_tar(IMAGES.validation)))
    assert f"{VALIDATION} is compressed (gzip). Unpack it first: `gzip -dc" in error_of(tmp_path)


def test_bad_image_in_remote_storage():
    folder = "ram://ilsvrc_bad_input"
    write_tree(folder, IMAGES)
    write(folder, {"train/n01440764/n01440764_7.JPEG": b""})
    assert error_of(folder).startswith(f"{folder}/train/n01440764: n01440764_7.JPEG is empty")


def test_error_in_one_of_many_threads():
    folder = "ram://ilsvrc_bad_threads"
    write(folder, {TRAIN: make_tar({**CLASSES, "n01739381.tar": INNER[:700]})})
    assert f"{folder}/{TRAIN}: n01739381.tar is cut off" in error_of(folder)
