"""How a checkpoint is judged."""

import dataclasses

from gan.config.fields import option, require


@dataclasses.dataclass(frozen=True)
class EvaluationConfig:
    """How a checkpoint is judged: as many generated images as real ones."""

    eval_every: int = option(1000, "steps between evaluations in train_and_eval")
    eval_images: int = option(50_176, "generated images per evaluation (published: 49 × 1024)")
    eval_batch_size: int = option(
        1024, "images generated at once, at most: fewer where they are large; changes no figure"
    )
    eval_repetitions: int = option(
        5, "how often the final evaluation is repeated, each time from other latents"
    )
    inception: str = option(
        "",
        "TensorFlow Hub handle of Inception or folder of its SavedModel; empty: TF-GAN's handle "
        "for images of more than 32 pixels, a small classifier for others",
    )

    def __post_init__(self):
        for name in ("eval_every", "eval_batch_size", "eval_repetitions"):
            value = getattr(self, name)
            require(value >= 1, name, value, "must be at least 1.")
        require(
            self.eval_images >= 2,
            "eval_images",
            self.eval_images,
            "must be at least 2: a covariance needs two.",
        )
