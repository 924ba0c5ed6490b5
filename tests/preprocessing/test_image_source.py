"""Data sets by name: the embedded digits, and anything tfds has with image and label."""

import numpy as np
import pytest
import tensorflow as tf

from preprocessing.data_error import DataError
from preprocessing.digits import load_digits
from preprocessing.image_source import open_images


def test_digits_are_split_for_ever():
    digits = load_digits(16)
    assert digits["train"].images.shape == (1297, 16, 16, 1)
    assert digits["test"].images.shape == (500, 16, 16, 1)
    assert np.bincount(digits["test"].labels).tolist() == 10 * [50]
    assert digits["train"].images.dtype == np.float32
    assert (digits["train"].images.min(), digits["train"].images.max()) == (-1, 1)
    # A fingerprint: figures of different versions compare only on the same split.
    assert digits["test"].labels[:12].tolist() == [2, 8, 2, 6, 6, 7, 1, 9, 8, 5, 2, 8]
    assert float(digits["test"].images[:50].mean()) == pytest.approx(-0.38520, abs=1e-4)


def test_digits_at_another_size_and_in_colour():
    source = open_images("digits", 32, 3, 10)
    example = next(iter(source.split("test")))
    assert example["images"].shape == (32, 32, 3)
    assert np.array_equal(example["images"][..., 0], example["images"][..., 2])


def test_tfds_data_set(data_dir):
    source = open_images("colours", 16, 3, 3, data_dir)
    assert (source.count("train"), source.count("test"), source.count("train[:25%]")) == (12, 6, 3)
    examples = list(source.split("test"))
    assert sorted(int(e["labels"]) for e in examples) == [0, 0, 1, 1, 2, 2]
    assert examples[0]["images"].shape == (16, 16, 3)
    values = sorted(round(float(tf.reduce_mean(e["images"])), 4) for e in examples)
    assert values == [round(10 * i / 127.5 - 1, 4) for i in range(6)]


def test_tfds_data_set_in_grey(data_dir):
    example = next(iter(open_images("colours", 16, 1, 3, data_dir).split("test")))
    assert example["images"].shape == (16, 16, 1)


@pytest.mark.parametrize(
    ("name", "num_classes", "message"),
    [
        ("colours", 10, "'colours' has 3 classes, the model 10. Give --num_classes=3."),
        ("unlabelled", 3, "'unlabelled' has no feature 'label'; it has image."),
        ("numbers", 2, "'numbers' has the label 2, outside 0..1. Give --num_classes"),
        ("sizes", 3, "'sizes': its feature 'image' is .* Expected 8-bit images"),
        ("many", 3, "'many': its feature 'label' is .* Expected one integer"),
        (
            "no_such_data",
            3,
            "--dataset=no_such_data: not .*, no folder, and tfds cannot open",
        ),
        ("mnist", 10, "'mnist' is not prepared in"),
    ],
)
def test_unusable_data(data_dir, name, num_classes, message):
    with pytest.raises(DataError, match=message):
        open_images(name, 16, 3, num_classes, data_dir)


def test_plain_integer_labels(data_dir):
    assert open_images("numbers", 16, 3, 3, data_dir).num_classes == 3


def test_unknown_split(data_dir):
    for source in (open_images("digits", 16, 1, 10), open_images("colours", 16, 1, 3, data_dir)):
        with pytest.raises(DataError, match="has no split 'valid'. It has: test, train."):
            source.split("valid")


def test_digits_have_ten_classes():
    with pytest.raises(DataError, match="has 10 classes, the model 7. Give --num_classes=10."):
        open_images("digits", 16, 1, 7)


def test_classes_with_names(data_dir):
    digits = open_images("digits", 16, 1, 10)
    assert digits.class_names[7] == "seven"
    assert open_images("colours", 16, 3, 3, data_dir).class_names is None
    assert open_images("numbers", 16, 3, 3, data_dir).class_names is None
