"""The context block as HamGAN uses it: spectrally normalised bread, a ham, a gated skip."""

from gan.layers.conditional_batch_norm import ConditionalBatchNorm
from gan.layers.spectral_normalization import SpectralNormConv2D
from ham_tf import CDLayer, Hamburger, NMFLayer, SelfAttention, VQLayer
from ham_tf.layers.hams import ATTENTION

DECOMPOSITIONS = {"nmf": NMFLayer, "cd": CDLayer, "vq": VQLayer}


def gan_hamburger(
    channels,
    ham_channels,
    rank,
    ham="nmf",
    steps=6,
    groups=1,
    version=1,
    num_classes=None,
    batch_norm=True,
    decay=0.999,
    name="hamburger",
    dtype=None,
):
    """Builds a Hamburger with HamGAN's layers, or an attention block in its place.

    Args:
        channels: channels of the feature map.
        ham_channels: channels the decomposition works on.
        rank: number of bases.
        ham: `"nmf"`, `"cd"` or `"vq"`; `"pooled_attention"` (the block of SAGAN)
            or `"self_attention"` with the same convolutions, normalisation and
            gate, which take no notice of `ham_channels`, `rank`, `steps` and `groups`.
        steps: alternations without gradient, in training and at inference.
        groups: channel groups factorised separately.
        version: 1, or 2 with a cheese of `channels` channels.
        num_classes: classes of the batch norm; None for an unconditional one.
        batch_norm: False for the discriminator's, which has none.
        decay: of the batch norm's moving averages.
        name: name of the block.
        dtype: policy of all its layers; None for Keras's global one.

    Returns:
        A `ham_tf.Hamburger`, to be called with `(inputs, labels, training=...)`; for the
        labels see `ConditionalBatchNorm`.

    Raises:
        ValueError: for another ham or version.
    """

    def conv1x1(filters, name):
        # Unlike every other layer of HamGAN these divide by σ itself, and have no bias.
        return SpectralNormConv2D(
            filters, 1, use_bias=False, at_most_one=False, name=name, dtype=dtype
        )

    def attention(key_ratio, value_ratio, pool_size):
        return SelfAttention(
            key_ratio,
            value_ratio,
            pool_size,
            query=conv1x1(max(1, channels // key_ratio), "query"),
            key=conv1x1(max(1, channels // key_ratio), "key"),
            value=conv1x1(max(1, channels // value_ratio), "value"),
            name="ham",
            dtype=dtype,
        )

    if version not in (1, 2):
        raise ValueError(f"`version` must be 1 or 2. Received: version={version!r}")
    lower_bread = None
    if ham in DECOMPOSITIONS:
        lower_bread = conv1x1(ham_channels, "lower_bread")
        context = DECOMPOSITIONS[ham](rank, steps=steps, groups=groups, name="ham", dtype=dtype)
    elif ham in ATTENTION:
        context = attention(**ATTENTION[ham])
    else:
        offered = [*DECOMPOSITIONS, *ATTENTION]
        raise ValueError(f"`ham` must be one of {offered}. Received: ham={ham!r}")
    return Hamburger(
        lower_bread=lower_bread,
        ham=context,
        cheese=conv1x1(channels, "cheese") if version == 2 else None,
        upper_bread=conv1x1(channels, "upper_bread"),
        normalization=ConditionalBatchNorm(num_classes, decay, name="normalization", dtype=dtype)
        if batch_norm
        else None,
        name=name,
        dtype=dtype,
    )
