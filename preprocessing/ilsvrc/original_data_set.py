"""The data set that ImageNet's images become: tfds's own."""

import os

from preprocessing.ilsvrc.listing import Listing
from preprocessing.ilsvrc.original_record import OriginalEncoder
from preprocessing.ilsvrc.split_plans import plan_splits
from preprocessing.records.conversion import Conversion
from preprocessing.records.target import Target
from preprocessing.storage import check_utf8

DATASET = "imagenet2012"


def imagenet_info(data_dir: str):
    """tfds's description of ImageNet in a folder of data sets, empty for tfds's default.

    Returns:
        `tfds.core.DatasetInfo` without splits, and the folder.
    """
    import tensorflow_datasets as tfds  # Takes seconds to import.

    check_utf8("data_dir", data_dir)
    builder = tfds.builder(DATASET, data_dir=data_dir or None)
    return builder.info, os.fspath(builder.data_dir_root)


def original_target(info, data_dir: str) -> Target:
    """Where tfds looks for ImageNet."""
    return Target(data_dir, DATASET, str(info.version))


def original_conversion(
    info, target: Target, listings: dict[str, Listing], check: bool, skip_undecodable: bool
) -> Conversion:
    """The data set that tfds itself would make.

    Args:
        info: of `imagenet_info`.
        target: of `original_target`.
        listings: split to its images.
        check: whether each image is decoded to see that it can be.
        skip_undecodable: whether to leave out what cannot.
    """
    plans = plan_splits(
        listings, DATASET, OriginalEncoder(check), skip_undecodable, target.begun_splits()
    )
    return Conversion(target, lambda: info, plans, settings={})
