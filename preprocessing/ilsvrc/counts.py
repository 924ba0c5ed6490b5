"""Whether a split's images are all of the challenge's, each once."""

import numpy as np

from preprocessing.data_error import DataError
from preprocessing.ilsvrc import challenge
from preprocessing.ilsvrc.listing import Listing
from preprocessing.ilsvrc.notes import Notes

_MOST_NAMED = 5


def check_split(split: str, listing: Listing, allow_partial: bool, notes: Notes):
    """Checks the number of images and of each name.

    Args:
        split: "train", "validation" or "test".
        listing: its images.
        allow_partial: whether images may be missing; what there is becomes a note.
        notes: gets the note.

    Raises:
        DataError: if a name is there twice; unless partial, if images are missing or too many.
    """
    _check_unique(listing)
    wrong = _difference(split, listing)
    if not wrong:
        return
    expected = f"{challenge.COUNTS[split]:,}"
    if not allow_partial:
        raise DataError(
            f"{split}: {wrong}. Expected all {expected} images of the challenge; fetch or extract "
            "them again, or give --allow_partial to use what there is."
        )
    notes.say(f"{split}: {len(listing):,} of {expected} images; {wrong}.")


def _check_unique(listing):
    order = np.argsort(listing.names, kind="stable")
    names = listing.names[order]
    (same,) = np.nonzero(names[1:] == names[:-1])
    if len(same):
        first, second = order[same[0]], order[same[0] + 1]
        more = f" ({len(same):,} names are)" if len(same) > 1 else ""
        raise DataError(
            f"{listing.path(first)} is there twice{more}, the second time in "
            f"{listing.containers[listing.container[second]]}. Remove one of them."
        )


def _difference(split, listing):
    """What is wrong with the number of images, or nothing."""
    if split != "train":
        return _missing_numbers(split, listing)
    counts = np.bincount(listing.labels, minlength=challenge.NUM_CLASSES)
    missing = [challenge.wordnet_ids()[label] for label in np.flatnonzero(counts == 0)]
    if missing:
        return f"{len(missing):,} of 1,000 classes missing: {_some(missing)}"
    few, many = challenge.FEWEST_PER_CLASS, challenge.MOST_PER_CLASS
    odd = np.flatnonzero((counts < few) | (counts > many))
    if len(odd):
        named = [f"{challenge.wordnet_ids()[label]} ({counts[label]:,})" for label in odd]
        return f"{len(odd):,} classes without {few} to {many:,} images: {_some(named)}"
    if len(listing) != challenge.COUNTS[split]:
        return f"{len(listing):,} images"
    return ""


def _missing_numbers(split, listing):
    numbers = [int(name[-len("00000001.JPEG") : -len(".JPEG")]) for name in listing.names]
    missing = np.setdiff1d(np.arange(1, challenge.COUNTS[split] + 1), numbers)
    if not len(missing):
        return ""
    return f"{len(missing):,} images missing, numbers {_some([str(n) for n in missing])}"


def _some(names):
    return ", ".join(names[:_MOST_NAMED]) + (", ..." if len(names) > _MOST_NAMED else "")
