"""Parts of splits, as tfds counts them."""

import pytest

from preprocessing.sources.split_part import split_part


@pytest.mark.parametrize(
    ("text", "first", "end"),
    [
        ("train", 0, 11),
        ("train[:]", 0, 11),
        ("train[:3]", 0, 3),
        ("train[-3:]", 8, 11),
        ("train[2:-2]", 2, 9),
        ("train[:50]", 0, 11),
        ("train[7:3]", 7, 7),
        ("train[:25%]", 0, 3),
        ("train[25%:]", 3, 11),
        ("train[-10%:]", 10, 11),
        ("train[10%:90%]", 1, 10),
    ],
)
def test_part(text, first, end):
    assert split_part(text, {"train": 11, "test": 5}) == ("train", first, end)


@pytest.mark.parametrize("text", ["valid", "", "train[", "train[1:2", "train[a:]", "train+test"])
def test_no_such_part(text):
    with pytest.raises(KeyError):
        split_part(text, {"train": 11})


@pytest.mark.parametrize("bounds", ["[:25%]", "[25%:]", "[-10%:]", "[10%:90%]", "[2:-2]"])
def test_as_tfds(bounds):
    """The splits of a data set on tfds's side and of a folder or the digits on ours."""
    tfds = pytest.importorskip("tensorflow_datasets")
    length = 11
    info = tfds.core.SplitInfo(name="train", shard_lengths=[length], num_bytes=0)
    info = info.replace(
        filename_template=tfds.core.ShardedFileTemplate(
            data_dir="/data", dataset_name="d", split="train", filetype_suffix="tfrecord"
        )
    )
    (piece,) = tfds.core.splits.SplitDict([info])["train" + bounds].file_instructions
    _, first, end = split_part("train" + bounds, {"train": length})
    assert (piece.skip, piece.skip + piece.take) == (first, end)
