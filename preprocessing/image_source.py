"""Data sets of labelled images by name: the digits, what tfds has, folders of class folders."""

from typing import Optional

from preprocessing.class_list import check_same_classes
from preprocessing.data_error import DataError
from preprocessing.sources.digit_source import open_digits
from preprocessing.sources.folder_source import open_folder
from preprocessing.sources.image_folder import is_folder_path
from preprocessing.sources.image_format import ImageFormat
from preprocessing.sources.labelled_images import ImageSource
from preprocessing.sources.tfds_source import UnknownDataSetError, open_tfds
from preprocessing.storage import is_folder


def open_images(
    dataset: str,
    image_size: int,
    image_channels: int,
    num_classes: int,
    data_dir: str = "",
    resampling: str = "bilinear",
    resized: str = "auto",
    class_names: Optional[tuple[str, ...]] = None,
) -> ImageSource:
    """Opens a data set by name.

    Args:
        dataset: "digits"; a tfds data set with features `image` and `label`; or a folder
            of class folders, see `image_folder.list_folder`.
        image_size: side of the images in pixels.
        image_channels: 1 or 3; grey and colour are converted into each other.
        num_classes: the number of classes that the model has.
        data_dir: folder of tfds data sets; empty for tfds's default.
        resampling: one of `choices.RESAMPLINGS`; the digits have their own.
        resized: "auto" to read images that are stored at this size already, where
            there are any; "never" for the originals.
        class_names: those that a model was trained with, by label: the data must have the
            same, and class folders get the same labels. Empty for a model of an earlier
            version, which stored none; None for a new one. See `class_list.in_order`.

    Raises:
        ClassesChangedError: if the data has other classes than `class_names`.
        DataError: if the data set is unknown, not prepared, without labels, or of
            another number of classes.
    """
    image_format = ImageFormat(image_size, image_channels, resampling)
    if dataset == "digits":
        source = open_digits(image_format)
    elif is_folder_path(dataset):
        source = open_folder(dataset, image_format, class_names)
    else:
        try:
            source = open_tfds(dataset, image_format, num_classes, data_dir, resized)
        except UnknownDataSetError:
            if not is_folder(dataset):
                raise
            source = open_folder(dataset, image_format, class_names)
    check_same_classes(dataset, class_names, source.class_names)
    if source.num_classes != num_classes:
        raise DataError(
            f"Data set {dataset!r} has {source.num_classes} classes, the model {num_classes}. "
            f"Give --num_classes={source.num_classes}."
        )
    return source
