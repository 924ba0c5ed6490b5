"""One object that describes a job: frozen, validated, JSON in and out.

Each field is declared once, with its default, unit and meaning; the command
line is generated from these declarations. Defaults are the published
HamGAN-strong.
"""

import dataclasses
import json
import math
from typing import Any, NamedTuple, Optional, Union, get_args, get_origin

from gan.resolutions import IMAGE_SIZES
from preprocessing.choices import RESAMPLINGS

INFERRED = "inferred"  # preset of a job of which only the model is known


class ConfigError(ValueError):
    """A setting that cannot work; the message names it and says what to do."""


def option(default, help, choices=None):  # noqa: A002
    """A field with its documentation: what it means, its unit, its source."""
    return dataclasses.field(default=default, metadata={"help": help, "choices": choices})


def _require(condition, name, value, rule):
    if not condition:
        raise ConfigError(f"--{name}={value}: {rule}")


def _check_choices(section):
    for field in dataclasses.fields(section):
        choices, value = field.metadata["choices"], getattr(section, field.name)
        if choices and not (value is None and field.default is None):
            offered = ", ".join(map(str, choices))
            _require(value in choices, field.name, value, f"must be one of {offered}.")


def value_type(field: dataclasses.Field) -> type:
    """The type of a field's values: of `Optional[int]`, `int`."""
    if get_origin(field.type) is Union:
        return next(kind for kind in get_args(field.type) if kind is not type(None))
    return field.type


_HAMS = ("nmf", "cd", "vq", "pooled_attention", "self_attention", "none")


class HamburgerConfig(NamedTuple):
    """The context module of one network; see the fields of `ModelConfig`."""

    ham: str
    version: int
    steps: int
    groups: int
    channels: int
    rank: int


@dataclasses.dataclass(frozen=True)
class ModelConfig:
    """Generator and discriminator. What a checkpoint fits is decided here."""

    image_size: int = option(128, "side of the square images, in pixels", IMAGE_SIZES)
    image_channels: int = option(3, "3 for colour, 1 for grey", (1, 3))
    num_classes: int = option(1000, "number of classes")
    z_dim: int = option(128, "length of a latent")
    generator_channels: int = option(64, "width of the generator at full resolution")
    discriminator_channels: int = option(64, "width of the discriminator's first block")
    ham: str = option(
        "nmf",
        "context module: a decomposition (nmf, cd, vq), attention to compare with "
        "(pooled_attention is SAGAN's) or none",
        _HAMS,
    )
    ham_version: int = option(1, "1, or 2: with cheese between ham and upper bread", (1, 2))
    ham_steps: int = option(6, "alternations without gradient (K in the paper)")
    ham_groups: int = option(1, "channel groups factorised separately (S in the code)")
    generator_ham_channels: int = option(256, "channels inside the generator's hamburger (D)")
    generator_ham_rank: int = option(32, "number of bases in the generator (R)")
    discriminator_ham_channels: int = option(
        128, "channels inside the discriminator's hamburger (D)"
    )
    discriminator_ham_rank: int = option(16, "number of bases in the discriminator (R)")
    discriminator_ham: Optional[str] = option(
        None, "the discriminator's context module, if not --ham", _HAMS
    )
    discriminator_ham_version: Optional[int] = option(
        None, "the discriminator's, if not --ham_version", (1, 2)
    )
    discriminator_ham_steps: Optional[int] = option(None, "the discriminator's, if not --ham_steps")
    discriminator_ham_groups: Optional[int] = option(
        None, "the discriminator's, if not --ham_groups"
    )
    batch_norm_decay: float = option(0.999, "weight of the old value in the moving averages")

    def __post_init__(self):
        _check_choices(self)
        for name in (
            "num_classes",
            "z_dim",
            "generator_channels",
            "discriminator_channels",
        ):
            value = getattr(self, name)
            _require(value >= 1, name, value, "must be at least 1.")
        decay = self.batch_norm_decay
        _require(0 <= decay < 1, "batch_norm_decay", decay, "must be in [0, 1).")
        self._check_hamburger("generator", self.generator_hamburger)
        self._check_hamburger("discriminator", self.discriminator_hamburger)

    @property
    def generator_hamburger(self) -> HamburgerConfig:
        return HamburgerConfig(
            self.ham,
            self.ham_version,
            self.ham_steps,
            self.ham_groups,
            self.generator_ham_channels,
            self.generator_ham_rank,
        )

    @property
    def discriminator_hamburger(self) -> HamburgerConfig:
        """The discriminator's, where what is not given apart is as in the generator."""
        own = (
            self.discriminator_ham,
            self.discriminator_ham_version,
            self.discriminator_ham_steps,
            self.discriminator_ham_groups,
        )
        shared = (self.ham, self.ham_version, self.ham_steps, self.ham_groups)
        return HamburgerConfig(
            *(common if value is None else value for value, common in zip(own, shared)),
            self.discriminator_ham_channels,
            self.discriminator_ham_rank,
        )

    def _check_hamburger(self, network, hamburger):
        def flag(name):  # The one that was given, of two that may set it.
            own = f"discriminator_ham_{name}"
            is_own = network == "discriminator" and getattr(self, own) is not None
            return own if is_own else f"ham_{name}"

        steps, groups = flag("steps"), flag("groups")
        _require(hamburger.steps >= 0, steps, hamburger.steps, "must not be negative.")
        _require(hamburger.groups >= 1, groups, hamburger.groups, "must be at least 1.")
        channels, rank = f"{network}_ham_channels", f"{network}_ham_rank"
        for name, value in ((channels, hamburger.channels), (rank, hamburger.rank)):
            _require(value >= 1, name, value, "must be at least 1.")
        _require(
            hamburger.channels % hamburger.groups == 0,
            channels,
            hamburger.channels,
            f"must be a multiple of --{groups}={hamburger.groups}.",
        )
        width = hamburger.channels // hamburger.groups
        _require(
            hamburger.rank <= width or hamburger.ham not in ("nmf", "cd", "vq"),
            rank,
            hamburger.rank,
            f"must be at most {width}, the channels of a group of the hamburger.",
        )


@dataclasses.dataclass(frozen=True)
class DataConfig:
    """Where real images come from."""

    dataset: str = option(
        "imagenet2012",
        "'digits' (embedded), the name of a tfds data set with image and label, or a folder of "
        "class folders",
    )
    data_dir: str = option("", "folder of tfds data sets; empty for tfds's own default")
    train_split: str = option("train", "split to train on, or a part of one as train[:1000]")
    test_split: str = option("validation", "split to evaluate against (digits: test)")
    shuffle_buffer: int = option(10_000, "undecoded images held for shuffling")
    resampling: str = option(
        RESAMPLINGS[0],
        "how images become smaller: bilinear, as published, or antialiased",
        RESAMPLINGS,
    )
    resized: str = option(
        "auto",
        "auto reads images already stored at this size and resampling, if there are any beside "
        "the data set; never reads the original ones",
        ("auto", "never"),
    )

    def __post_init__(self):
        _check_choices(self)
        _require(self.dataset, "dataset", repr(self.dataset), "must not be empty.")
        _require(
            self.shuffle_buffer >= 1, "shuffle_buffer", self.shuffle_buffer, "must be at least 1."
        )


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
    checkpoints_kept: int = option(100, "number of newest checkpoints to keep")
    grid_every: int = option(1000, "steps between sample grids")
    log_every: int = option(100, "steps between TensorBoard points")

    def __post_init__(self):
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
            _require(value >= 1, name, value, "must be at least 1.")
        for name in ("generator_lr", "discriminator_lr"):
            value = getattr(self, name)
            _require(0 < value < math.inf, name, value, "must be positive and finite.")
        for name in ("adam_beta1", "adam_beta2"):
            value = getattr(self, name)
            _require(0 <= value < 1, name, value, "must be in [0, 1).")
        _require(0 <= self.seed < 2**31, "seed", self.seed, "must be in [0, 2147483648).")


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
            _require(value >= 1, name, value, "must be at least 1.")
        _require(
            self.eval_images >= 2,
            "eval_images",
            self.eval_images,
            "must be at least 2: a covariance needs two.",
        )


@dataclasses.dataclass(frozen=True)
class ExperimentConfig:
    """A whole job. Stored as `config.json` beside its checkpoints.

    Attributes:
        preset: name of the preset it started from.
        model, data, training, evaluation: see the classes.
    """

    preset: str = "hamgan_strong"
    model: ModelConfig = dataclasses.field(default_factory=ModelConfig)
    data: DataConfig = dataclasses.field(default_factory=DataConfig)
    training: TrainingConfig = dataclasses.field(default_factory=TrainingConfig)
    evaluation: EvaluationConfig = dataclasses.field(default_factory=EvaluationConfig)

    def __post_init__(self):
        every, saved = self.evaluation.eval_every, self.training.checkpoint_every
        _require(
            every % saved == 0,
            "eval_every",
            every,
            f"must be a multiple of --checkpoint_every={saved}: checkpoints are evaluated.",
        )

    def replace(self, values: dict[str, Any], preset: Optional[str] = None) -> "ExperimentConfig":
        """Returns a copy with fields of any section replaced by name.

        Args:
            values: field name to new value, whatever section the field is in.
            preset: new name of the preset; None keeps the old one.

        Raises:
            ConfigError: for a name that no section has, or a value that cannot work.
        """
        known = {name for section in SECTIONS for name in field_names(section)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise ConfigError(
                f"Unknown setting {unknown[0]!r}. Known settings: {', '.join(sorted(known))}."
            )
        sections = {}
        for section in SECTIONS:
            mine = {name: values[name] for name in field_names(section) if name in values}
            sections[section] = dataclasses.replace(getattr(self, section), **mine)
        return dataclasses.replace(self, preset=preset or self.preset, **sections)

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self), indent=2) + "\n"

    @classmethod
    def from_json(cls, text, source: Optional[str] = None) -> "ExperimentConfig":
        """Reads `to_json`'s result, text or UTF-8 bytes; `source` is named in errors.

        Raises:
            ConfigError: if the text is not a configuration of this version.
        """
        source = source or "configuration"
        try:
            content = json.loads(text)
            sections = {name: SECTIONS[name](**content.pop(name)) for name in SECTIONS}
            return cls(**content, **sections)
        except ConfigError as error:
            raise ConfigError(f"{source}: {error}") from error
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ConfigError(
                f"{source} is not a configuration that this version writes ({error}). "
                "Expected the config.json of a run folder."
            ) from error


SECTIONS = {
    "model": ModelConfig,
    "data": DataConfig,
    "training": TrainingConfig,
    "evaluation": EvaluationConfig,
}


def field_names(section: str):
    """Names of the fields of a section, in order of declaration."""
    return [field.name for field in dataclasses.fields(SECTIONS[section])]
