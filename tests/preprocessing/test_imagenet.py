"""ImageNet end to end: what tfds would make, whatever it is made from and however often killed."""

import dataclasses
import os
import pathlib
import random
import re
import shlex
import signal
import sys
import time
import warnings

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from miniature_imagenet import make_images, write, write_tars, write_tree
from tensorflow_datasets.core.utils.shard_utils import ShardConfig

from preprocessing import imagenet, resize
from preprocessing.data_error import DataError
from preprocessing.ilsvrc.original_data_set import (
    imagenet_info,
    original_conversion,
    original_target,
)
from preprocessing.ilsvrc.source import find_source
from preprocessing.image_source import open_images
from preprocessing.records.conversion import convert, with_processes
from preprocessing.records.order import shuffled_order

IMAGES = make_images(per_class=40, validation_count=12, test_count=5)
SMALL_SHARD = 4000  # bytes: several shards even of these images
KILLS = 20


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """The same images as tars, and as trees with flat and with sorted validation images."""
    folder = tmp_path_factory.mktemp("sources")
    write_tars(folder / "tars", IMAGES)
    write_tree(folder / "tree", IMAGES)
    write_tree(folder / "sorted", IMAGES, sorted_validation=True)
    return folder


@pytest.fixture(scope="module")
def by_tfds(sources, tmp_path_factory):
    """What tfds's own builder makes from the tars."""
    folder = tmp_path_factory.mktemp("by_tfds")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ShardConfig, "min_shard_size", SMALL_SHARD)
        config = tfds.download.DownloadConfig(manual_dir=str(sources / "tars"))
        builder = tfds.builder("imagenet2012", data_dir=str(folder))
        builder.download_and_prepare(download_config=config)
    return folder


@pytest.fixture
def small_shards(monkeypatch):
    monkeypatch.setattr(ShardConfig, "min_shard_size", SMALL_SHARD)


def examples(data_dir, split):
    """All of a split's features, images still encoded, in stored order."""
    skip_images = {"image": tfds.decode.SkipDecoding()}
    data_set = tfds.load("imagenet2012", data_dir=str(data_dir), split=split, decoders=skip_images)
    return [
        (e["file_name"], int(e["label"]), e["image"])
        for e in data_set.as_numpy_iterator()
    ]  # fmt: skip


def shards(data_dir):
    """Split to the number of records of each of its shards."""
    splits = tfds.builder("imagenet2012", data_dir=str(data_dir)).info.splits
    return {name: (split.shard_lengths, split.num_bytes) for name, split in splits.items()}


def files(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(pathlib.Path(folder).rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize(
    ("source", "processes"), [("tars", 1), ("tree", 1), ("sorted", 1), ("tars", 2)]
)
def test_records_are_those_of_tfds(
    sources, by_tfds, small_shards, tmp_path, run_main, source, processes
):
    status, out, err = run_main(
        imagenet.main,
        f"--source={sources / source}",
        f"--data_dir={tmp_path}",
        f"--processes={processes}",
        "--allow_partial",
    )
    assert status == 0, err
    assert shards(tmp_path) == shards(by_tfds)
    assert len(shards(tmp_path)["train"][0]) > 8
    for split, count in (("train", 120), ("validation", 12), ("test", 5)):
        made = examples(tmp_path, split)
        assert len(made) == count
        assert made == examples(by_tfds, split)
    for image in tfds.load("imagenet2012", data_dir=str(tmp_path), split="all"):
        assert image["image"].shape == (16, 20, 3)
    assert os.listdir(tmp_path / "imagenet2012") == ["5.1.0"]
    assert {path.name for path in (tmp_path / "imagenet2012/5.1.0").iterdir()} == {
        path.name for path in (by_tfds / "imagenet2012/5.1.0").iterdir()
    }
    assert re.search(r"train +120 images in +\d+ shards", out)
    command = [sys.executable, "-m", "preprocessing.verify", f"--data_dir={tmp_path}"]
    assert shlex.split(out.partition("next: ")[2]) == command

    status, out, err = run_main(
        imagenet.main, f"--source={sources / source}", f"--data_dir={tmp_path}"
    )
    assert (status, err) == (0, "")
    assert "note" not in out
    assert "is there already: train 120, validation 12, test 5 images. Nothing to do." in out


def test_a_finished_data_set_without_a_split(tmp_path, run_main):
    write_tars(tmp_path / "source", make_images(validation_count=0))
    flags = (f"--source={tmp_path / 'source'}", f"--data_dir={tmp_path}")
    status, _, err = run_main(imagenet.main, *flags)
    assert status == 1
    assert "error: " in err and "no validation split; neither ILSVRC2012_img_val.tar nor" in err
    partial = (*flags, "--allow_partial", "--processes=1")
    assert run_main(imagenet.main, *partial)[0] == 0
    status, out, _ = run_main(imagenet.main, *partial)
    assert status == 0
    assert "12 images. Nothing to do.\nnote: there is no validation split in it.\n" in out
    status, _, err = run_main(imagenet.main, *flags)
    assert status == 1
    assert (
        f"error: {tmp_path}/imagenet2012/5.1.0 is there already, but without the validation split; "
        "it has train. Move it away or delete it, then repeat the command to write all splits."
    ) in err


def start_in_a_fork(conversion):
    """Begins a conversion in a copy of this process, made in no time; returns its id."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Of threads, which it does not need.
        child = os.fork()
    if child:
        return child
    try:
        convert(conversion, with_processes(1))
        os._exit(0)
    finally:
        os._exit(1)


def test_killed_at_random_moments(sources, small_shards, tmp_path):
    """Twenty kills while shards are written, and after each the same again."""

    def conversion(folder):
        info, data_dir = imagenet_info(str(folder))
        # Without decoding, which needs TensorFlow's threads, as the image in CMYK would.
        return original_conversion(info, original_target(info, data_dir), listings, False, False)

    listings = find_source(str(sources / "tree")).scan(allow_partial=True)
    train = listings["train"]
    listings["train"] = train.select(np.flatnonzero(train.labels == 0))
    unbroken_job = conversion(tmp_path / "unbroken")
    count = sum(len(split.shards) for split in unbroken_job.splits.values())
    started = time.monotonic()
    convert(unbroken_job, with_processes(1))
    seconds_per_shard = (time.monotonic() - started) / count
    unbroken = files(tmp_path / "unbroken")

    generator = random.Random(0)
    folder, kills, states = tmp_path / "0", 0, set()

    def written():
        return len(list(folder.glob("imagenet2012/.5.1.0.unfinished/shards/imagenet*")))

    while kills < KILLS:
        job = conversion(folder)
        child = start_in_a_fork(job)
        # Counted in shards, as no two machines are equally fast, then a random part of one.
        wanted = written() + generator.randrange(3)
        while written() < wanted and not os.waitid(
            os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT
        ):
            time.sleep(0.001)
        time.sleep(generator.uniform(0, 1.5 * seconds_per_shard))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        kills += os.WIFSIGNALED(status)
        if job.target.finished_splits() is None:
            states.add(written())
            continue
        job.target.remove_notes()  # As the command does when it finds all done.
        assert files(folder) == unbroken
        assert os.listdir(folder / "imagenet2012") == ["5.1.0"]
        folder = tmp_path / str(kills)
    if not (folder / "imagenet2012/5.1.0").exists():
        convert(conversion(folder), with_processes(1))
    assert files(folder) == unbroken
    assert len(states) > 3, "the kills did not hit different moments"


@pytest.mark.parametrize("store", ["float32", "uint8", "jpeg"])
def test_cache_of_resized_images(sources, small_shards, tmp_path, run_main, store):
    """From the source at once, from the records afterwards, and as training would resize."""
    source, size = f"--source={sources / 'tars'}", "--size=16"
    common = (size, f"--store={store}", "--processes=1")
    direct, later = tmp_path / "direct", tmp_path / "made later"
    assert not run_main(imagenet.main, source, f"--data_dir={direct}", "--allow_partial", *common)[
        0
    ]
    assert not run_main(imagenet.main, source, f"--data_dir={later}", "--allow_partial")[0]
    status, out, err = run_main(resize.main, f"--data_dir={later}", *common)
    assert status == 0, err
    name = f"imagenet2012_resized/16_bilinear_{store}"
    flags = [f"--data_dir={later}", f"--dataset={name}"]
    command = [sys.executable, "-m", "preprocessing.verify", *flags]
    assert shlex.split(out.partition("next: ")[2]) == command
    read = [
        [(e["file_name"], int(e["label"]), e["image"].tobytes()) for e in data.as_numpy_iterator()]
        for data in (
            tfds.load(name, data_dir=str(folder), split="train") for folder in (direct, later)
        )
    ]
    assert read[0] == read[1]
    assert len(read[0]) == 120

    def pixels(resized):
        images = open_images(
            "imagenet2012", 16, 3, 1000, str(later), resampling="bilinear", resized=resized
        )
        batch = next(iter(images.split("train").batch(120)))
        return images.description, batch["images"].numpy(), batch["labels"].numpy()

    description, expected, labels = pixels("never")
    assert "cropped and resized to 16 pixels (bilinear) while reading" in description
    cached = np.stack(
        [
            e["image"]
            for e in tfds.load(name, data_dir=str(later), split="train").as_numpy_iterator()
        ]
    )
    error = np.abs(cached * np.float32(2 / 255) - 1 - expected).max()
    assert labels.tolist() == [label for _, label, _ in read[1]]
    if store == "float32":
        description, found, _ = pixels("auto")
        assert f"stored at 16 pixels (bilinear, float32) in {later}" in description
        assert np.array_equal(found, expected)
    assert error <= {"float32": 1e-6, "uint8": 1 / 255 + 1e-6, "jpeg": 0.3}[store]


def test_resize_needs_a_prepared_data_set(tmp_path, run_main):
    status, _, err = run_main(resize.main, "--size=16", f"--data_dir={tmp_path}")
    assert status == 1
    assert re.fullmatch(r"error: Data set 'imagenet2012' is not prepared in .*\n", err)


def test_records_of_the_older_version(sources, tmp_path, run_main):
    """tfds reads its version 5.0.0 but cannot make it; its records are the same."""
    source = f"--source={sources / 'tars'}"
    run_main(imagenet.main, source, f"--data_dir={tmp_path}", "--allow_partial", "--processes=1")
    older = tmp_path / "imagenet2012/5.0.0"
    (tmp_path / "imagenet2012/5.1.0").rename(older)
    description = (older / "dataset_info.json").read_text()
    (older / "dataset_info.json").write_text(
        description.replace('"version": "5.1.0"', '"version": "5.0.0"')
    )
    assert open_images("imagenet2012:5.0.0", 16, 3, 1000, str(tmp_path)).count("train") == 120
    with pytest.raises(DataError, match="version 5.0.0: give --dataset=imagenet2012:5.0.0, or"):
        open_images("imagenet2012", 16, 3, 1000, str(tmp_path))


def test_resize_names_damaged_records(sources, tmp_path, run_main):
    run_main(
        imagenet.main, f"--source={sources / 'tars'}", f"--data_dir={tmp_path}", "--allow_partial"
    )
    shard = tmp_path / "imagenet2012/5.1.0/imagenet2012-test.tfrecord-00000-of-00001"
    content = bytearray(shard.read_bytes())
    content[-20] ^= 1
    shard.write_bytes(content)
    status, _, err = run_main(resize.main, "--size=16", f"--data_dir={tmp_path}", "--processes=1")
    assert status == 1
    assert f"{shard}: record 4 is damaged. Run python -m preprocessing.verify" in err
    shard.unlink()
    status, _, err = run_main(resize.main, "--size=16", f"--data_dir={tmp_path}", "--processes=1")
    assert status == 1
    assert f"error: {shard} is missing. Run python -m preprocessing.verify" in err


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--size=1"], "error: --size=1: must be at least 2.\n"),
        (["--processes=0"], "error: --processes=0: must be at least 1.\n"),
        (["--max_undecodable=-1"], "error: --max_undecodable=-1: must be at least 0.\n"),
        (["--store=png"], "error: --store: invalid choice: 'png' (choose from "),
        (["word"], "error: word: expected flags alone, or --beam before the --.\n"),
        (["--szie=4"], "error: --szie: no such flag. Did you mean --size? --help lists all.\n"),
    ],
)
def test_wrong_flags(run_main, flags, message):
    status, _, err = run_main(imagenet.main, "--source=x", *flags)
    assert status == 1
    assert err.startswith(message)


def test_a_folder_of_images_needs_no_cache(tmp_path, run_main, monkeypatch):
    (tmp_path / "photos").mkdir()
    monkeypatch.chdir(tmp_path)
    for folder in (tmp_path, "photos"):
        status, _, err = run_main(resize.main, "--size=16", f"--dataset={folder}")
        assert status == 1
        assert err.startswith(f"error: --dataset={folder}: a folder. Expected the name of a prep")


def test_an_image_that_is_none(tmp_path, run_main):
    images = make_images(wordnet_ids=("n01440764",), per_class=6, validation_count=0)
    images.train["n01440764"]["n01440764_21.JPEG"] = b"<html>"
    write_tars(tmp_path / "source", images)
    flags = (f"--source={tmp_path / 'source'}", f"--data_dir={tmp_path}", "--allow_partial")
    status, _, err = run_main(imagenet.main, *flags)
    assert status == 1
    assert (
        "error: n01440764_21.JPEG: no image that TensorFlow can decode (6 bytes). Replace it, or "
        "leave out N such images by --max_undecodable=N. 0 of 1 shards are finished"
    ) in err
    status, out, _ = run_main(imagenet.main, *flags, "--max_undecodable=1")
    assert status == 0
    assert "1 images were left out:\n    n01440764_21.JPEG: no image" in out
    assert len(examples(tmp_path, "train")) == 5


def test_a_replaced_image_costs_its_shard_alone(small_shards, tmp_path, run_main):
    images = make_images(wordnet_ids=("n01440764",), per_class=40, validation_count=8)
    whole = images.train["n01440764"]
    stored = sorted(whole)
    last = stored[shuffled_order([name.encode() for name in stored], "train")[-1]]
    broken = {**whole, last: whole[last][: len(whole[last]) // 2]}
    source, data = tmp_path / "source", tmp_path / "data"
    write_tree(source, dataclasses.replace(images, train={"n01440764": broken}))
    flags = (f"--source={source}", f"--data_dir={data}", "--allow_partial", "--processes=1")
    status, _, err = run_main(imagenet.main, *flags)
    assert status == 1
    assert f"error: {last}: a damaged JPEG" in err
    assert "the same command goes on from there" in err
    unfinished = data / "imagenet2012/.5.1.0.unfinished/shards"
    finished = {path.name: path.stat() for path in unfinished.iterdir()}
    assert len(finished) > 2

    # Of a size that would be cut into more shards, were it not begun.
    write(source / "train/n01440764", {last: whole[last] + bytes(5 * SMALL_SHARD)})
    status, out, err = run_main(imagenet.main, *flags)
    assert status == 0, err
    for name, stat in finished.items():
        assert (data / "imagenet2012/5.1.0" / name).stat() == stat
    assert {name: image for name, _, image in examples(data, "train")} == {
        **{name.encode(): image for name, image in whole.items()},
        last.encode(): whole[last] + bytes(5 * SMALL_SHARD),
    }


def test_dry_run_writes_nothing(sources, tmp_path, run_main):
    status, out, _ = run_main(
        imagenet.main,
        f"--source={sources / 'tree'}",
        f"--data_dir={tmp_path / 'data'}",
        "--allow_partial",
        "--dry_run",
    )
    assert status == 0
    assert "writes" in out
    assert not (tmp_path / "data").exists()


def test_leftovers_of_a_killed_tfds_are_named(sources, tmp_path, run_main):
    write(tmp_path / "imagenet2012/incomplete.4QX_5.1.0", {"bucket_0.tmp": b"x"})
    flags = (f"--source={sources / 'tree'}", f"--data_dir={tmp_path}", "--allow_partial")
    out = run_main(imagenet.main, *flags, "--dry_run")[1]
    assert "incomplete.4QX_5.1.0 is what a killed tfds left behind; it can be deleted." in out
    write(tmp_path / "imagenet2012/5.1.0", {"imagenet2012-train.tfrecord-00000-of-00001": b"x"})
    status, _, err = run_main(imagenet.main, *flags)
    assert status == 1
    assert "5.1.0 is there but has no dataset_info.json: something left it half-written" in err


def test_source_in_an_object_storage(sources, by_tfds, small_shards, tmp_path, run_main):
    """TensorFlow's file system in memory stands for one."""
    write_tars("ram://bucket/imagenet", IMAGES)
    status, _, err = run_main(
        imagenet.main,
        "--source=ram://bucket/imagenet",
        f"--data_dir={tmp_path}",
        "--processes=1",
        "--allow_partial",
    )
    assert status == 0, err
    assert examples(tmp_path, "train") == examples(by_tfds, "train")
    assert not tf.io.gfile.glob("ram://bucket/imagenet/*.unfinished*")
