"""Named configurations, each written as its difference from the published defaults."""

from typing import Any, Optional

from gan.config import SECTIONS, ConfigError, ExperimentConfig, field_names

_BIGGAN_AVERAGE = dict(ema_decay=0.9999, ema_start=20_000)


def hamgan_strong() -> ExperimentConfig:
    """HamGAN-strong of the paper: ImageNet 128×128, batch 1024, 1 M steps.

    Published: FID 14.77 against the validation split, on a TPU v3. Not measured here.
    Command: `python -m gan.train --preset=hamgan_strong --mode=train`.
    """
    return ExperimentConfig(preset="hamgan_strong")


def hamgan_baby() -> ExperimentConfig:
    """HamGAN-baby of the paper: ImageNet 128×128, batch 256, 2 M steps.

    Published: FID 16.05 against the validation split, on a TPU v3. Not measured here.
    Command: `python -m gan.train --preset=hamgan_baby --mode=train`.
    """
    return _differing("hamgan_baby", batch_size=256, steps=2_000_000)


def hamgan_strong_ema() -> ExperimentConfig:
    """HamGAN-strong with BigGAN's moving average of the generator's weights.

    Not the published method. Provenance: decay 0.9999 from step 20,000, Brock et al., ICLR
    2019, appendix C. Training is that of `hamgan_strong`; evaluation and sampling use the
    averages. Not measured.
    Command: `python -m gan.train --preset=hamgan_strong_ema --mode=train`.
    """
    return hamgan_strong().replace(_BIGGAN_AVERAGE, preset="hamgan_strong_ema")


def hamgan_baby_ema() -> ExperimentConfig:
    """HamGAN-baby with the same average; see `hamgan_strong_ema`. Not measured.

    Command: `python -m gan.train --preset=hamgan_baby_ema --mode=train`.
    """
    return hamgan_baby().replace(_BIGGAN_AVERAGE, preset="hamgan_baby_ema")


def digits() -> ExperimentConfig:
    """Handwritten digits at 16×16: the main job's demonstration, minutes on 2 CPU cores.

    Command: `make demo`. Measured figures are in the README.
    """
    return _differing(
        "digits",
        image_size=16,
        image_channels=1,
        num_classes=10,
        z_dim=64,
        generator_channels=24,
        discriminator_channels=32,
        generator_ham_channels=48,
        generator_ham_rank=6,
        discriminator_ham_channels=32,
        discriminator_ham_rank=4,
        # The published decay averages over 1000 steps, a quarter of this job.
        batch_norm_decay=0.99,
        dataset="digits",
        test_split="test",
        steps=4000,
        batch_size=32,
        generator_lr=2e-4,
        discriminator_lr=4e-4,
        checkpoint_every=250,
        grid_every=250,
        log_every=100,
        eval_every=2000,
        eval_images=1000,
        eval_batch_size=100,
    )


def digits_ema() -> ExperimentConfig:
    """The digits job with a moving average of the generator's weights.

    Provenance: as `hamgan_strong_ema`, for a job of 4000 steps: an average over some 330
    steps in place of 10,000, from step 500 in place of 20,000.
    Command: `python -m gan.train --preset=digits_ema`; its effect:
    `python -m benchmarks.digits_variants`.
    """
    return digits().replace(dict(ema_decay=0.997, ema_start=500), preset="digits_ema")


def digits_augmented() -> ExperimentConfig:
    """The digits job with differentiable augmentation.

    Provenance: all three augmentations, Zhao et al., NeurIPS 2020, for small data sets. Of
    color, grey images have brightness and contrast.
    Command: `python -m gan.train --preset=digits_augmented`; its effect:
    `python -m benchmarks.digits_variants`.
    """
    values = dict(augmentation="color,translation,cutout")
    return digits().replace(values, preset="digits_augmented")


def smoke() -> ExperimentConfig:
    """The digits job made too small to be any good: seconds, to see that everything runs."""
    return digits().replace(
        dict(
            generator_channels=4,
            discriminator_channels=4,
            generator_ham_channels=8,
            generator_ham_rank=2,
            discriminator_ham_channels=8,
            discriminator_ham_rank=2,
            z_dim=8,
            steps=20,
            batch_size=8,
            checkpoint_every=10,
            grid_every=10,
            log_every=5,
            eval_every=20,
            eval_images=100,
            eval_batch_size=50,
            eval_repetitions=2,
        ),
        preset="smoke",
    )


PRESETS = {
    preset.__name__: preset
    for preset in (
        digits,
        smoke,
        digits_ema,
        digits_augmented,
        hamgan_baby,
        hamgan_baby_ema,
        hamgan_strong,
        hamgan_strong_ema,
    )
}


def get_preset(name: str) -> ExperimentConfig:
    """Returns the preset called `name`.

    Raises:
        ConfigError: if there is none.
    """
    if name not in PRESETS:
        raise ConfigError(f"--preset={name}: unknown. Choose one of {', '.join(PRESETS)}.")
    return PRESETS[name]()


def differences(config: ExperimentConfig) -> Optional[dict[str, tuple[Any, Any]]]:
    """Settings that are not the preset's: name to value and the preset's value.

    None if the preset is not known: it is of another version, or there was none.
    """
    if config.preset not in PRESETS:
        return None
    preset = get_preset(config.preset)
    both = {
        name: (getattr(getattr(config, section), name), getattr(getattr(preset, section), name))
        for section in SECTIONS
        for name in field_names(section)
    }
    return {name: (now, was) for name, (now, was) in both.items() if now != was}


def _differing(preset, **values):
    return ExperimentConfig().replace(values, preset=preset)
