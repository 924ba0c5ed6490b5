"""The Hamburger as HamGAN uses it: spectrally normalised bread, NMF, gated skip."""

from gan.layers.conditional_batch_norm import ConditionalBatchNorm
from gan.layers.spectral_normalization import SpectralNormConv2D
from ham_tf import Hamburger, NMFLayer


def gan_hamburger(
    channels,
    ham_channels,
    rank,
    steps=6,
    groups=1,
    version=1,
    num_classes=None,
    batch_norm=True,
    decay=0.999,
    name="hamburger",
):
    """Builds a Hamburger with HamGAN's layers.

    Args:
        channels: channels of the feature map.
        ham_channels: channels the ham works on.
        rank: number of bases.
        steps: NMF updates without gradient, in training and at inference.
        groups: channel groups factorised separately.
        version: 1, or 2 with a cheese of `channels` channels.
        num_classes: classes of the batch norm; None for an unconditional one.
        batch_norm: False for the discriminator's, which has none.
        decay: of the batch norm's moving averages.
        name: name of the block.

    Returns:
        A `ham_tf.Hamburger`, to be called with `(inputs, labels, training=...)`.
    """

    def conv1x1(filters, name):
        # Unlike every other layer of HamGAN these divide by σ itself, and have no bias.
        return SpectralNormConv2D(filters, 1, use_bias=False, at_most_one=False, name=name)

    if version not in (1, 2):
        raise ValueError(f"`version` must be 1 or 2. Received: version={version!r}")
    return Hamburger(
        lower_bread=conv1x1(ham_channels, "lower_bread"),
        ham=NMFLayer(rank, steps=steps, groups=groups, name="ham"),
        cheese=conv1x1(channels, "cheese") if version == 2 else None,
        upper_bread=conv1x1(channels, "upper_bread"),
        normalization=ConditionalBatchNorm(num_classes, decay, name="normalization")
        if batch_norm
        else None,
        name=name,
    )
