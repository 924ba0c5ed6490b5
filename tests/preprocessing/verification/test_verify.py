"""python -m preprocessing.verify: names whatever is wrong with a data set, and nothing else."""

import json
import random
import re
import shutil

import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from prepared_records import (
    imagenet_features,
    jpeg,
    record,
    train_record,
    validation_record,
    write_data_set,
)
from verify_output import expect, problems

from preprocessing import verify
from preprocessing.data_file import DataFile
from preprocessing.ilsvrc import challenge
from preprocessing.records.tfrecord import read_records
from preprocessing.verification import official_counts

SHARDS, PER_SHARD = 20, 6

JPEG = jpeg(1)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The folder of tfds data sets with a part of ImageNet that is right."""
    data_dir = tmp_path_factory.mktemp("whole")
    train = [
        [train_record(s % 3, s * PER_SHARD + i) for i in range(PER_SHARD)] for s in range(SHARDS)
    ]
    validation = [[validation_record(number) for number in range(1, 8)]]
    test = record(image=jpeg(), label=-1, file_name=b"test/ILSVRC2012_test_00000001.JPEG")
    write_data_set(data_dir, {"train": train, "validation": validation, "test": [[test]]})
    return data_dir


@pytest.fixture
def folder(whole, tmp_path):
    """A copy of it to damage: the data set's folder."""
    shutil.copytree(whole, tmp_path, dirs_exist_ok=True)
    return tmp_path / "imagenet2012" / "5.1.0"


def test_nothing_wrong(whole, verify_at):
    status, lines = verify_at(whole)
    assert status == 0, "\n".join(lines)
    assert lines[0] == f"Verifying {whole}/imagenet2012/5.1.0"
    assert lines[-1] == "Nothing is wrong."
    table = [re.split(r" {2,}", line) for line in lines[-5:-1]]
    columns = ["split", "records", "shards", "MiB", "classes", "images per class", "problems"]
    assert table[0] == columns
    rows = {row[0]: [row[1], row[2], *row[4:]] for row in table[1:]}
    assert rows == {
        "train": ["120", "20", "3", "36..42", "0"],
        "validation": ["7", "1", "7", "1..1", "0"],
        "test": ["1", "1", "0", "no labels", "0"],
    }


def test_one_flipped_byte_in_each_of_20_shards(folder, verify_at, tmp_path):
    """Anywhere in it: 20 of 20 files and records are named, no other."""
    choose = random.Random(0)
    expected = []
    for path in sorted(folder.glob("*-train.*")):
        with DataFile(str(path)) as file:
            ends = [r.offset for r in read_records(file)] + [file.size]
        index = choose.randrange(PER_SHARD)
        begin, end = ends[index], ends[index + 1]
        # Lengths and checksums are 16 bytes of hundreds: chosen as often as payload.
        places = [choose.randrange(begin, begin + 12), choose.randrange(end - 4, end)]
        place = choose.choice([*places, choose.randrange(begin + 12, end - 4)])
        content = bytearray(path.read_bytes())
        content[place] ^= choose.randrange(1, 256)
        path.write_bytes(content)
        expected.append(f"{path.name} record {index} at byte {begin}")
    status, lines = verify_at(tmp_path)
    assert status == 1
    found = problems(lines, "damaged record")
    assert [line.split(":")[0] for line in found] == expected
    assert lines[-1] == "20 problems."


def test_processes_report_the_same(folder, verify_at, tmp_path):
    for name in ("00003", "00011"):
        (path,) = folder.glob(f"*-train.tfrecord-{name}-*")
        path.write_bytes(path.read_bytes()[:-7])
    alone = verify_at(tmp_path)
    assert alone[0] == 1 and len(problems(alone[1], "damaged record")) == 2
    assert verify_at(tmp_path, "--processes=2") == alone


def test_missing_and_extra_files(folder, verify_at, tmp_path):
    (folder / "imagenet2012-train.tfrecord-00004-of-00020").unlink()
    (folder / "imagenet2012-train.tfrecord-00000-of-00021").write_bytes(b"")
    status, lines = verify_at(tmp_path)
    assert status == 1
    assert problems(lines, "missing shard") == [
        "imagenet2012-train.tfrecord-00004-of-00020: no such file. Expected 6 records."
    ]
    assert problems(lines, "extra file") == [
        "imagenet2012-train.tfrecord-00000-of-00021: dataset_info.json knows no such shard. "
        "Expected no other files of records."
    ]
    assert lines[-1] == "2 problems."
    assert any(re.match(r"train +114 of 120 +19 of 20 ", line) for line in lines)


@pytest.mark.parametrize(("records", "found"), [(4, 4), (8, 8)])
def test_record_count(folder, verify_at, tmp_path, records, found):
    """A file cut between two records is whole in itself; so is one that has more."""
    path = folder / "imagenet2012-train.tfrecord-00000-of-00020"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for number in range(records):
            writer.write(train_record(0, 1000 + number))
    text = f"{path.name}: holds {found} records. Expected 6, as dataset_info.json says."
    expect(verify_at(tmp_path), "record count", text)


def test_hole_in_a_file(folder, verify_at, tmp_path):
    """Records lost in it are no second problem; those behind it are still read."""
    path = folder / "imagenet2012-train.tfrecord-00000-of-00020"
    content = path.read_bytes()
    middle = len(content) // 2
    path.write_bytes(bytes(middle) + content[middle:])
    status, lines = verify_at(tmp_path)
    (line,) = problems(lines, "damaged record")
    assert (status, lines[-1]) == (1, "1 problem.")
    assert line.startswith(f"{path.name} record 0 at byte 0: the checksum of its length, 0, is 0x")
    text = " (it may hide more records: later indices are the least they can be). Expected 0x"
    assert text in line
    assert any(re.match(r"train +11[5-9] of 120 +20 ", line) for line in lines)


def test_unreadable_file(folder, verify_at, tmp_path):
    path = folder / "imagenet2012-train.tfrecord-00000-of-00020"
    path.unlink()
    path.mkdir()
    text = f"{path.name}: cannot be read after 0 records: Is a directory. Expected 6 records."
    expect(verify_at(tmp_path), "unreadable file", text)


def test_official_counts(tmp_path, verify_at, monkeypatch):
    """The whole ImageNet must be whole; here it is tiny."""
    monkeypatch.setitem(challenge.COUNTS, "train", 2)
    monkeypatch.setattr(challenge, "NUM_CLASSES", 2)
    per_class = {"train": (1, 1), "validation": (1, 1)}
    monkeypatch.setattr(official_counts, "_PER_CLASS", per_class)
    features = {**imagenet_features(), "label": tfds.features.ClassLabel(num_classes=2)}
    train = [[train_record(0, 1)], [train_record(1, 1)]]
    folder = write_data_set(tmp_path, {"train": train}, features=features)
    text = "validation: there is no such split. Expected 50000 images; "
    advice = "give --allow_partial if only some were meant."
    expect(verify_at(tmp_path, partial=False), "data set", text + advice)
    assert verify_at(tmp_path)[0] == 0
    assert verify_at(tmp_path, "--split=train", partial=False)[0] == 0

    shutil.rmtree(folder)
    train = [[train_record(0, 1), train_record(0, 2)]]
    write_data_set(tmp_path, {"train": train}, features=features)
    status, lines = verify_at(tmp_path, "--split=train", partial=False)
    assert (status, lines[-1]) == (1, "2 problems.")
    assert problems(lines, "class count") == [
        "train: class 0 (n01440764) has 2 images. Expected 1.",
        "train: class 1 (n01443537) has 0 images. Expected 1.",
    ]

    shutil.rmtree(folder)
    write_data_set(tmp_path, {"train": [[train_record(0, 1)]]}, features=features)
    status, lines = verify_at(tmp_path, "--split=train", partial=False)
    assert problems(lines, "data set") == ["train: has 1 images. Expected 2 images; " + advice]


def test_unreadable_records_are_not_missed_in_their_class_too(tmp_path, verify_at, monkeypatch):
    monkeypatch.setitem(challenge.COUNTS, "train", 2)
    monkeypatch.setattr(official_counts, "_PER_CLASS", {"train": (0, 1)})
    folder = write_data_set(tmp_path, {"train": [[train_record(0, 1), train_record(1, 1)]]})
    (path,) = folder.glob("*.tfrecord-*")
    path.write_bytes(path.read_bytes()[:-1])
    status, lines = verify_at(tmp_path, "--split=train", partial=False)
    assert (status, lines[-1]) == (1, "1 problem.")


def test_imagenet_of_other_classes(tmp_path, verify_at):
    features = {**imagenet_features(), "label": tfds.features.ClassLabel(num_classes=10)}
    write_data_set(tmp_path, {"train": [[train_record(0, 1)]]}, features=features)
    text = "imagenet2012: its labels have 10 classes. Expected 1000."
    expect(verify_at(tmp_path), "data set", text)


def test_many_problems(tmp_path, verify_at):
    records = [record(image=JPEG, label=0, file_name=b"%d" % i) for i in range(25)]
    write_data_set(tmp_path, {"train": [records[:12], records[12:]]})
    file = tmp_path / "problems.jsonl"
    _, short = verify_at(tmp_path)
    found = problems(short, "file name")
    assert len(found) == 21
    assert found[-1] == "... and 5 more (--problems=FILE lists all)."
    status, lines = verify_at(tmp_path, f"--problems={file}")
    assert (status, lines) == (1, short)
    written = [json.loads(line) for line in file.read_text().splitlines()]
    assert len(written) == 25
    assert written[24] == {
        "kind": "file name",
        "split": "train",
        "found": "the file name is '24'",
        "expected": "one as n01440764_10026.JPEG",
        "file": "imagenet2012-train.tfrecord-00001-of-00002",
        "record": 12,
        "offset": 12 * (len(records[-1]) + 16),
    }


def test_no_problems_in_a_file(whole, verify_at, tmp_path):
    file = tmp_path / "problems.jsonl"
    assert verify_at(whole, f"--problems={file}")[0] == 0
    assert file.read_text() == ""


def test_problems_file_that_cannot_be_written(whole, verify_at, tmp_path):
    status, lines = verify_at(whole, f"--problems={tmp_path}/no/file")
    assert status == 1
    (line,) = lines
    assert line.startswith(f"error: --problems={tmp_path}/no/file: cannot be written: ")


def test_problems_file_without_room(folder, verify_at, tmp_path):
    """It is written last: that it can be opened says nothing."""
    sorted(folder.glob("*.tfrecord*"))[0].unlink()
    status, lines = verify_at(tmp_path, "--problems=/dev/full")
    assert status == 1
    reason = "cannot be written: /dev/full; No space left on device"
    assert lines[-1].startswith(f"error: --problems=/dev/full: {reason}")


def test_leftovers_are_a_note(folder, verify_at, tmp_path):
    leftover = folder.parent / "incomplete.ABCDEF_5.1.0"
    leftover.mkdir()
    status, lines = verify_at(tmp_path, "--split=test")
    assert status == 0
    note = "was left by a preparation that did not finish; it takes space only."
    assert f"note: {leftover} {note}" in lines


def test_data_set_of_tfds_itself(data_dir, verify_at):
    """PNG, as tfds's own writer stores them; no file names."""
    status, lines = verify_at(data_dir, "--dataset=colours")
    assert status == 0, "\n".join(lines)
    assert re.search(r"\ntrain +12 +1 .* 3 +4\.\.4 +0\n", "\n".join(lines))


def test_plain_integers_as_labels(data_dir, verify_at):
    assert verify_at(data_dir, "--dataset=numbers")[0] == 0


def test_empty_classes_are_a_note(tmp_path, verify_at):
    features = {"image": imagenet_features()["image"]}
    features["label"] = tfds.features.ClassLabel(num_classes=30)
    records = [record(image=JPEG, label=label) for label in (4, 7)]
    write_data_set(tmp_path, {"train": [records]}, "mine", "1.0.0", features)
    status, lines = verify_at(tmp_path, "--dataset=mine")
    assert status == 0
    (note,) = problems(lines, "note")
    assert note.startswith("train: 28 of 30 classes have no image: 0, 1, 2, 3, 5, 6, 8, ")
    assert note.endswith(", 21 and 8 more.")


def test_object_storage(whole, verify_at, tmp_path):
    """Through tf.io.gfile alone; damage is found there, too."""
    folder = "ram://verify/imagenet2012/5.1.0"
    tf.io.gfile.makedirs(folder)
    for path in (whole / "imagenet2012" / "5.1.0").iterdir():
        content = path.read_bytes()
        if "train.tfrecord-00002" in path.name:
            content = content[:-1]
        with tf.io.gfile.GFile(f"{folder}/{path.name}", "wb") as file:
            file.write(content)
    status, lines = verify_at("ram://verify")
    assert (status, lines[-1]) == (1, "1 problem."), "\n".join(lines)
    assert problems(lines, "damaged record")[0].startswith(
        "imagenet2012-train.tfrecord-00002-of-00020 record 5 at byte "
    )


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        (["--processes=0"], "--processes=0: must be at least 1."),
        (["--decode=some"], "--decode: invalid choice: 'some'"),
        (["--split=trian"], "has no split 'trian'. It has: train, validation, test."),
    ],
)
def test_wrong_flags(whole, verify_at, flags, text):
    status, lines = verify_at(whole, *flags)
    assert status == 1 and text in lines[-1]


def test_help_names_the_exit_status(run_main):
    status, out, _ = run_main(verify.main, "--help")
    assert status == 0
    assert "exit status: 0 if nothing is wrong; 1 if something is" in out
