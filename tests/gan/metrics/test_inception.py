"""Inception from SavedModels of all kinds, and everything else in its place."""

import builtins
import sys
import types

import fake_inception
import numpy as np
import pytest
import tensorflow as tf

from gan.metrics.inception import HANDLE, Inception, InceptionError

IMAGES = np.float32(np.random.RandomState(0).uniform(-1, 1, [3, 40, 40, 3]))


def resized(images):
    return tf.compat.v1.image.resize(images, [299, 299]).numpy()  # bilinear, as published


@pytest.mark.parametrize(
    "write",
    [
        fake_inception.write_callable,
        fake_inception.write_signature,
        lambda folder: fake_inception.write_signature(folder, "default"),
        fake_inception.write_tf1_module,
    ],
    ids=["callable", "serving_default", "default", "tf1"],
)
def test_takes_every_kind_of_saved_model(tmp_path, write):
    write(tmp_path / "inception")
    inception = Inception(str(tmp_path / "inception"))
    expected = fake_inception.expected_outputs(resized(IMAGES))
    for call in (inception, tf.function(inception.__call__)):
        for actual, value in zip(call(tf.constant(IMAGES)), expected):
            np.testing.assert_allclose(actual, value, atol=1e-4)
    grey = IMAGES[..., :1]
    colours = np.repeat(grey, 3, axis=-1)
    for actual, value in zip(inception(tf.constant(grey)), inception(tf.constant(colours))):
        np.testing.assert_allclose(actual, value, atol=1e-5)


def test_sha256_is_of_names_and_contents(tmp_path):
    for name in "ab":
        fake_inception.write_callable(tmp_path / name)
    fingerprint = tmp_path / "b" / "fingerprint.pb"  # Differs from one writing to the next.
    for file in (tmp_path / "a").rglob("*.pb"):
        (tmp_path / "b" / file.relative_to(tmp_path / "a")).write_bytes(file.read_bytes())
    a, b = (Inception(str(tmp_path / name)) for name in "ab")
    assert len(a.sha256) == 64
    assert a.sha256 == b.sha256
    fingerprint.rename(tmp_path / "b" / "other.pb")
    assert Inception(str(tmp_path / "b")).sha256 != a.sha256


def broken(kind, folder):
    folder.mkdir()
    if kind == "text":
        (folder / "saved_model.pb").write_text("no protocol buffer")
    elif kind == "no pool_3":
        fake_inception.write_callable(folder, outputs=("logits",))
    elif kind == "narrow":
        fake_inception.write_callable(folder, width=64)
    elif kind == "one tensor":
        model = tf.Module()
        model.__call__ = tf.function(lambda x: x, input_signature=[fake_inception._SPEC])
        tf.saved_model.save(model, str(folder))
    elif kind == "other size":
        model = tf.Module()
        spec = [tf.TensorSpec([None, 32, 32, 3])]
        model.__call__ = tf.function(lambda x: {"pool_3": x}, input_signature=spec)
        tf.saved_model.save(model, str(folder))
    elif kind == "no function":
        tf.saved_model.save(tf.Module(), str(folder))


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("empty", "no SavedModel"),
        ("text", "no SavedModel"),
        ("no pool_3", "it has no output pool_3; it has logits"),
        ("narrow", r"its pool_3 has shape \[2, 1, 1, 64\] for 2 images, not \[2, 2048\]"),
        ("one tensor", "it has no output pool_3; it has none with names"),
        ("other size", r"it takes no images \[batch, 299, 299, 3\]"),
        ("no function", "can neither be called nor has it a signature"),
    ],
)
def test_broken_saved_models(tmp_path, kind, message):
    folder = tmp_path / "inception"
    broken(kind, folder)
    with pytest.raises(InceptionError, match=message) as error:
        Inception(str(folder))
    assert str(error.value).startswith(f"--inception={folder}: ")
    assert str(error.value).endswith("then give --inception=FOLDER.")
    assert "\n" not in str(error.value)


def test_no_such_folder():
    with pytest.raises(InceptionError, match="--inception=nowhere: there is no such folder"):
        Inception("nowhere")


def install_hub(monkeypatch, resolve):
    hub = types.ModuleType("tensorflow_hub")
    hub.resolve = resolve
    monkeypatch.setitem(sys.modules, "tensorflow_hub", hub)


def test_handle_is_resolved(tmp_path, monkeypatch):
    fake_inception.write_callable(tmp_path / "inception")
    asked = []
    install_hub(monkeypatch, lambda handle: asked.append(handle) or str(tmp_path / "inception"))
    assert Inception().folder == str(tmp_path / "inception")
    assert asked == [HANDLE]


def test_offline(monkeypatch):
    def resolve(handle):
        raise OSError("<urlopen error [Errno -3] Temporary failure in name resolution>\nmore")

    install_hub(monkeypatch, resolve)
    with pytest.raises(InceptionError, match="cannot be fetched .*name resolution") as error:
        Inception()
    assert HANDLE in str(error.value)
    assert "give --inception=FOLDER" in str(error.value)
    assert "\n" not in str(error.value)


def test_without_tensorflow_hub(monkeypatch):
    real_import = builtins.__import__

    def without_hub(name, *args, **kwargs):
        if name == "tensorflow_hub":
            raise ModuleNotFoundError("No module named 'tensorflow_hub'")
        return real_import(name, *args, **kwargs)

    monkeypatch.delitem(sys.modules, "tensorflow_hub", raising=False)
    monkeypatch.setattr(builtins, "__import__", without_hub)
    with pytest.raises(InceptionError, match="needs the library tensorflow_hub") as error:
        Inception()
    assert "give --inception=FOLDER" in str(error.value)
