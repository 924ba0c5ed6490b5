"""From where the images are to which shard each belongs in."""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from preprocessing.ilsvrc.listing import Listing
from preprocessing.ilsvrc.repair import CMYK_IMAGES, PNG_IMAGES
from preprocessing.records.conversion import SplitPlan
from preprocessing.records.order import shard_count, shard_name, shard_slices, shuffled_order
from preprocessing.records.shard import Encoder, ShardTask


def plan_splits(
    listings: dict[str, Listing],
    dataset: str,
    encoder: Encoder,
    skip_undecodable: bool,
    begun: Mapping[str, Any],
) -> dict[str, SplitPlan]:
    """Plans a data set with the order and the shards that tfds would give it.

    Args:
        listings: split to its images.
        dataset: name of the data set, for the names of files.
        encoder: makes the records.
        skip_undecodable: whether to leave out what is no image.
        begun: of `Target.begun_splits`. Shards keep the bounds that they were begun with,
            also where images have other sizes since.
    """
    return {
        split: _plan_split(split, listing, dataset, encoder, skip_undecodable, begun.get(split))
        for split, listing in listings.items()
    }


def _plan_split(split, listing, dataset, encoder, skip_undecodable, begun):
    order = shuffled_order(listing.names.tolist(), split)
    names, labels, sizes = listing.names[order], listing.labels[order], listing.sizes[order]
    others = [name.encode() for name in CMYK_IMAGES | PNG_IMAGES]
    for index in np.flatnonzero(np.isin(names, others)):
        (repaired,) = listing.select(order[index : index + 1]).read()
        sizes[index] = len(repaired.encoded)
    record_bytes = int(encoder.record_sizes(names, labels, sizes).sum())
    digest = hashlib.sha256(names.tobytes() + labels.tobytes()).hexdigest()[:16]
    if begun and begun["digest"] == digest:
        num_shards = begun["shards"]
    else:
        num_shards = shard_count(len(order), record_bytes)
    slices = shard_slices(len(order), num_shards)
    tasks = [
        ShardTask(
            shard_name(dataset, split, index, len(slices)),
            listing.select(order[part]),
            encoder,
            skip_undecodable,
        )
        for index, part in enumerate(slices)
    ]
    return SplitPlan(tasks, record_bytes, digest)
