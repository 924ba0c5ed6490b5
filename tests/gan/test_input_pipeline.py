"""Batches: shapes, ranges, seeds, going on."""

import numpy as np
import pytest

from gan.input_pipeline import evaluation_inputs, latents_and_labels, training_batches
from gan.training.losses import discriminator_hinge_loss, generator_hinge_loss
from preprocessing.image_source import open_images


def first(dataset, count=1):
    return list(dataset.take(count).as_numpy_iterator())


def test_latents_are_standard_normal_and_labels_uniform():
    (batch,) = first(latents_and_labels(5000, 8, 10, seed=1))
    assert batch["latents"].shape == (5000, 8)
    assert abs(batch["latents"].mean()) < 0.02
    assert abs(batch["latents"].std() - 1) < 0.02
    assert np.bincount(batch["labels"], minlength=10).min() > 400
    assert batch["labels"].max() == 9


def test_latents_go_on_where_they_stopped():
    whole = first(latents_and_labels(4, 3, 10, seed=1), 5)
    rest = first(latents_and_labels(4, 3, 10, seed=1, start=3), 2)
    for a, b in zip(whole[3:], rest):
        assert np.array_equal(a["latents"], b["latents"])
    other = first(latents_and_labels(4, 3, 10, seed=2))[0]
    assert not np.allclose(whole[0]["latents"], other["latents"])


def test_hosts_take_turns_with_latents():
    all_hosts = first(latents_and_labels(4, 3, 10, seed=1), 6)
    hosts = [
        first(latents_and_labels(4, 3, 10, 1, start=1, num_hosts=2, host=h), 2) for h in range(2)
    ]
    for batch, expected in ((hosts[0][0], 2), (hosts[1][0], 3), (hosts[0][1], 4), (hosts[1][1], 5)):
        assert np.array_equal(batch["latents"], all_hosts[expected]["latents"])


@pytest.mark.parametrize("start", [1, 13, 54])
def test_training_batches_go_on_where_they_stopped(start):
    """The digits have 1,297 training images: batches 13 and 26 cross the end of an epoch."""
    source = open_images("digits", 16, 1, 10)
    whole = first(training_batches(source, "train", 100, 8, 50, seed=3), start + 2)[start:]
    rest = first(training_batches(source, "train", 100, 8, 50, seed=3, start=start), 2)
    for a, b in zip(whole, rest):
        for part in range(2):
            for key in a[part]:
                assert np.array_equal(a[part][key], b[part][key])


def test_hosts_train_on_other_images():
    source = open_images("digits", 16, 1, 10)
    batches = [
        first(training_batches(source, "train", 40, 8, 50, 3, num_hosts=2, host=h))
        for h in range(2)
    ]
    images = {image.tobytes() for ((_, real),) in batches for image in real["images"]}
    assert len(images) == 80


def test_training_batches():
    source = open_images("digits", 16, 1, 10)
    (pair,) = first(training_batches(source, "train", 12, 8, 2000, seed=0))
    generated, real = pair
    assert generated["latents"].shape == (12, 8)
    assert real["images"].shape == (12, 16, 16, 1)
    assert real["labels"].dtype == np.int32
    dataset = training_batches(source, "train", 12, 8, 2000, seed=0)
    assert dataset.element_spec[1]["images"].shape.as_list() == [12, 16, 16, 1]
    (again,), (later,) = (
        first(dataset),
        first(training_batches(source, "train", 12, 8, 2000, seed=0, start=5)),
    )
    assert np.array_equal(again[1]["labels"], real["labels"])
    assert not np.array_equal(later[1]["labels"], real["labels"])


def test_evaluation_inputs_are_fixed_and_differ_between_repetitions():
    latents, labels = evaluation_inputs(2000, 8, 10, repetition=1)
    assert latents.shape == (2000, 8)
    assert abs(latents.mean()) < 0.05
    assert abs(latents.std() - 1) < 0.05
    assert np.bincount(labels).min() > 150
    again = evaluation_inputs(2000, 8, 10, repetition=1)
    assert np.array_equal(again[0], latents)
    assert np.array_equal(again[1], labels)
    other = evaluation_inputs(2000, 8, 10, repetition=0)
    assert not np.array_equal(other[0], latents)
    assert not np.array_equal(other[1], labels)


def test_hinge_losses():
    logits = np.array([[-2.0], [0.0], [3.0]], np.float32)
    assert generator_hinge_loss(logits).tolist() == [[2.0], [0.0], [-3.0]]
    assert discriminator_hinge_loss(logits, np.zeros_like(logits)).numpy().tolist() == [
        [4.0],
        [2.0],
        [1.0],
    ]
    assert discriminator_hinge_loss(np.float32(1), np.float32(-1)).numpy() == pytest.approx(0)
