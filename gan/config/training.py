"""Optimisation, and what is written while it runs."""

import dataclasses
import math
from typing import Optional

from gan.config.fields import check_choices, option, require

AUGMENTATIONS = ("color", "translation", "cutout")


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """Optimisation and what is written while it runs."""

    steps: int = option(1_000_000, "generator steps to reach in all, resumed runs included")
    batch_size: int = option(1024, "images per step, summed over all devices")
    discriminator_steps: int = option(1, "discriminator steps per generator step")
    generator_lr: float = option(1e-4, "Adam's learning rate of the generator")
    discriminator_lr: float = option(4e-4, "Adam's learning rate of the discriminator")
    adam_beta1: float = option(0.0, "Adam's decay of the first moment")
    adam_beta2: float = option(0.999, "Adam's decay of the second moment")
    seed: int = option(0, "of weights, latents, bases and the order of images")
    checkpoint_every: int = option(1000, "steps between checkpoints")
    checkpoints_kept: int = option(
        100,
        "number of newest checkpoints to keep; the one with the best evaluation stays in RUN/best",
    )
    grid_every: int = option(1000, "steps between sample grids")
    log_every: int = option(100, "steps between points of the curves")
    ema_decay: float = option(
        0.0,
        "weight of the old value in the moving average of the generator's weights, which "
        "evaluation and sampling then use; 0 for none, as published (BigGAN: 0.9999). It is good "
        "from step ema_start + 5 / (1 - ema_decay) on",
    )
    ema_start: int = option(
        0,
        "steps until the average begins; it follows the weights before (BigGAN: 20000). With 0 it "
        "begins at the untrained weights",
    )
    augmentation: str = option(
        "",
        "what the discriminator's images, real and generated, go through: any of color, "
        "translation, cutout, joined by commas (Zhao et al., 2020); empty, as published: nothing",
    )
    warm_start: str = option(
        "", "a checkpoint whose weights a new run starts from: a model's name, a run, a file"
    )
    on_divergence: str = option(
        "stop",
        "when a loss or weight is not finite: stop; or rollback to the newest checkpoint and go on "
        "with other images, at most 3 times between two checkpoints",
        ("stop", "rollback"),
    )
    on_collapse: str = option(
        "warn",
        "when the discriminator tells all images apart, or generated images are all alike: warn, "
        "stop or rollback",
        ("warn", "stop", "rollback"),
    )

    def __post_init__(self):
        check_choices(self)
        for name in (
            "steps",
            "batch_size",
            "discriminator_steps",
            "checkpoint_every",
            "checkpoints_kept",
            "grid_every",
            "log_every",
        ):
            value = getattr(self, name)
            require(value >= 1, name, value, "must be at least 1.")
        for name in ("generator_lr", "discriminator_lr"):
            value = getattr(self, name)
            require(0 < value < math.inf, name, value, "must be positive and finite.")
        for name in ("adam_beta1", "adam_beta2", "ema_decay"):
            value = getattr(self, name)
            require(0 <= value < 1, name, value, "must be in [0, 1).")
        require(self.ema_start >= 0, "ema_start", self.ema_start, "must not be negative.")
        wrong = set(filter(None, self.augmentation.split(","))) - set(AUGMENTATIONS)
        require(
            not wrong,
            "augmentation",
            self.augmentation,
            f"expected any of {', '.join(AUGMENTATIONS)}, joined by commas.",
        )
        require(0 <= self.seed < 2**31, "seed", self.seed, "must be in [0, 2147483648).")

    @property
    def averages_good_from(self) -> int:
        """The step from which the averages hold less than 1 % (e⁻⁵) of what they began with."""
        return self.ema_start + round(5 / (1 - self.ema_decay))

    def averages_warning(self) -> Optional[str]:
        """What to say of averages that the job ends too early for; None if they are good.

        Up to `ema_start` they equal the weights, which are good at any step.
        """
        if not self.ema_decay or not self.ema_start < self.steps < self.averages_good_from:
            return None
        return (
            f"--ema_decay={self.ema_decay} --ema_start={self.ema_start}: at --steps={self.steps} "
            "the averages, which evaluation and sampling use, would still hold much of the weights "
            f"of step {self.ema_start}; they are good from step {self.averages_good_from} on. "
            "Give more --steps or a smaller --ema_decay, or load the trained weights by "
            "checkpoints.load(RUN, averaged=False)."
        )
