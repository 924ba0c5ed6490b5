"""Configuration and presets."""

import json
import os

import pytest

from gan.config import ConfigError, ExperimentConfig, ModelConfig
from gan.presets import PRESETS, get_preset, hamgan_baby, hamgan_strong, smoke


@pytest.mark.parametrize("name", PRESETS)
def test_json_round_trip(name):
    config = get_preset(name)
    assert config.preset == name
    assert ExperimentConfig.from_json(config.to_json()) == config


def test_published_presets():
    """The published protocol, section by section."""
    strong = hamgan_strong()
    model, training, evaluation = strong.model, strong.training, strong.evaluation
    assert (model.image_size, model.num_classes, model.z_dim) == (128, 1000, 128)
    assert (model.generator_ham_channels, model.generator_ham_rank) == (256, 32)
    assert (model.discriminator_ham_channels, model.discriminator_ham_rank) == (128, 16)
    assert (model.ham_version, model.ham_steps, model.ham_groups) == (1, 6, 1)
    assert (training.batch_size, training.steps) == (1024, 1_000_000)
    assert (training.generator_lr, training.discriminator_lr) == (1e-4, 4e-4)
    assert (training.adam_beta1, training.adam_beta2) == (0.0, 0.999)
    assert (training.checkpoints_kept, evaluation.eval_every) == (100, 1000)
    assert (evaluation.eval_images, evaluation.eval_repetitions) == (49 * 1024, 5)
    baby = hamgan_baby()
    assert (baby.training.batch_size, baby.training.steps) == (256, 2_000_000)
    assert baby.model == strong.model


def test_each_network_may_have_its_own_ham():
    own = {"discriminator_ham": "cd", "discriminator_ham_steps": 2, "discriminator_ham_version": 2}
    model = hamgan_strong().replace(own).model
    assert model.generator_hamburger == ("nmf", 1, 6, 1, 256, 32)
    assert model.discriminator_hamburger == ("cd", 2, 2, 1, 128, 16)
    assert hamgan_strong().model.discriminator_hamburger == ("nmf", 1, 6, 1, 128, 16)
    # A configuration of before these fields existed.
    content = json.loads(hamgan_strong().to_json())
    for name in [name for name in content["model"] if content["model"][name] is None]:
        del content["model"][name]
    assert ExperimentConfig.from_json(json.dumps(content)) == hamgan_strong()


def test_replace_finds_the_section():
    config = hamgan_strong().replace({"image_size": 64, "seed": 7, "dataset": "digits"})
    assert (config.model.image_size, config.training.seed, config.data.dataset) == (64, 7, "digits")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"batchsize": 3}, "Unknown setting 'batchsize'"),
        ({"batch_size": 0}, "--batch_size=0: must be at least 1"),
        ({"generator_lr": 0.0}, "--generator_lr=0.0: must be positive and finite"),
        ({"generator_lr": float("inf")}, "--generator_lr=inf: must be positive and finite"),
        ({"eval_every": 1500}, "--eval_every=1500: must be a multiple of --checkpoint_every=1000"),
        ({"adam_beta1": 1.0}, r"--adam_beta1=1.0: must be in \[0, 1\)"),
        ({"num_classes": 0}, "--num_classes=0: must be at least 1"),
        ({"image_size": 48}, "--image_size=48: must be one of 16, 32, 64, 128, 256"),
        ({"ham_version": 3}, "--ham_version=3: must be one of 1, 2"),
        ({"ham_groups": 3}, "--generator_ham_channels=256: must be a multiple of --ham_groups=3"),
        ({"ham_steps": -1}, "--ham_steps=-1: must not be negative"),
        ({"discriminator_ham": "pca"}, "--discriminator_ham=pca: must be one of nmf, cd"),
        ({"discriminator_ham_steps": -1}, "--discriminator_ham_steps=-1: must not be negative"),
        (
            {"discriminator_ham_groups": 3},
            "--discriminator_ham_channels=128: must be a multiple of --discriminator_ham_groups=3",
        ),
        ({"discriminator_ham_rank": 129}, "--discriminator_ham_rank=129: must be at most 128"),
        ({"eval_images": 1}, "--eval_images=1: must be at least 2"),
        ({"eval_repetitions": 0}, "--eval_repetitions=0: must be at least 1"),
        ({"seed": -1}, "--seed=-1: must be in"),
        ({"batch_norm_decay": 1.5}, "--batch_norm_decay=1.5: must be in"),
    ],
)
def test_impossible_values(values, message):
    with pytest.raises(ConfigError, match=message):
        hamgan_strong().replace(values)


def test_unknown_preset():
    with pytest.raises(ConfigError, match="--preset=digit: unknown. Choose one of digits, smoke"):
        get_preset("digit")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"model": {"size": 3}}', "not json"])
def test_foreign_json(text):
    with pytest.raises(ConfigError, match="config.json is not a configuration"):
        ExperimentConfig.from_json(text, "config.json")


def test_rank_of_a_ham_must_fit_its_groups():
    with pytest.raises(ConfigError, match="--generator_ham_rank=32: must be at most 16, the chan"):
        ModelConfig(ham_groups=16)
    assert ModelConfig(ham_groups=16, ham="pooled_attention").ham_groups == 16


def test_class_names_are_stored():
    """Folder names need not be UTF-8; the file is."""
    names = tuple(["cats, small", "猫", os.fsdecode(b"caf\xe9"), "0", *map(chr, range(97, 103))])
    config = smoke().replace({"dataset": "/pets"}).with_found(class_names=names)
    text = config.to_json().encode("utf-8")
    again = ExperimentConfig.from_json(text)
    assert again == config
    assert again.classes().resolve(names[2]) == 2
    assert (again.classes().resolve("猫"), again.classes().name(1)) == (1, "猫")
    # Of before training, and of earlier versions.
    content = json.loads(smoke().to_json())
    assert content["found"]["class_names"] is None
    del content["found"]
    earlier = ExperimentConfig.from_json(json.dumps(content))
    assert earlier.found.class_names == ()
    assert ExperimentConfig.from_json(earlier.to_json()) == earlier
    assert smoke().classes().resolve("seven") == 7


@pytest.mark.parametrize("names", ["cats", ["a"], [*"aabcdefghi"], list(range(10)), [None] * 10])
def test_wrong_class_names(names):
    content = json.loads(smoke().to_json())
    content["found"]["class_names"] = names
    with pytest.raises(ConfigError, match="is not a configuration .*class_names"):
        ExperimentConfig.from_json(json.dumps(content))
