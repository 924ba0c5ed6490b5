"""TensorFlow checkpoint files: found, checked, read."""

import os

import numpy as np
import pytest
import tensorflow as tf
from conftest import write_checkpoint

from checkpoints.checkpoint_files import (
    CheckpointError,
    UnreadableError,
    find_checkpoint,
    find_steps,
    read_variables,
    settle,
    verify,
)
from gan.training.checkpoint_saver import save_checkpoint


def test_finds_steps(tmp_path):
    folder = str(tmp_path)
    with pytest.raises(CheckpointError, match="no checkpoint here"):
        find_checkpoint(folder)
    for step in (100, 20):
        write_checkpoint(os.path.join(folder, f"model.ckpt-{step}"), {"a": np.zeros(3)})
    assert find_steps(folder) == [20, 100]
    assert find_checkpoint(folder).endswith("model.ckpt-100")
    assert find_checkpoint(folder, 20).endswith("model.ckpt-20")
    with pytest.raises(CheckpointError, match="no checkpoint of step 3. There are: 20, 100."):
        find_checkpoint(folder, 3)


@pytest.mark.parametrize("part", [".index", ".data-00000-of-00001"])
@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty"])
def test_damage_is_found(tmp_path, part, damage):
    path = str(tmp_path / "model.ckpt-5")
    write_checkpoint(path, {"a": np.random.rand(2000)})
    verify(path)
    content = bytearray((tmp_path / f"model.ckpt-5{part}").read_bytes())
    if damage == "truncated":
        content = content[: len(content) // 2]
    elif damage == "flipped":
        content[len(content) // 3] ^= 0xFF
    else:
        content = b""
    (tmp_path / f"model.ckpt-5{part}").write_bytes(content)
    with pytest.raises(CheckpointError, match="model.ckpt-5: the checkpoint is damaged"):
        verify(path)


def test_missing_data_file(tmp_path):
    """The advice depends on whether it is a run of ours."""
    for folder, advice in (("run", "There is no older one"), ("other", "download it")):
        path = str(tmp_path / folder / "checkpoints" / "model.ckpt-5")
        write_checkpoint(path, {"a": np.zeros(3)})
        os.remove(path + ".data-00000-of-00001")
        if folder == "run":
            (tmp_path / folder / "config.json").write_text("")
        with pytest.raises(CheckpointError, match=f"damaged.* {advice}"):
            verify(path)


def test_settle_marks_the_newest(tmp_path):
    """TensorFlow's own record is repaired when it names a checkpoint that is gone."""
    folder = str(tmp_path)
    for step in (1, 2):
        write_checkpoint(os.path.join(folder, f"model.ckpt-{step}"), {"a": np.zeros(3)})
    settle(folder)
    assert tf.train.latest_checkpoint(folder).endswith("-2")
    for file in tmp_path.glob("model.ckpt-2.*"):
        file.unlink()
    settle(folder)
    assert tf.train.latest_checkpoint(folder).endswith("-1")


@pytest.mark.parametrize("name", [b"caf\xe9", b"\xff\xfe", "caf\xe9 'n' \"b\"".encode()])
def test_a_folder_of_any_name(tmp_path, name):
    """Names are bytes to the system, and UTF-8 to TensorFlow if they are given as text."""
    folder = os.fsdecode(os.fsencode(tmp_path) + b"/" + name)
    for step in (1, 2):
        save_checkpoint(folder, step, {"a": np.full(3, step, np.float32)}, kept=1)
    assert settle(folder) == []
    assert sorted(read_variables(find_checkpoint(folder))["a"]) == [2, 2, 2]
    # TensorFlow's own record names it relatively, and can be moved.
    os.rename(folder, tmp_path / "moved")
    assert tf.train.latest_checkpoint(str(tmp_path / "moved")).endswith("moved/model.ckpt-2")
    os.remove(tmp_path / "moved" / "model.ckpt-2.index")
    os.rename(tmp_path / "moved", folder)
    with pytest.raises(CheckpointError, match="no checkpoint here"):
        find_checkpoint(folder)


def test_settle_removes_a_save_cut_short_and_sets_damaged_checkpoints_aside(tmp_path):
    """Whether TensorFlow's own record lists them or not."""
    folder = str(tmp_path)
    for step in (1, 2):
        write_checkpoint(os.path.join(folder, f"model.ckpt-{step}"), {"a": np.zeros(3)})
    assert settle(folder) == []
    write_checkpoint(os.path.join(folder, "model.ckpt-3"), {"a": np.zeros(3)})
    for step in (2, 3):
        (tmp_path / f"model.ckpt-{step}.index").write_bytes(b"half")
    (tmp_path / "model.ckpt-4.data-00000-of-00001").write_bytes(b"a kill between two renames")
    notes = settle(folder)
    assert [f"model.ckpt-{3 - i}: damaged (" in note for i, note in enumerate(notes)] == [True] * 2
    assert find_steps(folder) == [1]
    for step in (2, 3):
        assert (tmp_path / f"damaged-model.ckpt-{step}.index").read_bytes() == b"half"
    assert tf.train.latest_checkpoint(folder).endswith("-1")
    assert not list(tmp_path.glob("model.ckpt-4*"))


def test_settle_tells_the_reason_whatever_the_path(tmp_path):
    folder = str(tmp_path / "run (copy)")
    for step, value in ((1, 0.0), (2, np.nan)):
        write_checkpoint(os.path.join(folder, f"model.ckpt-{step}"), {"a": np.array([value])})
    assert settle(folder) == [
        f"{folder}/model.ckpt-2: damaged (a is not finite), set aside as damaged-model.ckpt-2.*."
    ]


def test_settle_stops_where_no_checkpoint_is_whole(tmp_path):
    folder = str(tmp_path)
    write_checkpoint(os.path.join(folder, "model.ckpt-1"), {"a": np.array([np.nan])})
    with pytest.raises(CheckpointError, match="model.ckpt-1: the checkpoint is damaged"):
        settle(folder)
    assert find_steps(folder) == [1]


def test_settle_removes_no_checkpoint_where_all_are_damaged(tmp_path):
    """Nor without TensorFlow's own record of them: the run must not begin anew."""
    folder = str(tmp_path)
    for step in (1, 2):
        write_checkpoint(os.path.join(folder, f"model.ckpt-{step}"), {"a": np.zeros(3)})
        (tmp_path / f"model.ckpt-{step}.data-00000-of-00001").write_bytes(b"damaged")
    files = sorted(tmp_path.iterdir())
    for _ in range(2):
        with pytest.raises(CheckpointError, match="model.ckpt-2: the checkpoint is damaged"):
            settle(folder)
        assert sorted(tmp_path.iterdir()) == files


def test_settle_leaves_what_cannot_be_read(tmp_path):
    """It may be whole; a folder in its place stands for a disk that does not answer."""
    folder = str(tmp_path)
    for step in (1, 2):
        write_checkpoint(os.path.join(folder, f"model.ckpt-{step}"), {"a": np.zeros(3)})
    data = tmp_path / "model.ckpt-2.data-00000-of-00001"
    data.unlink()
    data.mkdir()
    with pytest.raises(UnreadableError, match="model.ckpt-2: the checkpoint cannot be read .*data"):
        settle(folder)
    assert find_steps(folder) == [1, 2]


def test_verify_finds_numbers_that_are_not_finite(tmp_path):
    path = str(tmp_path / "model.ckpt-5")
    write_checkpoint(path, {"step": np.int64(5), "a": np.array([1.0, np.inf])})
    with pytest.raises(CheckpointError, match="damaged .a is not finite"):
        verify(path)


def test_reads_by_prefix(tmp_path):
    path = str(tmp_path / "model.ckpt-5")
    write_checkpoint(path, {"a/b": np.arange(3), "c": np.zeros(1)})
    assert read_variables(path, "a/").keys() == {"a/b"}
    assert read_variables(path)["a/b"].tolist() == [0, 1, 2]
