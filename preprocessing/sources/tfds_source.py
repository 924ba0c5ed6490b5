"""A data set of tfds as a source of images, read from its records or from resized ones."""

import shlex
from typing import Any

import tensorflow as tf

from preprocessing.choices import EXACT_STORES, STORES
from preprocessing.class_list import describe, numbered
from preprocessing.data_error import DataError
from preprocessing.error_text import first_line
from preprocessing.records.metadata import INFO_FILE
from preprocessing.resized.layout import cached_versions, find_cache
from preprocessing.sources.image_format import ImageFormat
from preprocessing.sources.labelled_images import ImageSource, no_split
from preprocessing.sources.tfds_records import compare, original_records, resized_records
from preprocessing.storage import check_utf8, join, names_in


class UnknownDataSetError(DataError):
    """tfds knows no data set of this name."""


def open_tfds(
    dataset: str, image_format: ImageFormat, num_classes: int, data_dir: str, resized: str
) -> ImageSource:
    """Opens a data set of tfds; see `image_source.open_images` for the arguments.

    For training, resized records are read however they are stored; in stored order, as for
    evaluation, exact ones and the original ones only.

    Raises:
        UnknownDataSetError: if tfds does not know it.
        DataError: if it cannot be used.
    """
    builder = _builder(dataset, data_dir)
    root, name = _root(builder), builder.info.full_name.rsplit("/", 1)[0]
    size, resampling = image_format.size, image_format.resampling

    def cache(stores):
        key = find_cache(root, name, str(builder.info.version), size, resampling, stores)
        return resized_records(key, root, image_format) if key else None

    originals = None
    if _is_prepared(builder):
        _check_features(dataset, builder.info)
        originals = original_records(builder.info, str(builder.data_dir), image_format)
    training = evaluation = originals
    if resized != "never":
        training = cache(STORES) or originals
        evaluation = cache(EXACT_STORES) or originals
    if training is None:
        there = cached_versions(root, name, size, resampling) if resized != "never" else ()
        raise _unprepared(dataset, builder, there)
    description = training.description
    label = training.info.features["label"]
    classes = getattr(label, "num_classes", None)
    names = tuple(label.names) if classes and numbered(label.names) else None
    if names:
        description += f", {describe(names)}"
    if originals and training is not originals:
        description += compare(training, originals)
    inexact = ""
    if evaluation is None:
        inexact = _no_exact_images(dataset, builder, image_format, training)
        description += "; too inexact for evaluation"
    elif evaluation.description != training.description:
        description += f"; for evaluation, {evaluation.description}"

    def examples(split, for_training):
        chosen = training if for_training else evaluation or training
        try:
            return chosen.examples(split)
        except (KeyError, ValueError) as error:
            raise no_split(dataset, split, chosen.info.splits) from error

    if classes is None:  # Plain integers, which nothing has checked.
        _check_labels(dataset, originals or training, num_classes)
        classes = num_classes
    return ImageSource(dataset, classes, description, examples, inexact=inexact, class_names=names)


def open_prepared(dataset: str, data_dir: str) -> tuple[Any, str]:
    """Finds a prepared data set of tfds whose images can be trained on.

    Args:
        dataset: its name.
        data_dir: folder of tfds data sets; empty for tfds's default.

    Returns:
        `tfds.core.DatasetInfo`, and the folder of tfds data sets.

    Raises:
        DataError: if it is unknown, not prepared, or has other features.
    """
    builder = _builder(dataset, data_dir)
    if not _is_prepared(builder):
        raise _unprepared(dataset, builder)
    _check_features(dataset, builder.info)
    return builder.info, _root(builder)


def _builder(dataset, data_dir):
    try:
        import tensorflow_datasets as tfds
    except ImportError as error:
        raise DataError(
            f"Data set {dataset!r} needs tensorflow_datasets, which is not installed ({error}). "
            "Run `make setup`, or `pip install tensorflow-datasets`."
        ) from error
    check_utf8("data_dir", data_dir)
    try:
        return tfds.builder(dataset, data_dir=data_dir or None)
    except Exception as error:  # tfds has its own exception for each way to be wrong.
        reason = first_line(error)
        raise UnknownDataSetError(
            f"--dataset={dataset}: not 'digits', no folder, and tfds cannot open it in "
            f"{data_dir or 'its default folder'}: {reason}"
        ) from error


def _root(builder):
    """The folder of all data sets: that of the builder without name, configuration, version."""
    folder = str(builder.data_dir).rstrip("/")
    return folder.rsplit("/", builder.info.full_name.count("/") + 1)[0]


def _is_prepared(builder):
    # Not `info.splits`, which tfds may know of data that is not there.
    return tf.io.gfile.exists(join(str(builder.data_dir), INFO_FILE))


def _unprepared(dataset, builder, resized_versions=()):
    found = _prepared_versions(builder)
    if found:
        flag = shlex.quote(f"--dataset={dataset}:{found[-1]}")
        advice = f"There is version {found[-1]}: give {flag}"
    else:
        advice = f"Prepare it with {_preparation(dataset, builder)}"
    resized = ", ".join(resized_versions)
    return DataError(
        f"Data set {dataset!r} is not prepared in {builder.data_dir}"
        + (f" (resized images there are of version {resized})" if resized else "")
        + f". {advice}, or give --data_dir."
    )


def _preparation(dataset, builder):
    """How the original records are made."""
    if builder.name == "imagenet2012":
        return "python -m preprocessing.imagenet"
    return f"tfds.builder({dataset!r}, data_dir=...).download_and_prepare()"


def _no_exact_images(dataset, builder, image_format, there):
    """Why evaluation, in which small differences count, does not read what is there."""
    advice = f"Prepare the original ones with {_preparation(dataset, builder)}"
    if builder.name == "imagenet2012":
        advice += (
            f", or exact ones by it with --size={image_format.size} "
            f"--resampling={image_format.resampling} --store={EXACT_STORES[0]}"
        )
    return f"evaluation needs exact images, and there is only {there.description}. {advice}."


def _prepared_versions(builder):
    """Other versions of a data set that are there, sorted."""
    parent = str(builder.data_dir).rpartition("/")[0]
    if not tf.io.gfile.isdir(parent):
        return []
    return [n for n in names_in(parent) if tf.io.gfile.exists(join(parent, n, INFO_FILE))]


def _check_features(dataset, info):
    import tensorflow_datasets as tfds

    features = info.features
    missing = [name for name in ("image", "label") if name not in features]
    if missing:
        raise DataError(
            f"Data set {dataset!r} has no feature {missing[0]!r}; it has "
            f"{', '.join(sorted(features))}. A class-conditional GAN needs image and label."
        )
    image, label = features["image"], features["label"]
    is_image = isinstance(image, tfds.features.Image) and image.shape[-1] in (1, 3)
    if not is_image or tf.as_dtype(image.np_dtype) != tf.uint8:
        raise DataError(
            f"Data set {dataset!r}: its feature 'image' is {image}. Expected 8-bit images of 1 or "
            "3 channels."
        )
    if label.shape != () or not tf.as_dtype(label.np_dtype).is_integer:
        raise DataError(
            f"Data set {dataset!r}: its feature 'label' is {label}. Expected one integer."
        )
    stored = info.file_format and info.file_format.file_suffix
    if stored not in (None, "tfrecord"):
        raise DataError(
            f"Data set {dataset!r} is stored as {stored}. Expected tfrecord: convert it with "
            "`python -m tensorflow_datasets.scripts.convert_format`."
        )


def _check_labels(dataset, records, num_classes):
    import tensorflow_datasets as tfds

    read = tfds.features.FeaturesDict({"label": records.info.features["label"]})
    for split in records.info.splits:
        labels = records.files(split).stored().map(lambda r: read.deserialize_example(r)["label"])
        for label in labels.as_numpy_iterator():
            if not 0 <= int(label) < num_classes:
                raise DataError(
                    f"Data set {dataset!r} has the label {int(label)}, outside "
                    f"0..{num_classes - 1}. Give --num_classes as the data has."
                )
