"""Our own format: whole or absent, and never another file than the one that was written."""

import errno
import json
import os
import zipfile

import numpy as np
import pytest
from conftest import few_bytes

from checkpoints.checkpoint_files import CheckpointError
from checkpoints.weights_folder import (
    Description,
    WeightsFolder,
    check_target,
    is_weights_folder,
    write_weights_folder,
)
from gan.presets import smoke

ARRAYS = {"generator/a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.float32(2.0)}


def write(folder, arrays=ARRAYS):
    description = Description(smoke(), 7, {"format": "test"}, ["ham"])
    write_weights_folder(str(folder), description, arrays.items())
    return str(folder)


def test_round_trip(tmp_path):
    folder = WeightsFolder(write(tmp_path / "a" / "b"))
    assert folder.description == (smoke(), 7, {"format": "test"}, ["ham"])
    assert folder.shapes == {"b": (), "generator/a": (2, 3)}
    for name, value in ARRAYS.items():
        assert np.array_equal(folder.read(name), value)
    # NumPy alone can read it, too.
    with np.load(tmp_path / "a" / "b" / "weights.npz") as arrays:
        assert np.array_equal(arrays["generator/a"], ARRAYS["generator/a"])


def test_same_weights_same_bytes(tmp_path):
    write(tmp_path / "a"), write(tmp_path / "b")
    for name in ("config.json", "weights.npz"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_nothing_is_left_of_a_write_that_fails(tmp_path):
    def arrays():
        yield "a", np.zeros(3)
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_weights_folder(str(tmp_path / "target"), Description(smoke(), 0, {}, []), arrays())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("room", [10, 1000])  # for nothing; for the weights alone
def test_a_target_without_room_is_named(tmp_path, room):
    with few_bytes(room), pytest.raises(OSError) as raised:
        write(tmp_path / "target")
    assert raised.value.errno == errno.EFBIG
    assert raised.value.filename == str(tmp_path / "target")
    assert list(tmp_path.iterdir()) == []


def test_targets(tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    write(tmp_path / "empty")
    with pytest.raises(CheckpointError, match="the folder is not empty"):
        write(tmp_path / "empty")
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match="this is a file"):
        check_target(str(tmp_path / "file"))
    with pytest.raises(CheckpointError, match="cannot be written"):
        check_target(str(tmp_path / "file" / "below"))
    monkeypatch.setattr(os, "access", lambda *_: False)  # The tests may run as root.
    with pytest.raises(CheckpointError, match="cannot be written"):
        check_target(str(tmp_path / "new"))


def test_what_is_recognised(tmp_path):
    assert is_weights_folder(write(tmp_path / "a"))
    assert not is_weights_folder(str(tmp_path))
    (tmp_path / "config.json").write_text(smoke().to_json())
    assert not is_weights_folder(str(tmp_path))


@pytest.mark.parametrize("damage", ["truncated", "flipped", "missing", "replaced"])
def test_damaged_weights(tmp_path, damage):
    folder = write(tmp_path / "a")
    path = tmp_path / "a" / "weights.npz"
    content = bytearray(path.read_bytes())
    if damage == "truncated":
        path.write_bytes(content[:-9])
    elif damage == "flipped":
        content[150] ^= 1
        path.write_bytes(content)
    elif damage == "missing":
        path.unlink()
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("generator/a.npy", b"")
    with pytest.raises(CheckpointError, match="damaged|missing"):
        WeightsFolder(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content.update(version=2), "format version 2, expected 1"),
        (lambda content: content.pop("weights"), "damaged .KeyError: 'weights'"),
        (lambda content: content.pop("source"), "damaged .KeyError: 'source'"),
        (lambda content: content.update(step=None), "damaged .TypeError"),
        (lambda content: content["config"]["model"].update(z_dim=0), "--z_dim=0: must be"),
    ],
)
def test_damaged_configuration(tmp_path, change, message):
    folder = write(tmp_path / "a")
    path = tmp_path / "a" / "config.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=message):
        WeightsFolder(folder)
