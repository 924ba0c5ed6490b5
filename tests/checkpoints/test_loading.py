"""Checkpoints: found, checked, loaded, refused."""

import os

import numpy as np
import pytest
import tensorflow as tf
from conftest import write_checkpoint

from checkpoints import load
from checkpoints.checkpoint_files import (
    CheckpointError,
    find_checkpoint,
    find_steps,
    read_variables,
    settle,
    verify,
)
from gan.networks import make_discriminator, make_generator, weights_by_path
from gan.presets import smoke
from gan.run_folder import RunFolder


def variables_of(config, seed=0):
    """Random values for every weight, under the engine's names, plus what it also stores."""
    random = np.random.RandomState(seed)
    variables = {"global_step": np.int64(5)}
    for scope, model in (
        ("Generator", make_generator(config.model)),
        ("Discriminator", make_discriminator(config.model)),
    ):
        for path, weight in weights_by_path(model).items():
            name = f"{scope}/{model.name}/{path}"
            variables[name] = np.float32(random.rand(*weight.shape))
            if weight.trainable:
                variables[f"{name}/Adam"] = variables[f"{name}/Adam_1"] = variables[name] * 0
    return variables


def make_run(path, variables, step=5):
    run = RunFolder(str(path))
    run.write_config(smoke())
    write_checkpoint(os.path.join(run.checkpoint_dir, f"model.ckpt-{step}"), variables)
    return run


def test_loads_every_weight(tmp_path):
    variables = variables_of(smoke())
    run = make_run(tmp_path, variables)
    loaded = load(run.path)
    assert (loaded.step, loaded.config) == (5, smoke())
    for scope, model in (
        ("Generator", loaded.generator),
        ("Discriminator", loaded.discriminator),
    ):
        for path, weight in weights_by_path(model).items():
            assert np.array_equal(
                tf.convert_to_tensor(weight), variables[f"{scope}/{model.name}/{path}"]
            )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v: v.pop("Generator/generator/dense/kernel"), "dense/kernel is missing"),
        (
            lambda v: v.update({"Generator/generator/dense/extra": np.zeros(2, np.float32)}),
            "dense/extra is unknown",
        ),
        (
            lambda v: v.update({"Discriminator/discriminator/dense/bias": np.zeros(2, np.float32)}),
            r"dense/bias has shape \[2\], not \[1\]",
        ),
        (
            lambda v: v.update({"Generator/generator/hamburger/gate": np.float32(np.nan)}),
            "hamburger/gate is not finite",
        ),
    ],
)
def test_refuses_what_does_not_fit(tmp_path, change, message):
    variables = variables_of(smoke())
    change(variables)
    run = make_run(tmp_path, variables)
    with pytest.raises(CheckpointError, match=message):
        load(run.path)


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
    path = str(tmp_path / "model.ckpt-5")
    write_checkpoint(path, {"a": np.zeros(3)})
    os.remove(path + ".data-00000-of-00001")
    with pytest.raises(CheckpointError, match="damaged.* There is no older one"):
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


def test_settle_removes_a_save_cut_short_but_no_damaged_checkpoint(tmp_path):
    folder = str(tmp_path)
    for step in (1, 2):
        write_checkpoint(os.path.join(folder, f"model.ckpt-{step}"), {"a": np.zeros(3)})
    settle(folder)
    write_checkpoint(os.path.join(folder, "model.ckpt-3"), {"a": np.zeros(3)})
    for step in (2, 3):
        (tmp_path / f"model.ckpt-{step}.index").write_bytes(b"half")
    settle(folder)
    assert find_steps(folder) == [1, 2]
    with pytest.raises(CheckpointError, match="model.ckpt-2: the checkpoint is damaged"):
        verify(find_checkpoint(folder))


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
