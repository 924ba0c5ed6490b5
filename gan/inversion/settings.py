"""How an image is inverted: numbers with their meaning, checked, without TensorFlow.

The flags of `gan.invert` are generated from these declarations.
"""

import dataclasses
import math

from gan.config import option


class InversionError(ValueError):
    """An inversion that cannot work; the message names the reason and says what to do."""


@dataclasses.dataclass(frozen=True)
class InversionSettings:
    """What is minimised, from where and for how long.

    Raises:
        InversionError: for a value that cannot work.
    """

    steps: int = option(300, "of Adam")
    learning_rate: float = option(0.1, "of Adam at the first step; falls to 0 along a cosine")
    starts: int = option(4, "random latents per class to start from; the best result is kept")
    seed: int = option(0, "of the first start, 0 to 2147483647; the others have the next ones")
    pixel_weight: float = option(1.0, "weight of the mean squared error of the pixels")
    feature_weight: float = option(
        0.1, "weight of the relative squared error of the discriminator's feature maps"
    )
    prior_weight: float = option(
        0.01,
        "weight of (mean square of the latent - 1)², which keeps latents as long as drawn ones",
    )

    def __post_init__(self):
        for name in ("steps", "starts"):
            self._require(getattr(self, name) >= 1, name, "must be at least 1.")
        self._require(0 <= self.seed < 2**31, "seed", "must be in [0, 2147483648).")
        self._require(
            0 < self.learning_rate < math.inf, "learning_rate", "must be positive and finite."
        )
        for name in ("pixel_weight", "feature_weight", "prior_weight"):
            self._require(
                0 <= getattr(self, name) < math.inf, name, "must be finite and not negative."
            )
        self._require(
            self.pixel_weight > 0 or self.feature_weight > 0,
            "pixel_weight",
            "must be positive where --feature_weight is 0: nothing would be compared.",
        )

    def _require(self, condition, name, rule):
        if not condition:
            raise InversionError(f"--{name}={getattr(self, name)}: {rule}")
