"""The cache of resized images: equal to the direct pipeline, found and used, or refused."""

import pathlib
import pickle
import shutil

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from numbered_images import NAME, SIZE, TEST, TRAIN, picture, write_cache, write_numbered

from preprocessing.data_error import DataError
from preprocessing.image_source import open_images
from preprocessing.records.shard import UndecodableImageError
from preprocessing.resized.encoding import Encoder
from preprocessing.resized.layout import CacheKey

TOLERANCE = {  # of images in [-1, 1]
    "float32": 0,
    "uint8": 1.001 / 255,  # half a step of 256
    "jpeg": 0.9,  # random pixels are hard to compress; the mean is asserted, too
}


def open_numbered(data_dir, channels=3, **settings):
    return open_images(NAME, SIZE, channels, TRAIN, str(data_dir), **settings)


def train_images(source):
    """All training images by label, through the batches that training takes."""
    (batch,) = source.shuffled_batches("train", TRAIN, 100, 0).take(1).as_numpy_iterator()
    return batch["images"][np.argsort(batch["labels"])]


@pytest.mark.parametrize("store", TOLERANCE)
@pytest.mark.parametrize("resampling", ["bilinear", "antialiased"])
@pytest.mark.parametrize("channels", [1, 3])
def test_equal_to_the_direct_pipeline(tmp_path, store, resampling, channels):
    write_numbered(tmp_path, channels)
    folder = write_cache(tmp_path, SIZE, resampling, store)
    direct = open_numbered(tmp_path, 3, resampling=resampling, resized="never")
    cached = open_numbered(tmp_path, 3, resampling=resampling)
    assert f"stored at 16 pixels ({resampling}, {store}) in {folder}" in cached.description
    assert "while reading" in direct.description
    expected, images = train_images(direct), train_images(cached)
    assert images.shape == (TRAIN, SIZE, SIZE, 3)
    np.testing.assert_allclose(images, expected, atol=TOLERANCE[store], rtol=0)
    assert np.abs(images - expected).mean() < 0.1
    assert np.array_equal(images, expected) == (store == "float32")


@pytest.mark.parametrize("store", TOLERANCE)
def test_is_a_data_set_of_tfds(tmp_path, store):
    write_numbered(tmp_path)
    write_cache(tmp_path, store=store)
    split, info = tfds.load(
        f"{NAME}_resized/16_bilinear_{store}", split="train", data_dir=str(tmp_path), with_info=True
    )
    examples = list(split.as_numpy_iterator())
    assert info.splits["train"].shard_lengths == [5, 4, 2]
    assert info.features["label"].num_classes == TRAIN
    assert [example["label"] for example in examples] == list(range(TRAIN))
    assert [example["file_name"] for example in examples] == [b"image %d" % n for n in range(TRAIN)]
    assert examples[0]["image"].shape == (SIZE, SIZE, 3)
    assert examples[0]["image"].dtype == (np.float32 if store == "float32" else np.uint8)


def test_the_best_store_is_read(tmp_path):
    write_numbered(tmp_path)
    for store in ("jpeg", "uint8", "float32"):
        write_cache(tmp_path, store=store)
        assert f"(bilinear, {store})" in open_numbered(tmp_path).description
    for other in ({"resampling": "antialiased"}, {"resized": "never"}):
        assert "while reading" in open_numbered(tmp_path, **other).description


def test_evaluation_reads_no_rounded_images_while_there_are_others(tmp_path):
    write_numbered(tmp_path)
    exact = [e["images"] for e in open_numbered(tmp_path).split("test").as_numpy_iterator()]

    def test_images_are_exact():
        source = open_numbered(tmp_path)
        images = [e["images"] for e in source.split("test").as_numpy_iterator()]
        return np.array_equal(images, exact), source.description

    write_cache(tmp_path, store="uint8")
    equal, description = test_images_are_exact()
    assert equal
    assert "(bilinear, uint8) in" in description
    assert "; for evaluation, numbered/1.0.0 in" in description
    write_cache(tmp_path, store="float32")
    equal, description = test_images_are_exact()
    assert equal
    assert "for evaluation" not in description


def test_evaluation_refuses_rounded_images_where_there_are_no_others(tmp_path):
    write_numbered(tmp_path)
    cache = pathlib.Path(write_cache(tmp_path, store="jpeg"))

    def opened(dataset):
        """As if tfds knew the data set, and only its cache were there."""
        version = str(tfds.builder(dataset, data_dir=str(tmp_path)).info.version)
        key = CacheKey(dataset, version, SIZE, "bilinear", "jpeg")
        shutil.copytree(cache, key.folder(str(tmp_path)))
        source = open_images(dataset, SIZE, 3, TRAIN, str(tmp_path))
        assert source.description.endswith("; too inexact for evaluation")
        assert train_images(source).shape == (TRAIN, SIZE, SIZE, 3)
        assert source.count("test") == TEST
        with pytest.raises(DataError) as caught:
            source.split("test")
        return str(caught.value), f"{dataset}/{version}, stored at 16 pixels (bilinear, jpeg) in "

    error, there = opened("mnist")
    assert f"'mnist': evaluation needs exact images, and there is only {there}" in error
    assert "the original ones with tfds.builder('mnist', data_dir=...).download_and_pre" in error
    error, there = opened("imagenet2012")
    assert f"evaluation needs exact images, and there is only {there}" in error
    assert error.endswith(
        "Prepare the original ones with python -m preprocessing.imagenet, or exact ones by it with "
        "--size=16 --resampling=bilinear --store=float32."
    )


def test_registered_data_set_with_a_cache_alone(tmp_path):
    """tfds knows MNIST; its original records are not there."""
    write_numbered(tmp_path)
    cache = write_cache(tmp_path)
    version = tfds.builder("mnist", data_dir=str(tmp_path)).info.version
    target = CacheKey("mnist", str(version), SIZE, "bilinear", "float32").folder(str(tmp_path))
    shutil.copytree(cache, target)
    source = open_images("mnist", SIZE, 3, TRAIN, str(tmp_path))
    assert f"mnist/{version}, stored at 16 pixels" in source.description
    assert source.count("test") == TEST
    with pytest.raises(DataError, match="'mnist' is not prepared in .*download_and_prepare"):
        open_images("mnist", SIZE, 3, TRAIN, str(tmp_path), resized="never")
    other = CacheKey("mnist", "0.1.0", SIZE, "bilinear", "float32").folder(str(tmp_path))
    shutil.move(target, other)
    with pytest.raises(DataError, match="resized images there are of version 0.1.0"):
        open_images("mnist", SIZE, 3, TRAIN, str(tmp_path))


def test_a_cache_that_lacks_an_undecodable_image_is_used(tmp_path):
    write_numbered(tmp_path, damaged=3)
    write_cache(tmp_path, skip=1)
    source = open_numbered(tmp_path)
    assert "; 1 of the 11 images of 'train' are left out" in source.description
    assert source.count("train") == TRAIN - 1


def test_a_cache_of_other_data_is_refused(tmp_path):
    folder = write_numbered(tmp_path)
    cache = write_cache(tmp_path)
    info = folder / "dataset_info.json"
    text = info.read_text()
    assert '"3",' in text
    info.write_text(text.replace('"3",', '"9",'))
    with pytest.raises(DataError) as caught:
        open_numbered(tmp_path)
    message = str(caught.value)
    assert cache in message
    assert "split 'test' has 5 images there and 11 in" in message
    assert "Delete that folder and make it again, or give --resized=never." in message
    assert "\n" not in message


@pytest.mark.parametrize("damage", ["features.json", "dataset_info.json", "size"])
def test_a_cache_without_sense_is_refused(tmp_path, damage):
    write_numbered(tmp_path)
    cache = write_cache(tmp_path)
    if damage == "size":
        shutil.move(cache, cache.replace("/16_", "/32_"))
        with pytest.raises(DataError, match="/32_bilinear_float32/1.0.0: no resized records that"):
            open_images(NAME, 32, 3, TRAIN, str(tmp_path))
        return
    with open(f"{cache}/{damage}", "w") as file:
        file.write("{")
    with pytest.raises(DataError, match=f"^{cache}: no resized records that can be read"):
        open_numbered(tmp_path)


def test_encoder_goes_to_other_processes_and_answers_what_is_no_image():
    encoder = pickle.loads(pickle.dumps(Encoder(SIZE, "bilinear", "uint8")))
    assert encoder.encode_image(picture(0), 3) == encoder.encode_image(picture(0), 3)
    for encoded, reason in (
        (b"", "Input is empty"),
        (b"no image", "Unknown image file format"),
        (tf.io.encode_jpeg(np.zeros([9, 9, 3], np.uint8)).numpy()[:99], "Invalid JPEG data"),
    ):
        with pytest.raises(UndecodableImageError, match=reason) as caught:
            encoder.encode_image(encoded, 0)
        assert "{{" not in str(caught.value)
        assert "\n" not in str(caught.value)
    one_row = tf.io.encode_png(np.zeros([1, 9, 3], np.uint8)).numpy()
    assert encoder.encode_image(one_row, 0) is not None  # Its central square is one pixel.


@pytest.mark.parametrize("store", TOLERANCE)
def test_expected_size(store):
    encoder = Encoder(64, "bilinear", store, with_names=True)
    smooth = np.tile(np.arange(80, dtype=np.uint8)[:, None, None], [1, 80, 3])
    length = len(encoder.encode_image(tf.io.encode_png(smooth).numpy(), 3, "a name"))
    (expected,) = encoder.record_sizes(np.array([b"a name"]), np.zeros(1), np.zeros(1))
    assert length <= expected
    if store != "jpeg":
        assert expected < length + 50
