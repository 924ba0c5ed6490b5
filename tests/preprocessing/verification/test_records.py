"""What verify says of single records, of ImageNet and of others."""

import io

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from PIL import Image
from prepared_records import (
    imagenet_features,
    jpeg,
    record,
    train_record,
    validation_record,
    write_data_set,
)
from verify_output import expect, problems

JPEG = jpeg(1)
NAME = b"n01440764_1.JPEG"
LONG_JPEG = jpeg(2, 200, 200)
PNG = tf.io.encode_png(np.zeros([2, 2, 3], np.uint8)).numpy()


@pytest.mark.parametrize(
    ("split", "content", "kind", "found"),
    [
        ("train", b"\xff" * 9, "record format", "its 9 bytes are no tf.train.Example. Expected "),
        (
            "train",
            record(image=JPEG, file_name=NAME),
            "record format",
            "no value 'label', only file_name, image. Expected 1 in int64_list.",
        ),
        (
            "train",
            record(image=JPEG, file_name=NAME, label=b"0"),
            "record format",
            "'label' has 1 in bytes_list. Expected 1 in int64_list.",
        ),
        (
            "train",
            record(image=b"", file_name=NAME, label=0),
            "image",
            "the image is empty. Expected JPEG.",
        ),
        (
            "train",
            record(image=b"<html>", file_name=NAME, label=0),
            "image",
            "the image is not JPEG: it begins with 3c 68 74 6d. Expected JPEG.",
        ),
        (
            "train",
            record(image=PNG, file_name=NAME, label=0),
            "image",
            "the image is PNG. Expected JPEG.",
        ),
        (
            "train",
            record(image=LONG_JPEG[:-2000], file_name=NAME, label=0),
            "image",
            "the image cannot be decoded: ",
        ),
        (
            "train",
            record(image=JPEG, file_name=NAME, label=1),
            "label",
            "the label of n01440764_1.JPEG is 1 (n01443537). Expected 0 (n01440764).",
        ),
        (
            "train",
            record(image=JPEG, file_name=NAME, label=-1),
            "label",
            "the label of n01440764_1.JPEG is -1. Expected 0 (n01440764).",
        ),
        (
            "train",
            record(image=JPEG, file_name=b"cat.png", label=1000),
            "file name",
            "the file name is 'cat.png'. Expected one as n01440764_10026.JPEG.",
        ),
        (
            "train",
            record(image=JPEG, file_name=b"n99999999_1.JPEG", label=0),
            "file name",
            "the file name is 'n99999999_1.JPEG'. Expected one as n01440764_10026.JPEG.",
        ),
        (
            "validation",
            validation_record(2, label=230),
            "label",
            "the label of ILSVRC2012_val_00000002.JPEG is 230 (n02105855). Expected 970 (",
        ),
        (
            "validation",
            validation_record(2, name="val/ILSVRC2012_val_{:08d}.JPEG"),
            "file name",
            "the file name is 'val/ILSVRC2012_val_00000002.JPEG'. Expected one as ILSVRC2012_val_",
        ),
        (
            "validation",
            validation_record(2, name="ILSVRC2012_val_00050001.JPEG"),
            "file name",
            "the file name is 'ILSVRC2012_val_00050001.JPEG'. Expected one as ILSVRC2012_val_",
        ),
        (
            "test",
            record(image=JPEG, file_name=b"ILSVRC2012_test_00000001.JPEG", label=3),
            "label",
            "the label of ILSVRC2012_test_00000001.JPEG is 3 (n01491361). Expected -1.",
        ),
    ],
)
def test_wrong_record(tmp_path, verify_at, split, content, kind, found):
    right = {
        "train": train_record(5, 5),
        "validation": validation_record(1),
        "test": record(image=JPEG, file_name=b"ILSVRC2012_test_00000009.JPEG", label=-1),
    }
    write_data_set(tmp_path, {split: [[right[split], content]]})
    status, lines = verify_at(tmp_path)
    place = f"imagenet2012-{split}.tfrecord-00000-of-00001 record 1 at byte "
    place += f"{len(right[split]) + 16}: "
    assert status == 1
    (line,) = (line for line in problems(lines, kind) if line.startswith(place))
    assert line[len(place) :].startswith(found)
    assert sum(line.startswith((kind, "label: ")) for line in lines) == int(lines[-1].split()[0])


def test_label_out_of_range_beside_a_foreign_name(tmp_path, verify_at):
    write_data_set(tmp_path, {"train": [[record(image=JPEG, file_name=b"cat", label=1000)]]})
    _, lines = verify_at(tmp_path)
    (line,) = problems(lines, "label")
    assert line.endswith("record 0 at byte 0: the label is 1000. Expected 0..999.")


def test_image_in_cmyk(tmp_path, verify_at):
    file = io.BytesIO()
    Image.new("CMYK", (9, 9)).save(file, "JPEG")
    write_data_set(tmp_path, {"train": [[train_record(0, 1, file.getvalue())]]})
    _, lines = verify_at(tmp_path)
    (line,) = problems(lines, "image")
    text = "the image is a JPEG in CMYK. Expected RGB, as tfds stores all images of ImageNet."
    assert line.endswith(text)


def test_grey_jpeg_is_right(tmp_path, verify_at):
    write_data_set(tmp_path, {"train": [[train_record(0, 1, jpeg(3, channels=1))]]})
    assert verify_at(tmp_path)[0] == 0


def test_undecoded(tmp_path, verify_at):
    write_data_set(tmp_path, {"train": [[train_record(0, 1, LONG_JPEG[:-2000])]]})
    assert verify_at(tmp_path)[0] == 1
    assert verify_at(tmp_path, "--decode=none")[0] == 0


def test_duplicates(tmp_path, verify_at):
    shards = [[train_record(0, 1), train_record(0, 2)], [train_record(0, 3), train_record(0, 1)]]
    write_data_set(tmp_path, {"train": shards})
    offset = len(shards[1][0]) + 16
    text = (
        f"imagenet2012-train.tfrecord-00001-of-00002 record 1 at byte {offset}: the file name "
        "n01440764_1.JPEG is there again. Expected it once, as in record 0 of "
        "imagenet2012-train.tfrecord-00000-of-00002."
    )
    expect(verify_at(tmp_path), "duplicate", text)


def test_long_duplicates(tmp_path, verify_at):
    """Very long names are kept shortened; different ones stay different."""
    names = [b"a" * 300 + b"1", b"a" * 300 + b"2", b"a" * 300 + b"1"]
    features = {**imagenet_features(), "label": tfds.features.ClassLabel(num_classes=1)}
    records = [record(image=JPEG, label=0, file_name=name) for name in names]
    write_data_set(tmp_path, {"train": [records]}, "mine", "1.0.0", features)
    _, lines = verify_at(tmp_path, "--dataset=mine")
    (line,) = problems(lines, "duplicate")
    assert " record 2 at byte " in line and " as in record 0 of " in line


@pytest.mark.parametrize(
    ("labels", "num_classes", "text"),
    [
        ((0, -1), 3, "train: 1 of 2 records have the label -1, which means none. Expected that "),
        ((0, -2), 3, "record 1 at byte {}: the label is -2. Expected 0..2."),
        ((0, 3), 3, "record 1 at byte {}: the label is 3. Expected 0..2."),
        ((0, -2), None, "record 1 at byte {}: the label is -2. Expected 0 or more."),
        ((-1, -1), 3, None),
    ],
)
def test_labels_of_other_data_sets(tmp_path, verify_at, labels, num_classes, text):
    label = tfds.features.ClassLabel(num_classes=num_classes) if num_classes else tf.int64
    features = {"image": tfds.features.Image(), "label": label}
    records = [record(image=JPEG, label=label) for label in labels]
    write_data_set(tmp_path, {"train": [records]}, "mine", "1.0.0", features)
    status, lines = verify_at(tmp_path, "--dataset=mine")
    assert status == (text is not None)
    if text:
        (line,) = problems(lines, "label")
        assert text.format(len(records[0]) + 16) in line


@pytest.mark.parametrize("store", ["float32", "uint8", "jpeg"])
def test_resized_cache(tmp_path, verify_at, store):
    pixels = np.random.default_rng(0).uniform(0, 255, [8, 8, 3])
    if store == "jpeg":
        feature = tfds.features.Image(shape=(8, 8, 3), encoding_format="jpeg")
        stored, bad = jpeg(0, 8, 8), jpeg(0, 9, 8)
        text = "the image is 9×8×3. Expected a JPEG, 8×8×3."
    else:
        feature = tfds.features.Tensor(shape=(8, 8, 3), dtype=np.dtype(store), encoding="bytes")
        stored = pixels.astype(store).tobytes()
        bad = stored[:-1]
        text = f"the image has {len(bad)} bytes. Expected {len(stored)} for 8×8×3 of {store}."
    records = [train_record(0, 1, stored), train_record(0, 2, bad), train_record(0, 3, stored)]
    name = f"imagenet2012_resized/8_bilinear_{store}"
    write_data_set(tmp_path, {"train": [records]}, name, features=imagenet_features(feature))
    status, lines = verify_at(tmp_path, f"--dataset={name}")
    (line,) = problems(lines, "image")
    assert status == 1 and lines[-1] == "1 problem."
    assert line.endswith(f" record 1 at byte {len(records[0]) + 16}: {text}")
