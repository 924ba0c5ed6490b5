"""Alarms of a dying GAN, and none of a living one."""

import numpy as np
import pytest

from gan.training.health import CollapseAlarm, Health
from gan.training.training_error import CollapseError


def test_a_discriminator_that_always_wins():
    health = Health()
    assert health.losses(0, 2.0) is None
    alarms = [health.losses(step, 0.0) for step in range(10, 1000, 10)]
    first = next(i for i, alarm in enumerate(alarms) if alarm)
    assert 20 < first < 60  # Hundreds of steps: not a streak of luck.
    assert all(alarms[first:])
    assert "the discriminator tells real and generated images apart" in alarms[first]


def test_a_balance_with_zeros_between():
    health = Health()
    assert not any(health.losses(step, float(step % 20 == 0)) for step in range(0, 4000, 10))


@pytest.mark.parametrize("every", [1, 10, 100])
def test_the_alarm_depends_on_steps_not_on_how_often_one_looks(every):
    health = Health()
    health.losses(0, 2.0)
    step = next(step for step in range(every, 5000, every) if health.losses(step, 0.0))
    assert 300 <= step <= 500


def test_images_that_become_one():
    random = np.random.RandomState(0)
    images = random.rand(20, 4, 4, 1)
    health = Health()
    assert health.grid(0, images, 10) is None
    assert health.grid(1, 0.2 * images, 10) is None
    same = np.repeat(images[::10], 10, axis=0)  # Per class one image.
    problem = health.grid(2, same + 0.01 * images, 10)
    assert problem.startswith("step 2: generated images of a class are nearly all alike")


@pytest.mark.parametrize("policy", ["stop", "rollback"])
def test_the_alarm_ends_training(policy):
    alarm = CollapseAlarm(policy, warn=pytest.fail)
    alarm.losses(0, 2.0)
    with pytest.raises(CollapseError, match="tells real and generated images apart"):
        alarm.losses(1000, 0.0)
    alarm.reset()
    alarm.losses(1010, 2.0)


def test_the_alarm_warns_once_for_each_spell():
    warnings = []
    alarm = CollapseAlarm("warn", warnings.append)
    alarm.losses(0, 2.0)
    for step in range(1000, 2000, 10):
        alarm.losses(step, 0.0)
    assert len(warnings) == 1
    alarm.losses(3000, 2.0)
    alarm.losses(4000, 0.0)
    assert len(warnings) == 2
    assert warnings[0].startswith("warning: step 1000: the discriminator")


def test_spells_of_losses_and_of_grids_are_apart():
    images = np.random.RandomState(0).rand(20, 4, 4, 1)
    warnings = []
    alarm = CollapseAlarm("warn", warnings.append)
    alarm.losses(0, 2.0)
    alarm.grid(0, images, 10)
    for step in range(1000, 2000, 10):  # Bad losses, good grids,
        alarm.losses(step, 0.0)
        alarm.grid(step, images, 10)
    for step in range(3000, 4000, 10):  # then the other way round.
        alarm.losses(step, 2.0)
        alarm.grid(step, 0 * images, 10)
    assert [warning.split(":")[1] for warning in warnings] == [" step 1000", " step 3000"]
    alarm.reset()
    alarm.grid(4000, images, 10)
    alarm.grid(4010, 0 * images, 10)
    assert warnings[2:] and "step 4010" in warnings[2]


def test_a_policy_for_one_grid():
    images = np.random.RandomState(0).rand(20, 4, 4, 1)
    warnings = []
    alarm = CollapseAlarm("stop", warnings.append)
    alarm.grid(0, images, 10)
    alarm.grid(1, 0 * images, 10, policy="warn")
    assert len(warnings) == 1
    with pytest.raises(CollapseError, match="step 2: .* mode collapse"):
        alarm.grid(2, 0 * images, 10)
