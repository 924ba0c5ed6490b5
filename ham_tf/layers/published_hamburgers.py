"""The three published forms of the block, which make their layers themselves."""

import math

from tensorflow import keras

from ham_tf.layers.arguments import check_choice, check_integer, check_layer
from ham_tf.layers.dual_ham import DualHam
from ham_tf.layers.group_normalization import GroupNormalization
from ham_tf.layers.hamburger import HamburgerBlock, check_ham
from ham_tf.layers.hams import HAM_NAMES, HAMS_WITH_RANK, make_ham
from ham_tf.layers.linear_map import linear_map
from ham_tf.layers.sublayers import deserialize_layers, serialize_layer

GIVEN_LAYERS = ("ham", "channel_ham", "normalization")
CHANNEL_HAM_NAMES = ("nmf", "cd", "vq")


def check_rank(rank, *hams):
    """Returns `rank`, that of the hams given by name.

    Raises:
        ValueError: for a rank out of range, or one that no ham takes.
    """
    if rank is not None and not any(ham in HAMS_WITH_RANK for ham in hams):
        raise ValueError(
            "`rank` is that of a decomposition given by name; a layer has its own, attention "
            f"has none. Received: rank={rank!r}"
        )
    return None if rank is None else check_integer("rank", rank, 1)


class PublishedHamburger(HamburgerBlock):
    """Abstract block of size-1 convolutions around a ham.

    Args:
        ham: a context layer, as `NMFLayer(rank=64)` or `SelfAttention()`, or the
            name of one with its defaults: `"nmf"`, `"cd"`, `"vq"`, `"em"`,
            `"self_attention"`, `"pooled_attention"`. Attention has projections of
            its own and gets no lower bread.
        ham_channels: channels of the ham; None for those of the input. The paper
            uses 512.
        rank: of a ham given by name; None for an eighth of its channels.
        normalization: `"group"` (at most 32 groups), `"batch"`, None, or a layer,
            called with the block's condition if it gets one. What a ham returns is
            nearly the same at all pixels, so its mean over a batch is 10 to 40
            standard deviations and moves by several of them in a few steps. The
            moving averages of batch normalisation cannot follow that: until
            training has slowed down, they are of no use at inference. Group
            normalisation has none. For the authors' VOC models give
            `BatchNormalization(momentum=0.9997, epsilon=1e-5)`; their ADE20K models
            have 32 groups.
        gate: initial value of the learned scalar that multiplies the burger; None
            for none. The GAN forms have one that starts at 0.
        skip_gate: the same for the skip connection.
        activation: of the sum; the GAN forms have none.
    """

    def __init__(
        self,
        ham="nmf",
        ham_channels=None,
        rank=None,
        normalization="group",
        gate=None,
        skip_gate=None,
        activation="relu",
        **kwargs,
    ):
        super().__init__(gate, skip_gate, activation, **kwargs)
        self.ham_channels = (
            None if ham_channels is None else check_integer("ham_channels", ham_channels, 1)
        )
        self.rank = check_rank(rank, ham)
        self._given = {"ham": ham, "normalization": normalization}
        if isinstance(ham, str):
            check_choice("ham", ham, HAM_NAMES)
        else:
            check_ham("ham", ham)
        if isinstance(normalization, str):
            check_choice("normalization", normalization, ("batch", "group"))
        else:
            check_layer("normalization", normalization, optional=True)

    def make_ham(self, channels):
        """The layer between the breads, for that many channels."""
        return self._make_ham(self._given["ham"], channels, name="ham")

    def cheese_channels(self, ham_channels):
        """Channels of the cheese for those of one ham, or None for a block without."""
        raise NotImplementedError

    def make_sublayers(self, input_shape):
        channels = input_shape[-1]
        ham_channels = self.ham_channels or channels
        ham = self.make_ham(ham_channels)
        cheese_channels = self.cheese_channels(ham_channels)

        def linear(name, width, use_bias=False):
            return linear_map(input_shape, width, use_bias, name, self.dtype_policy)

        return {
            # Attention starts with linear maps of its own.
            "lower_bread": None
            if getattr(ham, "projects_its_input", False)
            else linear(
                "lower_bread", ham_channels * (1 + isinstance(ham, DualHam)), use_bias=True
            ),
            "ham": ham,
            "cheese": None if cheese_channels is None else linear("cheese", cheese_channels),
            "normalization": self._make_normalization(cheese_channels or channels),
            "upper_bread": linear("upper_bread", channels),
        }

    def get_config(self):
        config = super().get_config()
        config.update(ham_channels=self.ham_channels, rank=self.rank)
        config.update({name: serialize_layer(layer) for name, layer in self._given.items()})
        return config

    @classmethod
    def from_config(cls, config):
        return cls(**deserialize_layers(config, GIVEN_LAYERS))

    def _make_normalization(self, channels):
        given = self._given["normalization"]
        arguments = {"epsilon": 1e-5, "name": "normalization", "dtype": self.dtype_policy}
        if given == "group":
            return GroupNormalization(math.gcd(channels, 32), **arguments)
        if given == "batch":
            return keras.layers.BatchNormalization(**arguments)
        return given

    def _make_ham(self, ham, channels, **other):
        if not isinstance(ham, str):
            return ham
        rank = self.rank if ham in HAMS_WITH_RANK else None
        return make_ham(ham, channels, rank, dtype=self.dtype_policy, **other)


@keras.utils.register_keras_serializable(package="ham_tf")
class HamburgerV1(PublishedHamburger):
    """`relu(x + normalization(upper_bread(ham(lower_bread(x)))))`.

    Args:
        ham: a context layer, as `NMFLayer(rank=64)` or `SelfAttention()`, or the
            name of one with its defaults: `"nmf"`, `"cd"`, `"vq"`, `"em"`,
            `"self_attention"`, `"pooled_attention"`.
        ham_channels: channels of the ham; None for those of the input. The paper
            uses 512.
        rank: of a ham given by name; None for an eighth of its channels.
        normalization: `"group"` (at most 32 groups), `"batch"`, None or a layer.
        gate: initial value of a learned scalar that multiplies the burger, or None.
        skip_gate: the same for the skip connection.
        activation: of the sum. For a GAN: `gate=0.0, activation=None`.
        **kwargs: `name`, `dtype` and the other arguments of a Keras layer.

    Call arguments:
        inputs: `[batch, height, width, channels]` or `[batch, positions, channels]`.
        condition: second argument of a conditional normalisation, or None.
        training: passed to the ham and the normalisation.

    Returns:
        A tensor with the shape of `inputs`.

    Raises:
        ValueError: for an argument out of range, or channels that do not fit.

    Example:
        >>> x = keras.Input([64, 64, 512])
        >>> y = HamburgerV1("nmf")(x)
        >>> z = HamburgerV1("self_attention")(x)

    Reference:
        Geng et al., "Is Attention Better Than Matrix Decomposition?", ICLR 2021,
        section 3.1.
    """

    def cheese_channels(self, ham_channels):
        return None


@keras.utils.register_keras_serializable(package="ham_tf")
class HamburgerV2(PublishedHamburger):
    """`relu(x + upper_bread(relu(normalization(cheese(ham(lower_bread(x)))))))`.

    Args:
        ham: see `HamburgerV1`.
        ham_channels: channels of ham and cheese; None for those of the input.
        rank: of a ham given by name; None for an eighth of its channels.
        normalization: `"group"` (at most 32 groups), `"batch"`, None or a layer.
        gate: initial value of a learned scalar that multiplies the burger, or None.
        skip_gate: the same for the skip connection.
        activation: of the sum. For a GAN: `gate=0.0, activation=None`.
        **kwargs: `name`, `dtype` and the other arguments of a Keras layer.

    Call arguments:
        inputs: `[batch, height, width, channels]` or `[batch, positions, channels]`.
        condition: second argument of a conditional normalisation, or None.
        training: passed to the ham and the normalisation.

    Returns:
        A tensor with the shape of `inputs`.

    Raises:
        ValueError: for an argument out of range, or channels that do not fit.

    Reference:
        Version 2 of the authors' segmentation code.
    """

    def cheese_channels(self, ham_channels):
        return ham_channels


@keras.utils.register_keras_serializable(package="ham_tf")
class HamburgerV2Plus(PublishedHamburger):
    """`relu(gate · burger(x) + skip_gate · x)` with the burger of version 2.

    Two learned gates, a cheese that may be narrower than the ham, and optionally
    a second ham over the channels beside the one over the pixels (`DualHam`).

    Args:
        ham: see `HamburgerV1`. Give a layer with `groups` for the grouped form.
        channel_ham: the second ham of the dual form, as
            `NMFLayer(rank=64, spatial=False)`, or its name; None for none.
        ham_channels: channels of each ham; None for those of the input.
        cheese_factor: the cheese has `ham_channels / cheese_factor` channels.
        rank: of hams given by name; None for an eighth of their channels.
        normalization: `"group"` (at most 32 groups), `"batch"`, None or a layer.
        gate: initial value of the scalar that multiplies the burger: 0 (published
            as "zero ham") or 1; None for none.
        skip_gate: the same for the skip connection.
        activation: of the sum.
        **kwargs: `name`, `dtype` and the other arguments of a Keras layer.

    Call arguments:
        inputs: `[batch, height, width, channels]` or `[batch, positions, channels]`.
        condition: second argument of a conditional normalisation, or None.
        training: passed to the hams and the normalisation.

    Returns:
        A tensor with the shape of `inputs`.

    Raises:
        ValueError: for an argument out of range, or channels that do not fit.

    Reference:
        Version 2+ of the authors' segmentation code (HamNet+).
    """

    def __init__(
        self,
        ham="nmf",
        channel_ham=None,
        ham_channels=None,
        cheese_factor=1,
        rank=None,
        normalization="group",
        gate=0.0,
        skip_gate=1.0,
        activation="relu",
        **kwargs,
    ):
        super().__init__(
            ham, ham_channels, None, normalization, gate, skip_gate, activation, **kwargs
        )
        self.rank = check_rank(rank, ham, channel_ham)
        if isinstance(channel_ham, str):
            check_choice("channel_ham", channel_ham, CHANNEL_HAM_NAMES)
        elif channel_ham is not None:
            check_ham("channel_ham", channel_ham)
        self.cheese_factor = check_integer("cheese_factor", cheese_factor, 1)
        self._given["channel_ham"] = channel_ham

    def make_ham(self, channels):
        channel_ham = self._given["channel_ham"]
        if channel_ham is None:
            return super().make_ham(channels)
        if isinstance(channel_ham, str):
            channel_ham = self._make_ham(channel_ham, channels, name="channel_ham", spatial=False)
        ham = self._make_ham(self._given["ham"], channels, name="spatial_ham")
        return DualHam(ham, channel_ham, name="ham", dtype=self.dtype_policy)

    def cheese_channels(self, ham_channels):
        if ham_channels % self.cheese_factor:
            raise ValueError(
                "`cheese_factor` must divide the channels of the ham. Received: "
                f"cheese_factor={self.cheese_factor} for {ham_channels} channels"
            )
        return ham_channels // self.cheese_factor

    def get_config(self):
        config = super().get_config()
        config.update(cheese_factor=self.cheese_factor)
        return config
