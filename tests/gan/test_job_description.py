"""What a job says of itself before it begins."""

import pytest

from gan.config import ExperimentConfig
from gan.job_description import describe_job
from gan.presets import digits, hamgan_strong


def test_the_first_line_tells_the_most():
    text = describe_job(digits(), "runs/digits", "the digits", "distribute (asked for), on 1 CPU")
    lines = text.splitlines()
    assert lines[0] == (
        "Preset digits, data set digits, nmf networks of 16×16×1 images, 4,000 steps of batch 32, "
        "engine distribute, run folder runs/digits"
    )
    assert len(lines) <= 8
    assert lines[-2:] == ["Engine: distribute (asked for), on 1 CPU", "Real images: the digits"]
    assert "Changed from the preset: none" in lines


def test_what_was_changed_is_named_with_what_it_was():
    config = digits().replace({"batch_size": 64, "discriminator_ham": "self_attention"})
    text = describe_job(config, "run", "the digits")
    assert "nmf and self_attention networks" in text
    assert "discriminator of 32 channels, self_attention ham of 32 channels\n" in text
    assert "batch_size=64 (not 32)" in text
    assert "discriminator_ham=self_attention (not None)" in text


@pytest.mark.parametrize(
    "config",
    [hamgan_strong().replace({"ham": "none"}), ExperimentConfig(preset="of another version")],
)
def test_a_job_that_only_evaluates_names_no_engine(config):
    text = describe_job(config, "run", "photographs")
    assert "ngine" not in text
    assert "1,000,000 steps of batch 1,024, run folder run\n" in text
    if config.model.ham == "none":
        assert "generator of 64 channels, no ham; discriminator of 64 channels, no ham" in text
    else:
        assert "Changed from the preset: the preset is not known here" in text
