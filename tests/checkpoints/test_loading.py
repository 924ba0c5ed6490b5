"""Checkpoints of every format, loaded and refused."""

import os

import numpy as np
import pytest
import tensorflow as tf
from conftest import write_checkpoint
from released_checkpoint import SMALL, write_small

import checkpoints
from checkpoints.catalogue import RELEASED, name_of
from checkpoints.checkpoint_files import CheckpointError
from checkpoints.conversion import convert
from checkpoints.inspection import describe
from checkpoints.loading import load_run
from checkpoints.opening import open_checkpoint
from checkpoints.tensor_names import average_name, engine_names, released_names
from gan.config import ConfigError
from gan.networks import make_discriminator, make_generator, weights_by_path
from gan.presets import get_preset, smoke
from gan.run_folder import RunFolder
from gan.training.best_checkpoint import keep_if_best


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
    loaded = checkpoints.load(run.path)
    assert (loaded.step, loaded.config) == (5, smoke())
    for scope, model in (
        ("Generator", loaded.generator),
        ("Discriminator", loaded.discriminator),
    ):
        for path, weight in weights_by_path(model).items():
            assert np.array_equal(
                tf.convert_to_tensor(weight), variables[f"{scope}/{model.name}/{path}"]
            )


def test_loads_the_best_checkpoint(tmp_path):
    """By the folder `best`, and by its step when the trainer keeps it no more."""
    run = make_run(tmp_path, variables_of(smoke(), seed=1), step=5)
    keep_if_best(run, 5, "fid", 2.0, conditions={})
    for file in (tmp_path / "checkpoints").iterdir():
        file.unlink()
    run = make_run(tmp_path, variables_of(smoke(), seed=2), step=9)
    best, newest = checkpoints.load(run.best_dir), checkpoints.load(run.path)
    assert (best.step, newest.step) == (5, 9)
    kernel = "Generator/generator/dense/kernel"
    for loaded, seed in ((best, 1), (newest, 2), (checkpoints.load(run.path, step=5), 1)):
        weight = weights_by_path(loaded.generator)["dense/kernel"]
        assert np.array_equal(tf.convert_to_tensor(weight), variables_of(smoke(), seed)[kernel])
    with pytest.raises(CheckpointError, match="no checkpoint of step 7"):
        checkpoints.load(run.path, step=7)


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
        checkpoints.load(run.path)


def assert_equal_weights(model, variables, names):
    for path, weight in weights_by_path(model).items():
        assert np.array_equal(tf.convert_to_tensor(weight), variables[names[path]]), path


@pytest.mark.parametrize("spelling", ["", "model.ckpt-12", "model.ckpt-12.index"])
def test_loads_the_authors_checkpoint(tmp_path, spelling):
    variables = write_small(tmp_path)
    loaded = checkpoints.load(str(tmp_path / spelling))
    assert loaded.step == 12
    # Ranks are assumed as published: an eighth of the channels.
    assert loaded.config.model == SMALL
    for network in ("generator", "discriminator"):
        model = getattr(loaded, network)
        names = released_names(network, weights_by_path(model))
        assert_equal_weights(model, variables, names)
    images = loaded.generator([np.ones([2, 6], np.float32), np.array([0, 4])], training=False)
    assert images.shape == (2, 32, 32, 3)
    assert loaded.discriminator([images, np.array([0, 4])], training=False).shape == (2, 1)


def test_generator_alone(tmp_path):
    """Asked for alone, or stored alone."""
    write_small(tmp_path / "both")
    loaded = checkpoints.load(str(tmp_path / "both"), discriminator=False)
    assert loaded.discriminator is None

    def without_discriminator(variables):
        for name in [name for name in variables if name.lower().startswith("discriminator")]:
            del variables[name]

    write_small(tmp_path / "alone", change=without_discriminator)
    alone = checkpoints.load(str(tmp_path / "alone"))
    assert alone.discriminator is None
    for a, b in zip(alone.generator.get_weights(), loaded.generator.get_weights()):
        assert np.array_equal(a, b)
    convert(str(tmp_path / "alone"), str(tmp_path / "converted"))
    assert checkpoints.load(str(tmp_path / "converted")).discriminator is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v: v.pop("Generator/generator/g_bn/beta"), "g_bn/beta is missing"),
        (lambda v: v.update({"Generator/generator/h": np.float32(0)}), "generator/h is unknown"),
        (lambda v: v.update({"EMA/x": np.float32(0)}), "EMA/x is unknown"),
        (
            lambda v: v.update({"Generator/generator/h/Adam": np.float32(0)}),
            "generator/h/Adam is unknown",
        ),
        (
            lambda v: v.update({"Generator/generator/g_bn/gamma": np.ones(3, np.float32)}),
            r"g_bn/gamma has shape \[3\], not \[1, 1, 1, 2\]",
        ),
        (
            lambda v: v.update({"Generator/generator/g_ops/sigma_ratio": np.float32("inf")}),
            "g_ops/sigma_ratio is not finite",
        ),
        (
            lambda v: v.pop("Generator/generator/g_snh0/dense/kernel"),
            "no HamGAN: Generator/generator/g_snh0/dense/kernel is missing",
        ),
    ],
)
def test_the_authors_checkpoint_must_fit_wholly(tmp_path, change, message):
    write_small(tmp_path, change=change)
    with pytest.raises(CheckpointError, match=message):
        checkpoints.load(str(tmp_path))
    target = tmp_path / "converted"
    with pytest.raises(CheckpointError, match=message):
        convert(str(tmp_path), str(target))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "model.ckpt-12.data-00000-of-00001",
        "model.ckpt-12.index",
    ]


def test_all_that_is_wrong_is_in_one_error(tmp_path):
    def change(variables):
        for name in ("g_bn/beta", "g_bn/gamma"):
            del variables[f"Generator/generator/{name}"]
        variables["EMA/x"] = np.float32(0)

    write_small(tmp_path, change=change)
    with pytest.raises(CheckpointError, match="g_bn/gamma is missing; .*g_bn/beta.*EMA/x is unk"):
        checkpoints.load(str(tmp_path))


def test_settings_that_no_variable_tells(tmp_path):
    write_small(tmp_path)
    loaded = checkpoints.load(str(tmp_path), ham="cd", ham_steps=3, generator_ham_rank=2)
    assert (loaded.config.model.ham, loaded.generator.hamburger.ham.steps) == ("cd", 3)
    assert loaded.generator.hamburger.ham.rank == 2
    with pytest.raises(CheckpointError, match="num_classes is 5 in the checkpoint, but 7 was"):
        checkpoints.load(str(tmp_path), num_classes=7)
    with pytest.raises(CheckpointError, match="num_classes is 5 .* but 1000 was given"):
        checkpoints.load(str(tmp_path), preset="hamgan_strong")
    with pytest.raises(CheckpointError, match="--generator_ham_rank=9: must be at most 8"):
        checkpoints.load(str(tmp_path), generator_ham_rank=9)


def test_unknown_variables_are_named_where_weights_have_no_counterpart(tmp_path):
    write_small(tmp_path, change=lambda variables: variables.update({"EMA/x": np.float32(0)}))
    with pytest.raises(CheckpointError, match="ham/query/kernel has no counterpart.*EMA/x is unk"):
        checkpoints.load(str(tmp_path), ham="self_attention")


def with_averages(variables):
    """Adds an average of every weight of the generator, unlike the weight, and engine state."""
    averages = {
        average_name(name): np.float32(value + 1)
        for name, value in variables.items()
        if name.startswith("Generator/") and "/Adam" not in name
    }
    return {**variables, **averages, "distribute/images": np.int64(40)}


def test_averages_are_loaded_where_there_are_any(tmp_path):
    variables = with_averages(variables_of(smoke()))
    run = make_run(tmp_path, variables)
    generator_names = engine_names("generator", weights_by_path(make_generator(smoke().model)))
    averages = {path: average_name(name) for path, name in generator_names.items()}
    for asked, names in ((True, averages), (False, generator_names)):
        loaded = checkpoints.load(run.path, averaged=asked)
        assert loaded.averaged == asked
        assert_equal_weights(loaded.generator, variables, names)
        discriminator = loaded.discriminator
        assert_equal_weights(
            discriminator, variables, engine_names("discriminator", weights_by_path(discriminator))
        )


@pytest.mark.parametrize("asked", [True, False])
def test_without_averages_the_trained_weights_are_loaded(tmp_path, asked):
    variables = variables_of(smoke())
    loaded = checkpoints.load(make_run(tmp_path, variables).path, averaged=asked)
    assert not loaded.averaged
    assert_equal_weights(
        loaded.generator, variables, engine_names("generator", weights_by_path(loaded.generator))
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda v: v.pop("Generator/generator/dense/u/ExponentialMovingAverage"),
            "dense/u/ExponentialMovingAverage is missing",
        ),
        (
            lambda v: v.update(
                {"Generator/generator/extra/ExponentialMovingAverage": np.float32(0)}
            ),
            "extra/ExponentialMovingAverage is unknown",
        ),
        (lambda v: v.pop("Generator/generator/dense/u"), "dense/u is missing"),
    ],
)
def test_averages_must_fit_wholly(tmp_path, change, message):
    variables = with_averages(variables_of(smoke()))
    change(variables)
    run = make_run(tmp_path, variables)
    asked = "Average" in message  # What was trained is not looked for beside averages.
    with pytest.raises(CheckpointError, match=message):
        checkpoints.load(run.path, averaged=asked)


def test_conversion_stores_the_averages_and_says_so(tmp_path):
    variables = with_averages(variables_of(smoke()))
    run, target = make_run(tmp_path / "run", variables), str(tmp_path / "converted")
    notes = convert(run.path, target).notes()
    assert notes == ["Weights of the generator: their moving averages over training."]
    loaded = checkpoints.load(target)
    assert loaded.averaged
    for a, b in zip(
        loaded.generator.get_weights(), checkpoints.load(run.path).generator.get_weights()
    ):
        np.testing.assert_array_equal(a, b)
    again = str(tmp_path / "again")
    convert(target, again)
    assert checkpoints.load(again).averaged
    with pytest.raises(CheckpointError, match="averages of the generator's weights alone. Load"):
        checkpoints.load(target, averaged=False)


def test_inspection_names_the_averages(tmp_path):
    variables = with_averages(variables_of(smoke()))
    text, usable = describe(open_checkpoint(make_run(tmp_path, variables).path), with_names=True)
    assert usable
    assert "loading gives the moving averages of the generator's weights" in text
    assert f"{len(weights_by_path(make_generator(smoke().model)))} moving averages" in text
    assert "Generator/generator/dense/kernel/ExponentialMovingAverage" in text
    plain = describe(open_checkpoint(make_run(tmp_path / "plain", variables_of(smoke())).path))
    assert plain[1]
    assert "averages" not in plain[0]


@pytest.mark.parametrize("path", ["digits", "source"])
def test_an_unknown_setting(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    write_small(tmp_path / "source")
    with pytest.raises(ConfigError, match="Unknown setting 'hams'. Known settings of a model"):
        checkpoints.load(path, hams="cd")


def test_a_setting_that_says_the_same():
    assert checkpoints.load("digits", discriminator_ham="nmf").step == 4000


def test_parts_of_folders(tmp_path, monkeypatch):
    """The folder is meant; a downloaded folder may have a released model's name."""
    run = make_run(tmp_path / "run", variables_of(smoke()))
    assert checkpoints.load(run.checkpoint_dir).config == smoke()
    convert(run.path, str(tmp_path / "converted"))
    for name in ("config.json", "weights.npz"):
        assert checkpoints.load(str(tmp_path / "converted" / name)).step == 5
    write_small(tmp_path / "hamgan_baby")
    monkeypatch.chdir(tmp_path)
    assert checkpoints.load("hamgan_baby").step == 12


def test_a_released_models_name_beside_a_folder_of_that_name(tmp_path, monkeypatch):
    """Neither is taken for the other: each has a path, and a run is opened by its own."""
    run = make_run(tmp_path / "digits", variables_of(smoke()))
    monkeypatch.chdir(tmp_path)
    shipped = RELEASED["digits"].folder
    with pytest.raises(CheckpointError, match=f"Give ./digits for .*, or {shipped} for the rel"):
        checkpoints.load("digits")
    assert checkpoints.load("./digits").step == load_run("digits").step == 5
    assert checkpoints.load(run.path).step == 5
    assert checkpoints.load(shipped).step == 4000
    monkeypatch.chdir(os.path.dirname(shipped))  # There, both are the same.
    assert checkpoints.load("digits").step == 4000


def test_released_models_have_their_descriptions():
    for name, model in RELEASED.items():
        assert get_preset(model.preset), name
        if model.folder:
            assert os.path.isfile(os.path.join(model.folder, "README.md"))
            assert (name_of(model.folder), name_of("runs/a")) == (name, "runs/a")
            assert os.path.isfile(model.place.split(",")[0])


def test_the_shipped_digits():
    """Two images of each class, from three lines; they are not all the same."""
    model = checkpoints.load("digits")
    latents = tf.random.stateless_normal([20, model.config.model.z_dim], [0, 1])
    labels = tf.constant(list(range(10)) * 2)
    images = model.generator([latents, labels], training=False)
    assert images.shape == (20, 16, 16, 1)
    assert (model.config.preset, model.step) == ("digits", 4000)
    assert np.abs(images[:10] - images[10:]).max() > 0.5
    # A digit is white on black: dark in the corners, bright somewhere.
    assert np.mean(np.asarray(images)[:, [0, 0, -1, -1], [0, -1, 0, -1]]) < -0.9
    assert np.asarray(images).max(axis=(1, 2, 3)).min() > 0.5
    # The discriminator knows them from noise.
    noise = tf.random.stateless_normal(images.shape, [0, 2])
    logits = [model.discriminator([x, labels], training=False) for x in (images, noise)]
    assert np.mean(logits[0]) > np.mean(logits[1])
