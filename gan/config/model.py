"""Generator and discriminator: what a checkpoint fits is decided here."""

import dataclasses
from typing import NamedTuple, Optional

from gan.config.fields import check_choices, option, require
from gan.resolutions import IMAGE_SIZES

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
        check_choices(self)
        for name in (
            "num_classes",
            "z_dim",
            "generator_channels",
            "discriminator_channels",
        ):
            value = getattr(self, name)
            require(value >= 1, name, value, "must be at least 1.")
        decay = self.batch_norm_decay
        require(0 <= decay < 1, "batch_norm_decay", decay, "must be in [0, 1).")
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
        require(hamburger.steps >= 0, steps, hamburger.steps, "must not be negative.")
        require(hamburger.groups >= 1, groups, hamburger.groups, "must be at least 1.")
        channels, rank = f"{network}_ham_channels", f"{network}_ham_rank"
        for name, value in ((channels, hamburger.channels), (rank, hamburger.rank)):
            require(value >= 1, name, value, "must be at least 1.")
        require(
            hamburger.channels % hamburger.groups == 0,
            channels,
            hamburger.channels,
            f"must be a multiple of --{groups}={hamburger.groups}.",
        )
        width = hamburger.channels // hamburger.groups
        require(
            hamburger.rank <= width or hamburger.ham not in ("nmf", "cd", "vq"),
            rank,
            hamburger.rank,
            f"must be at most {width}, the channels of a group of the hamburger.",
        )
