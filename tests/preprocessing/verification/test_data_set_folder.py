"""What verify says where there is no data set, or half of one."""

import json

import pytest
import tensorflow_datasets as tfds
from prepared_records import imagenet_features, train_record, write_data_set

from preprocessing.data_error import DataError
from preprocessing.verification.data_set_folder import find_folder
from preprocessing.verification.prepared_data_set import open_prepared


@pytest.fixture
def folder(tmp_path):
    return write_data_set(tmp_path, {"train": [[train_record(0, 1)]]})


def message(data_dir, dataset="imagenet2012"):
    with pytest.raises(DataError) as error:
        open_prepared(str(data_dir), dataset)
    text = str(error.value)
    assert "\n" not in text
    return text.replace(str(data_dir), "DIR")


def test_newest_version(folder, tmp_path):
    assert find_folder(str(tmp_path), "imagenet2012") == str(folder)
    newest = write_data_set(tmp_path, {"train": [[]]}, version="10.0.0")
    assert find_folder(str(tmp_path), "imagenet2012") == str(newest)
    assert find_folder(str(tmp_path), "imagenet2012:5.1.0") == str(folder)


def test_default_folder(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    assert open_prepared("", "imagenet2012").folder == str(folder)


@pytest.mark.parametrize("dataset", ["", "/", "name:new"])
def test_no_name(tmp_path, dataset):
    assert message(tmp_path, dataset) == (
        f"--dataset={dataset}: not the name of a data set. Expected NAME, NAME/CONFIG or "
        "NAME:VERSION, as imagenet2012:5.1.0."
    )


def test_no_folder(tmp_path):
    assert message(tmp_path / "no") == "--data_dir=DIR: no such folder."


def test_no_such_data_set(folder, tmp_path):
    assert message(tmp_path, "imagenet2021") == (
        "--dataset=imagenet2021: DIR has no such data set. Did you mean imagenet2012? "
        "It has: imagenet2012."
    )
    for name in "abcdefghi":
        (tmp_path / name).mkdir()
    listed = " It has: a, b, c, d, e, f, g, h, i, imagenet2012"
    assert message(tmp_path, "zebra").endswith(f"{listed}.")
    (tmp_path / "j").mkdir()
    (tmp_path / "k").mkdir()
    assert message(tmp_path, "zebra").endswith(f"{listed} and 2 more.")


def test_empty_folder(tmp_path):
    assert message(tmp_path, "mnist") == "--dataset=mnist: DIR has no such data set. It has: none."


def test_data_sets_own_folder(folder):
    assert message(folder) == (
        "--data_dir=DIR is itself a data set's folder. Give the folder that holds NAME/VERSION, "
        "and --dataset=NAME."
    )


def test_configurations(tmp_path):
    write_data_set(tmp_path, {"train": [[]]}, "imagenet2012_resized/128_bilinear_uint8")
    assert message(tmp_path, "imagenet2012_resized") == (
        "--dataset=imagenet2012_resized: has configurations, 128_bilinear_uint8. Give one, as "
        "--dataset=imagenet2012_resized/128_bilinear_uint8."
    )
    assert message(tmp_path, "imagenet2012_resized/64_bilinear_uint8") == (
        "--dataset=imagenet2012_resized/64_bilinear_uint8: DIR/imagenet2012_resized has no "
        "'64_bilinear_uint8'. It has 128_bilinear_uint8."
    )


def test_no_version(tmp_path):
    (tmp_path / "imagenet2012").mkdir()
    assert message(tmp_path) == (
        "DIR/imagenet2012 has no finished version. Prepare the data set first."
    )


def test_other_version(folder, tmp_path):
    assert message(tmp_path, "imagenet2012:5.0.0") == (
        "DIR/imagenet2012 has no version 5.0.0. It has 5.1.0."
    )


@pytest.mark.parametrize(
    ("left", "advice"),
    [
        ("incomplete.ABCDEF_5.1.0", "Prepare the data set again."),
        (".5.1.0.unfinished", "Repeat the command that was writing it."),
    ],
)
@pytest.mark.parametrize("dataset", ["imagenet2012", "imagenet2012:5.1.0"])
def test_unfinished(tmp_path, left, advice, dataset):
    (tmp_path / "imagenet2012" / left).mkdir(parents=True)
    which = "version 5.1.0" if ":" in dataset else "finished version"
    assert message(tmp_path, dataset) == (
        f"DIR/imagenet2012 has no {which}. DIR/imagenet2012/{left} was left by a preparation that "
        f"did not finish. {advice}"
    )


def test_no_dataset_info(folder, tmp_path):
    (folder / "dataset_info.json").unlink()
    assert message(tmp_path) == (
        "DIR/imagenet2012/5.1.0 has no dataset_info.json: whatever wrote it did not finish (1 "
        "files of records lie there). Move it away and prepare the data set again."
    )


def test_broken_dataset_info(folder, tmp_path):
    (folder / "dataset_info.json").write_text('{"name": ')
    text = message(tmp_path)
    assert text.startswith("DIR/imagenet2012/5.1.0/dataset_info.json is not what tfds writes (")
    assert text.endswith("). Move the folder away and prepare the data set again.")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            {"splits": []},
            "DIR/imagenet2012/5.1.0/dataset_info.json has no splits: the preparation of the data "
            "set did not finish. Move the folder away and prepare it again.",
        ),
        (
            {"fileFormat": "array_record"},
            "DIR/imagenet2012/5.1.0 is stored as array_record. Expected tfrecord: prepare the data "
            "set with file_format='tfrecord'.",
        ),
    ],
)
def test_unusable_dataset_info(folder, tmp_path, change, text):
    path = folder / "dataset_info.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    assert message(tmp_path) == text


def test_broken_features(folder, tmp_path):
    (folder / "features.json").write_text("{}")
    text = message(tmp_path)
    assert text.startswith("DIR/imagenet2012/5.1.0/features.json is not what tfds writes (")
    assert text.endswith("). Prepare the data set again.")


def test_no_features(folder, tmp_path):
    """Old versions of tfds wrote none; the code of known data sets tells them."""
    (folder / "features.json").unlink()
    assert open_prepared(str(tmp_path), "imagenet2012").record_format.num_classes == 1000
    other = write_data_set(tmp_path, {"train": [[]]}, "mine")
    (other / "features.json").unlink()
    assert message(tmp_path, "mine") == (
        "DIR/mine/5.1.0 has no features.json, and tfds knows no data set 'mine' to ask for its "
        "features. Prepare the data set again."
    )


@pytest.mark.parametrize(
    ("features", "text"),
    [
        (
            {"image": tfds.features.Image()},
            "Data set 'mine' has no feature 'label'; it has image. Only labelled images can be "
            "verified.",
        ),
        (
            {"image": tfds.features.Image(), "label": tfds.features.Text()},
            "Data set 'mine': its feature 'label' is Text(shape=(), dtype=string). Expected one "
            "integer.",
        ),
        (
            {**imagenet_features(), "image": tfds.features.Text()},
            "Data set 'mine': its feature 'image' is Text(shape=(), dtype=string). Expected an "
            "image, or a tensor of height, width and channels.",
        ),
    ],
)
def test_features_of_another_task(tmp_path, features, text):
    write_data_set(tmp_path, {"train": [[]]}, "mine", features=features)
    assert message(tmp_path, "mine") == text
