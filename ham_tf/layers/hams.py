"""All context modules by name: the switch that asks whether attention is better."""

from ham_tf.layers.arguments import check_choice
from ham_tf.layers.cd_layer import CDLayer
from ham_tf.layers.em_layer import EMLayer
from ham_tf.layers.nmf_layer import NMFLayer
from ham_tf.layers.self_attention import SelfAttention
from ham_tf.layers.vq_layer import VQLayer

# 6 steps in training and 7 at inference, unit bases and a ridge of 0.1: the
# authors' segmentation code. Their GAN code has 6 and 6, bases as drawn and 0.01.
_STEPS = {"steps": 6, "eval_steps": 7}
_MAKERS = {
    "nmf": lambda rank, **other: NMFLayer(rank, normalize_bases=True, **_STEPS, **other),
    "cd": lambda rank, **other: CDLayer(rank, ridge=0.1, **_STEPS, **other),
    "vq": lambda rank, **other: VQLayer(rank, **_STEPS, **other),
    "em": EMLayer,
}
# The arguments of `SelfAttention` for full attention and for SAGAN's.
ATTENTION = {
    "self_attention": {"key_ratio": 1, "value_ratio": 1, "pool_size": 1},
    "pooled_attention": {"key_ratio": 8, "value_ratio": 2, "pool_size": 2},
}
HAMS_WITH_RANK = tuple(_MAKERS)
HAM_NAMES = (*HAMS_WITH_RANK, *ATTENTION)


def make_ham(ham, channels, rank=None, **other):
    """Makes a context module with its defaults.

    Args:
        ham: `"nmf"`, `"cd"`, `"vq"` or `"em"`; `"self_attention"`, or
            `"pooled_attention"` for that of SAGAN.
        channels: that the module will get.
        rank: number of bases; None for an eighth of the channels. Attention has none.
        **other: arguments of the layer, as `spatial` or `name`.

    Returns:
        A Keras layer.

    Raises:
        ValueError: for another name, or attention with a rank.
    """
    check_choice("ham", ham, HAM_NAMES)
    if ham in ATTENTION:
        if rank is not None:
            raise ValueError(f"Attention has no `rank`. Received: ham={ham!r}, rank={rank!r}")
        return SelfAttention(**{**ATTENTION[ham], **other})
    return _MAKERS[ham](max(1, channels // 8) if rank is None else rank, **other)
