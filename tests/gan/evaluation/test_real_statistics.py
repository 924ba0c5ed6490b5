"""What is measured of the real images, and the cache it is kept in."""

import dataclasses
import os

import numpy as np
import pytest
import tensorflow as tf

from gan.evaluation.cache_folder import cache_folder
from gan.evaluation.real_statistics import real_statistics, repeated
from gan.metrics.classifier_score import classifier_score
from gan.metrics.frechet_distance import frechet_distance
from preprocessing.digits import load_digits
from preprocessing.image_source import open_images


@dataclasses.dataclass
class Averages:
    """A feature network that a test can follow: rows and columns of the image, averaged."""

    sha256: str = "a"
    conditions: str = "averages"
    most_images: int = 70  # does not divide the number of images
    calls: int = 0

    def __call__(self, images):
        self.calls += 1
        return tf.reduce_mean(images, axis=(1, 3)), 5 * tf.reduce_mean(images, axis=(2, 3))


@pytest.fixture
def network():
    return Averages()


@pytest.fixture
def source():
    return open_images("digits", 16, 1, 10)


def test_equals_numpy(network, source, tmp_path):
    """Of 600 images of the 500 of the split: its first 100 count twice in score and distance."""
    statistics = real_statistics(network, source, "test", 600, str(tmp_path), "train")
    test, train = (load_digits(16)[split].images for split in ("test", "train"))
    features = test.mean(axis=(1, 3))
    np.testing.assert_allclose(statistics.features, features, atol=1e-6)
    twice = np.concatenate([test, test[:100]])
    expected = classifier_score(5 * twice.mean(axis=(2, 3)))
    assert statistics.score == pytest.approx(expected, rel=1e-5)
    order = np.random.RandomState(0).permutation(len(train))[:600]
    expected = frechet_distance(train.mean(axis=(1, 3))[order], twice.mean(axis=(1, 3)))
    assert statistics.distance == pytest.approx(expected, rel=1e-4)


def test_fewer_than_the_split_has(network, source, tmp_path):
    statistics = real_statistics(network, source, "test", 150, str(tmp_path))
    assert statistics.features.shape == (150, 16)
    assert statistics.distance is None


def test_repeated():
    assert repeated(np.array([5, 6, 7]), 7).tolist() == [5, 6, 7, 5, 6, 7, 5]
    assert repeated(np.array([5, 6, 7]), 2).tolist() == [5, 6]


def same(a, b):
    return np.array_equal(a.features, b.features) and (a.score, a.distance) == (b.score, b.distance)


def files(folder):
    return sorted((folder / "real_statistics").iterdir())


def test_cache(network, source, tmp_path, capsys):
    def statistics(network=network, source=source, split="test", count=100):
        return real_statistics(network, source, split, count, str(tmp_path))

    first = statistics()
    calls = network.calls
    assert same(statistics(), first)
    assert network.calls == calls  # Read, not computed.
    assert [file.name.startswith("digits_test_16px_averages_") for file in files(tmp_path)] == [
        True
    ]
    # Whatever the statistics depend on makes another file.
    statistics(split="train")
    statistics(count=101)
    statistics(network=Averages(sha256="b"))
    statistics(network=Averages(conditions="averages_bilinear"))
    statistics(source=open_images("digits", 32, 1, 10))
    statistics(source=dataclasses.replace(source, name="other"))

    def inverted_examples(*split):
        examples = source.examples(*split)
        return dataclasses.replace(
            examples,
            decode=lambda r: {k: -v for k, v in examples.decode(r).items()},
        )

    inverted = dataclasses.replace(source, examples=inverted_examples)
    assert not same(statistics(source=inverted), first)
    assert len(files(tmp_path)) == 8
    assert same(statistics(), first)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty", "foreign", "renamed"])
def test_damaged_file_is_computed_again(network, source, tmp_path, capsys, damage):
    first = real_statistics(network, source, "test", 100, str(tmp_path))
    (path,) = files(tmp_path)
    whole = path.read_bytes()
    if damage == "truncated":
        path.write_bytes(whole[: len(whole) // 2])
    elif damage == "flipped":
        middle = whole.index(first.features[50].tobytes())
        path.write_bytes(whole[:middle] + b"\xff" + whole[middle + 1 :])
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "foreign":
        np.savez(path, other=np.zeros(3))
    else:
        real_statistics(network, source, "test", 101, str(tmp_path))
        (other,) = set(files(tmp_path)) - {path}
        other.rename(path)
    capsys.readouterr()
    assert same(real_statistics(network, source, "test", 100, str(tmp_path)), first)
    error = capsys.readouterr().err
    assert error.startswith(f"{path} is damaged (")
    assert error.endswith("): computing it again.\n")
    assert same(real_statistics(network, source, "test", 100, str(tmp_path)), first)
    assert capsys.readouterr().err == ""


def test_unwritable_cache_is_no_obstacle(network, source, tmp_path, capsys):
    file = tmp_path / "file"
    file.write_text("")
    statistics = real_statistics(network, source, "test", 100, str(file))
    assert len(statistics.features) == 100
    assert "cannot be written" in capsys.readouterr().err


def test_cache_folder(monkeypatch):
    monkeypatch.setenv("HAM_TF_CACHE_DIR", "ours")
    monkeypatch.setenv("XDG_CACHE_HOME", "users")
    assert cache_folder("given") == "given"
    assert cache_folder() == "ours"
    monkeypatch.delenv("HAM_TF_CACHE_DIR")
    assert cache_folder() == os.path.join("users", "ham_tf")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "home")
    assert cache_folder() == os.path.join("home", ".cache", "ham_tf")
