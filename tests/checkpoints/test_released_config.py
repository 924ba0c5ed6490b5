"""The configuration of a released checkpoint, from shapes, settings and a file beside it."""

import dataclasses
import json

import pytest
from released_checkpoint import SMALL, manifest_shapes, released_shapes

from checkpoints.checkpoint_files import CheckpointError
from checkpoints.released_config import released_config
from gan.presets import hamgan_strong


def shapes_of(model):
    return {name: shape for name, (shape, _) in released_shapes(model).items()}


def test_the_published_model_from_its_shapes_alone():
    shapes = {name: shape for name, (shape, _) in manifest_shapes().items()}
    model, assumed = released_config("model.ckpt-1", shapes)
    assert model == hamgan_strong().model
    assert assumed == [
        "ham",
        "ham_steps",
        "ham_groups",
        "generator_ham_rank",
        "discriminator_ham_rank",
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"ham_version": 2},
        {"discriminator_ham_version": 2},
        {"ham": "none"},
        {"discriminator_ham": "none"},
        {"ham": "none", "discriminator_ham": "nmf", "discriminator_ham_version": 1},
        {"image_size": 64, "image_channels": 1},
    ],
    ids=str,
)
def test_what_shapes_tell(changes):
    model = dataclasses.replace(SMALL, **changes)
    found, assumed = released_config("model.ckpt-1", shapes_of(model))
    if model.ham == "none":  # No variable tells the channels of what is not there.
        unused = ("generator_ham_channels", "generator_ham_rank")
        model = dataclasses.replace(model, **{name: getattr(found, name) for name in unused})
    if "none" in (model.discriminator_ham or model.ham):
        unused = ("discriminator_ham_channels", "discriminator_ham_rank")
        model = dataclasses.replace(model, **{name: getattr(found, name) for name in unused})
    assert found == model
    assert ("ham" in assumed) == (model.ham != "none")


def write_settings(folder, **content):
    (folder / "config.json").write_text(json.dumps(content))
    return str(folder / "model.ckpt-1")


def test_the_settings_beside_the_checkpoint(tmp_path):
    generator = dict(version="V1", ham_type="CD", S=2, D=8, R=3, K=4)
    discriminator = dict(version="v1", ham_type="NMF", S=1, D=16, R=5, K=4)
    path = write_settings(tmp_path, z_dim=6, G=generator, D=discriminator)
    found, assumed = released_config(path, shapes_of(SMALL))
    assert assumed == []
    assert found == dataclasses.replace(
        SMALL,
        ham="cd",
        ham_groups=2,
        ham_steps=4,
        generator_ham_rank=3,
        discriminator_ham_rank=5,
        discriminator_ham="nmf",
        discriminator_ham_groups=1,
    )
    # What the caller says comes first.
    assert released_config(path, shapes_of(SMALL), {"ham": "vq"}).model.ham == "vq"


def test_settings_that_contradict_the_shapes(tmp_path):
    path = write_settings(tmp_path, num_classes=1000)
    with pytest.raises(CheckpointError, match="num_classes is 5 in the checkpoint, but 1000 in"):
        released_config(path, shapes_of(SMALL))


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[1]",
        '{"G": 3}',
        '{"G": {"K": "6"}}',
        '{"G": {"R": 4.0}}',
        '{"z_dim": null}',
        '{"D": {"ham_type": 2}}',
    ],
)
def test_settings_that_cannot_be_read(tmp_path, content):
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(CheckpointError, match="config.json: cannot be read as the settings"):
        released_config(str(tmp_path / "model.ckpt-1"), shapes_of(SMALL))


def test_impossible_settings():
    with pytest.raises(CheckpointError, match="--ham_groups=3"):
        released_config("model.ckpt-1", shapes_of(SMALL), {"ham_groups": 3})
