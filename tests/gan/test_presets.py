"""The presets that go beyond the published method: what they change, and nothing else."""

import dataclasses

import pytest

from gan.presets import (
    digits,
    digits_augmented,
    digits_ema,
    hamgan_baby,
    hamgan_baby_ema,
    hamgan_strong,
    hamgan_strong_ema,
)

BIGGAN = {"ema_decay": 0.9999, "ema_start": 20_000}


def flat(config):
    sections = dataclasses.asdict(config)
    preset = {"preset": sections.pop("preset")}
    return {**preset, **{k: v for section in sections.values() for k, v in section.items()}}


@pytest.mark.parametrize(
    ("variant", "base", "changes"),
    [
        (hamgan_strong_ema, hamgan_strong, BIGGAN),
        (hamgan_baby_ema, hamgan_baby, BIGGAN),
        (digits_ema, digits, {"ema_decay": 0.997, "ema_start": 500}),
        (digits_augmented, digits, {"augmentation": "color,translation,cutout"}),
    ],
)
def test_differs_in_these_fields_alone(variant, base, changes):
    before, after = flat(base()), flat(variant())
    changed = {name: after[name] for name in after if after[name] != before[name]}
    assert changed == {"preset": variant.__name__, **changes}


@pytest.mark.parametrize("preset", [hamgan_strong, hamgan_baby, digits])
def test_published_presets_average_and_augment_nothing(preset):
    training = preset().training
    assert (training.ema_decay, training.ema_start, training.augmentation) == (0.0, 0, "")


@pytest.mark.parametrize("preset", [hamgan_strong_ema, hamgan_baby_ema, digits_ema])
def test_averages_have_forgotten_their_beginning_before_the_job_ends(preset):
    training = preset().training
    assert training.averages_good_from < training.steps
    assert training.averages_warning() is None
