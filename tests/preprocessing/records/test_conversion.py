"""Writing a data set: whole or not there, gone on with after anything, loud when it fails."""

import dataclasses
import errno
import json
import os
import pathlib

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from preprocessing.data_error import DataError
from preprocessing.records import conversion as conversion_module
from preprocessing.records.beam_engine import with_beam
from preprocessing.records.conversion import Conversion, SplitPlan, convert, with_processes
from preprocessing.records.order import shard_count, shard_name, shard_slices, shuffled_order
from preprocessing.records.report import describe_outcome, describe_plan
from preprocessing.records.shard import ShardTask, UndecodableImageError, list_undecodable
from preprocessing.records.target import Target

SHARDS, IMAGES_PER_SHARD = 5, 4


@dataclasses.dataclass(frozen=True)
class NumberedImages:
    """Stands for images: their bytes are their numbers."""

    numbers: range
    digest: str = "same"

    def __len__(self):
        return len(self.numbers)

    def read(self):
        for number in self.numbers:
            yield f"image{number}", number % 3, b"%d" % number


@dataclasses.dataclass(frozen=True)
class PlainEncoder:
    """Records of image and label; some numbers are no images, some end the process."""

    undecodable: tuple = ()
    deadly: tuple = ()
    check: bool = True

    def encode_image(self, encoded, label, name):
        if int(encoded) in self.deadly:
            os._exit(9)
        if int(encoded) in self.undecodable:
            raise UndecodableImageError("no image")
        feature = {
            "image": tf.train.Feature(bytes_list=tf.train.BytesList(value=[encoded])),
            "label": tf.train.Feature(int64_list=tf.train.Int64List(value=[label])),
        }
        example = tf.train.Example(features=tf.train.Features(feature=feature))
        return example.SerializeToString(deterministic=True)


def make_conversion(
    folder, encoder=None, skip=False, digest="same", record_bytes=1000, replaced=()
):
    """Five shards of numbers; the indices in `replaced` have images of another digest."""

    def info():
        return tfds.core.DatasetInfo(
            builder=tfds.core.dataset_info.DatasetIdentity(
                name="numbers",
                version=tfds.core.Version("1.0.0"),
                data_dir=str(folder),
                module_name="",
            ),
            features=tfds.features.FeaturesDict(
                {"image": tfds.features.Text(), "label": tfds.features.ClassLabel(num_classes=3)}
            ),
        )

    tasks = [
        ShardTask(
            shard_name("numbers", "train", index, SHARDS),
            NumberedImages(
                range(index * IMAGES_PER_SHARD, (index + 1) * IMAGES_PER_SHARD),
                "other" if index in replaced else "same",
            ),
            encoder or PlainEncoder(),
            skip,
        )
        for index in range(SHARDS)
    ]
    target = Target(str(folder), "numbers", "1.0.0")
    return Conversion(target, info, {"train": SplitPlan(tasks, record_bytes, digest)}, settings={})


def files(folder):
    folder = pathlib.Path(folder)
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def numbers_in(folder):
    data_set = tfds.load("numbers", data_dir=str(folder), split="train")
    return [int(example["image"].numpy()) for example in data_set]


@pytest.mark.parametrize("processes", [1, 2])
def test_data_set_is_read_by_tfds(tmp_path, processes):
    shown = []

    class Bar:
        def __init__(self, total, initial):
            shown.append((total, initial))

        def update(self, count):
            shown.append(count)

        def close(self):
            shown.append("closed")

    conversion = make_conversion(tmp_path)
    outcome = convert(conversion, with_processes(processes), progress_bar=Bar)
    assert sorted(numbers_in(tmp_path)) == list(range(20))
    assert outcome.images == 20
    assert [shard.records for shard in outcome.splits["train"]] == SHARDS * [IMAGES_PER_SHARD]
    assert (shown[0], shown[-1], sum(shown[1:-1])) == ((20, 0), "closed", 20)
    assert os.listdir(tmp_path / "numbers") == ["1.0.0"]
    written = files(tmp_path)
    assert sum(".tfrecord-" in name for name in written) == SHARDS == len(written) - 2
    assert conversion.target.finished_splits() == {"train": 20}
    assert "20 images in     5 shards" in describe_outcome(conversion, outcome)


def test_resumes_after_an_undecodable_image(tmp_path):
    unbroken = tmp_path / "unbroken"
    convert(make_conversion(unbroken), with_processes(1))
    folder = tmp_path / "broken"
    bad = make_conversion(folder, PlainEncoder(undecodable=(9,)))
    message = (
        "image9: no image. Replace it, or leave out N such images by --max_undecodable=N. 2 of 5 "
        "shards are finished and stay in .*: the same command goes on from there"
    )
    with pytest.raises(DataError, match=message):
        convert(bad, with_processes(1))
    assert bad.target.finished_splits() is None
    shard = "numbers-train.tfrecord-00001-of-00005"
    kept = os.stat(folder / "numbers/.1.0.0.unfinished/shards" / shard)
    outcome = convert(make_conversion(folder), with_processes(1))
    assert outcome.images == 12
    assert "8 images of these were written by an earlier run" in describe_outcome(bad, outcome)
    assert files(folder) == files(unbroken)
    assert os.stat(folder / "numbers/1.0.0" / shard) == kept


def test_shards_of_replaced_images_are_written_again(tmp_path):
    broken = make_conversion(tmp_path, PlainEncoder(undecodable=(9,)))
    with pytest.raises(DataError):
        convert(broken, with_processes(1))
    shards = tmp_path / "numbers/.1.0.0.unfinished/shards"
    first, second = sorted(shards.iterdir())
    kept = os.stat(first)
    second.write_bytes(b"x" * second.stat().st_size)  # As long as what comes in its place.
    outcome = convert(make_conversion(tmp_path, replaced=(1, 2)), with_processes(1))
    assert outcome.images == 16
    assert os.stat(tmp_path / "numbers/1.0.0" / first.name) == kept
    assert sorted(numbers_in(tmp_path)) == list(range(20))


def test_shards_that_were_not_decoded_are_written_again_by_a_run_that_decodes(tmp_path):
    for check in (False, True):
        broken = make_conversion(tmp_path, PlainEncoder(undecodable=(9,), check=check))
        with pytest.raises(DataError, match="2 of 5 shards are finished"):
            convert(broken, with_processes(1))
    note = tmp_path / "numbers/.1.0.0.unfinished/numbers-train.tfrecord-00000-of-00005.json"
    assert json.loads(note.read_text())["checked"]
    # What was decoded serves a run that does not, too.
    outcome = convert(make_conversion(tmp_path, PlainEncoder(check=False)), with_processes(1))
    assert outcome.images == 12


def test_a_kill_after_a_shard_was_replaced(tmp_path, monkeypatch):
    """What was noted of the shard before does not speak for the new one."""
    with pytest.raises(DataError):
        convert(make_conversion(tmp_path, PlainEncoder(undecodable=(9,))), with_processes(1))

    def killed(self, name, result):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Target, "note_finished", killed)
        with pytest.raises(KeyboardInterrupt):
            convert(make_conversion(tmp_path, replaced=(1,)), with_processes(1))
    assert convert(make_conversion(tmp_path), with_processes(1)).images == 16


def test_all_undecodable_images_of_a_shard_are_named(tmp_path):
    message = (
        "2 images cannot be decoded: image8: no image; image10: no image. Replace them, or leave "
        "out N such images by --max_undecodable=N. 2 of 5 shards are finished"
    )
    with pytest.raises(DataError, match=message):
        convert(make_conversion(tmp_path, PlainEncoder(undecodable=(8, 10))), with_processes(1))
    many = list_undecodable([f"image{number}: no image" for number in range(12)])
    assert many.startswith("12 images cannot be decoded: image0: no image; image1")
    assert many.endswith("image9: no image; and 2 more")


def test_a_shard_that_is_not_whole_is_written_again(tmp_path):
    unbroken = tmp_path / "unbroken"
    convert(make_conversion(unbroken), with_processes(1))
    folder = tmp_path / "broken"
    with pytest.raises(DataError):
        convert(make_conversion(folder, PlainEncoder(undecodable=(19,))), with_processes(1))
    shards = folder / "numbers/.1.0.0.unfinished/shards"
    (shards / "numbers-train.tfrecord-00000-of-00005").write_bytes(b"half")
    (shards / "numbers-train.tfrecord-00001-of-00005").unlink()
    note = shards.parent / "numbers-train.tfrecord-00002-of-00005.json"
    note.write_text(note.read_text()[:20])
    (shards / ".unfinished-numbers-train.tfrecord-00004-of-00005-1234").write_bytes(b"half")
    assert convert(make_conversion(folder), with_processes(1)).images == 16
    assert files(folder) == files(unbroken)


@pytest.mark.parametrize("processes", [1, 2])
def test_images_are_left_out_up_to_a_budget(tmp_path, processes):
    conversion = make_conversion(tmp_path, PlainEncoder(undecodable=(1, 18)), skip=True)
    message = (
        "2 images cannot be decoded: image1: no image; image18: no image. That is more than "
        "--max_undecodable=1: replace them, or give a higher number. "
    )
    with pytest.raises(DataError, match=message):
        convert(conversion, with_processes(processes), max_undecodable=1)
    outcome = convert(conversion, with_processes(processes), max_undecodable=2)
    assert outcome.skipped == ["image1: no image", "image18: no image"]
    assert sorted(numbers_in(tmp_path)) == sorted(set(range(20)) - {1, 18})
    assert "2 images were left out:\n    image" in describe_outcome(conversion, outcome)


def test_images_left_out_beyond_the_budget_are_tried_again(tmp_path):
    """They may have been replaced by others of the same size."""
    broken = make_conversion(tmp_path, PlainEncoder(undecodable=(1, 18)), skip=True)
    with pytest.raises(DataError):
        convert(broken, with_processes(1), max_undecodable=1)
    outcome = convert(make_conversion(tmp_path), with_processes(1))
    assert outcome.images == 8
    assert sorted(numbers_in(tmp_path)) == list(range(20))


@pytest.mark.parametrize(
    "failure",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        OSError(errno.EFBIG, "File too large"),
        tf.errors.ResourceExhaustedError(None, None, "/data/x; No space left on device"),
        tf.errors.OutOfRangeError(None, None, "/data/x; File too large"),
    ],
)
def test_full_disk(tmp_path, monkeypatch, failure):
    written = []

    class FullDisk(tf.io.TFRecordWriter):
        def write(self, record):
            if len(written) == 10:
                raise failure
            written.append(record)
            super().write(record)

    with monkeypatch.context() as patch:
        patch.setattr(tf.io, "TFRecordWriter", FullDisk)
        text = failure.strerror if isinstance(failure, OSError) else failure.message
        reason = text.rpartition("; ")[2]
        shard = "numbers-train.tfrecord-00002-of-00005"
        message = rf"no space left in .* for {shard} \({reason}\)\. 2 of 5 shards"
        with pytest.raises(DataError, match=message):
            convert(make_conversion(tmp_path), with_processes(1))
    assert sorted(os.listdir(tmp_path / "numbers/.1.0.0.unfinished/shards")) == [
        "numbers-train.tfrecord-00000-of-00005",
        "numbers-train.tfrecord-00001-of-00005",
    ]
    assert convert(make_conversion(tmp_path), with_processes(1)).images == 12


def test_lack_of_space_is_told_before(tmp_path):
    conversion = make_conversion(tmp_path, record_bytes=10**18)
    with pytest.raises(DataError, match=r"GB free, and 1000000000.1 GB are needed. Free some"):
        convert(conversion, with_processes(1))
    assert "(" in describe_plan(conversion)
    assert "GB free" in describe_plan(conversion)


def test_a_killed_worker(tmp_path):
    conversion = make_conversion(tmp_path, PlainEncoder(deadly=(6,)))
    message = r"a worker process died \(exit code 9; .* Give fewer --processes"
    with pytest.raises(DataError, match=message):
        convert(conversion, with_processes(2))
    convert(make_conversion(tmp_path), with_processes(2))
    assert sorted(numbers_in(tmp_path)) == list(range(20))


def test_another_source_cannot_go_on(tmp_path):
    with pytest.raises(DataError):
        convert(make_conversion(tmp_path, PlainEncoder(undecodable=(9,))), with_processes(1))
    message = "was begun with splits train digest same instead of other. Give the same source"
    with pytest.raises(DataError, match=message):
        convert(make_conversion(tmp_path, digest="other"), with_processes(1))


def test_a_folder_begun_by_an_earlier_version(tmp_path):
    with pytest.raises(DataError):
        convert(make_conversion(tmp_path, PlainEncoder(undecodable=(9,))), with_processes(1))
    plan = tmp_path / "numbers/.1.0.0.unfinished/plan.json"
    content = json.loads(plan.read_text())
    del content["format"]
    plan.write_text(json.dumps(content))
    message = "begun by another version of this command, .* of format 1. Expected format 2: delete"
    with pytest.raises(DataError, match=message):
        convert(make_conversion(tmp_path), with_processes(1))


def test_two_jobs_at_once(tmp_path):
    conversion = make_conversion(tmp_path)
    message = "is being written by another process. Wait for it to end"
    with conversion.target.claim(conversion.plan), pytest.raises(DataError, match=message):
        convert(conversion, with_processes(1))


def test_a_folder_left_half_written(tmp_path):
    target = Target(str(tmp_path), "numbers", "1.0.0")
    folder = tmp_path / "numbers/1.0.0"
    folder.mkdir(parents=True)
    with pytest.raises(DataError, match="has no dataset_info.json: something left it half-written"):
        target.finished_splits()
    folder.rmdir()
    convert(make_conversion(tmp_path), with_processes(1))
    (folder / "numbers-train.tfrecord-00003-of-00005").unlink()
    with pytest.raises(DataError, match="half-written: it lacks 1 shards, as .*00003-of-0"):
        target.finished_splits()
    (folder / "dataset_info.json").write_text("{")
    with pytest.raises(DataError, match="is no data set: .* Move it away or delete it"):
        target.finished_splits()


def test_what_tfds_left_behind_is_named(tmp_path):
    (tmp_path / "numbers/incomplete.ABC_1.0.0").mkdir(parents=True)
    (leftover,) = Target(str(tmp_path), "numbers", "1.0.0").leftovers()
    assert leftover.endswith("numbers/incomplete.ABC_1.0.0")
    assert Target(str(tmp_path), "others", "1.0.0").leftovers() == []


def test_a_kill_between_the_last_steps(tmp_path, monkeypatch):
    """The data set is whole as soon as it has its name; notes are removed by the next run."""
    conversion = make_conversion(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(Target, "remove_notes", lambda self: None)
        convert(conversion, with_processes(1))
    assert conversion.target.finished_splits() == {"train": 20}
    conversion.target.remove_notes()
    assert os.listdir(tmp_path / "numbers") == ["1.0.0"]


def test_order_and_shards_are_those_of_tfds(tmp_path, monkeypatch):
    monkeypatch.setattr(tfds.core.utils.shard_utils.ShardConfig, "min_shard_size", 4000)
    names = [f"n{number}.JPEG" for number in range(50)]

    class Fifty(tfds.core.GeneratorBasedBuilder, skip_registration=True):
        VERSION = tfds.core.Version("1.0.0")
        pkg_dir_path = tmp_path

        def _info(self):
            return tfds.core.DatasetInfo(
                builder=self, features=tfds.features.FeaturesDict({"name": tfds.features.Text()})
            )

        def _split_generators(self, dl_manager):
            return {"train": ((name, {"name": name.ljust(500)}) for name in names)}

        def _generate_examples(self):
            raise NotImplementedError

    builder = Fifty(data_dir=str(tmp_path))
    builder.download_and_prepare()
    stored = [e["name"].numpy().decode().strip() for e in builder.as_dataset(split="train")]
    order = shuffled_order([name.encode() for name in names], "train")
    assert [names[index] for index in order] == stored
    slices = shard_slices(50, shard_count(50, builder.info.splits["train"].num_bytes))
    assert [part.stop - part.start for part in slices] == builder.info.splits["train"].shard_lengths
    assert len(slices) > 3


def test_two_images_of_one_name():
    with pytest.raises(DataError, match="train: two images have the name b"):
        shuffled_order([b"a", b"b", b"b"], "train")
    assert len(shuffled_order(np.array([b"a", b"b"]).tolist(), "train")) == 2


def test_beam_writes_the_same(tmp_path):
    pytest.importorskip("apache_beam", reason="Apache Beam needs an older protobuf than this stack")
    convert(make_conversion(tmp_path / "processes"), with_processes(1))
    convert(make_conversion(tmp_path / "beam"), with_beam(["--runner=DirectRunner"]))
    assert files(tmp_path / "beam") == files(tmp_path / "processes")


def test_beam_is_missing(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "apache_beam", None)
    with pytest.raises(DataError, match="--beam needs Apache Beam, which is not installed"):
        with_beam([])


def test_object_storage(monkeypatch):
    """TensorFlow's file system in memory stands for an object storage."""

    def write_info(folder, info, splits):
        with tf.io.gfile.GFile(f"{folder}/dataset_info.json", "w") as file:
            file.write("{}")

    monkeypatch.setattr(conversion_module, "write_metadata", write_info)
    folder = "ram://storage/numbers/1.0.0"
    conversion = make_conversion("ram://storage")
    moved = []

    def rename(source, destination, overwrite=False, rename=tf.io.gfile.rename):
        if destination.startswith(folder):
            moved.append(destination)
            if len(moved) == 3:
                raise KeyboardInterrupt
        rename(source, destination, overwrite)

    with monkeypatch.context() as patch:
        patch.setattr(tf.io.gfile, "rename", rename)
        with pytest.raises(KeyboardInterrupt):
            convert(conversion, with_processes(1))
    assert conversion.target.finished_splits() is None
    assert convert(conversion, with_processes(1)).images == 0
    names = [f"numbers-train.tfrecord-{index:05d}-of-00005" for index in range(SHARDS)]
    assert sorted(tf.io.gfile.listdir(folder)) == ["dataset_info.json", *names]
    assert not tf.io.gfile.exists(conversion.target.unfinished)
    records = tf.data.TFRecordDataset(f"{folder}/{names[4]}")
    examples = [tf.train.Example.FromString(record.numpy()) for record in records]
    numbers = [int(e.features.feature["image"].bytes_list.value[0]) for e in examples]
    assert numbers == [16, 17, 18, 19]
    assert conversion.target.free_bytes() is None
