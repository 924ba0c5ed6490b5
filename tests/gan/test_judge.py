"""The judge of digits."""

import numpy as np
import pytest
import tensorflow as tf

from gan.metrics.judge import FEATURES, Judge, JudgeError, train_judge
from preprocessing.digits import load_digits


@pytest.fixture(scope="module")
def judge():
    digits = load_digits(16)
    return train_judge(*digits["train"], *digits["test"], 10)


def test_knows_digits(judge):
    assert judge.accuracy >= 0.97
    test = load_digits(16)["test"]
    features, logits = judge(test.images)
    assert features.shape == (500, FEATURES)
    assert np.mean(np.argmax(logits, 1) == test.labels) == pytest.approx(judge.accuracy)


def test_saves_and_loads_and_runs_in_a_tf1_graph(judge, tmp_path):
    path = str(tmp_path / "judge.npz")
    judge.save(path)
    loaded = Judge.load(path)
    images = load_digits(16)["test"].images[:5]
    assert loaded.accuracy == judge.accuracy
    eager_logits = judge(images)[1].numpy()
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        _, logits = loaded(tf.constant(images))
        np.testing.assert_allclose(session.run(logits), eager_logits, rtol=1e-4, atol=1e-4)


def test_its_name_in_a_message_is_short(judge):
    assert repr(judge).startswith("Judge of 16 pixels, 9")
    assert len(repr(judge)) < 40


def test_fits(judge):
    assert judge.fits(16, 1, 10)
    assert not judge.fits(32, 1, 10)
    assert not judge.fits(16, 3, 10)
    assert not judge.fits(16, 1, 11)


@pytest.mark.parametrize("damage", ["truncated", "empty", "foreign"])
def test_damaged_file(judge, tmp_path, damage):
    path = tmp_path / "judge.npz"
    judge.save(str(path))
    if damage == "foreign":
        np.savez(path, image_size=16, accuracy=1.0, other=np.zeros(3))
    else:
        path.write_bytes(path.read_bytes()[:1000] if damage == "truncated" else b"")
    with pytest.raises(JudgeError, match="judge.npz is damaged or no judge .* Delete it"):
        Judge.load(str(path))
