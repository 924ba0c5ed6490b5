"""A data set of labelled images, whatever it is stored as."""

import contextlib
import dataclasses
import re
from typing import Callable, Optional

import tensorflow as tf

from preprocessing import digits
from preprocessing.central_crop import crop_and_resize


class DataError(ValueError):
    """Data that cannot be used; the message names it and says what to do."""


@contextlib.contextmanager
def naming_bad_labels():
    """Turns a pipeline's complaint about a label, found while reading, into a DataError."""
    try:
        yield
    except tf.errors.InvalidArgumentError as error:
        match = re.search(
            r"Data set \W*(\w+)\W*: a label is outside (\S+):\W+(-?\d+)", error.message
        )
        if not match:
            raise
        name, allowed, label = match.groups()
        raise DataError(
            f"Data set {name!r} has the label {label}, outside {allowed}. Give --num_classes as "
            "the data has."
        ) from error


@dataclasses.dataclass(frozen=True)
class ImageSource:
    """Labelled images of one size.

    Attributes:
        name: name of the data set.
        num_classes: number of classes.
        counts: number of images of each split.
        open: split name and file order's seed (None: stored order) to a
            `tf.data.Dataset`; see `split`.
    """

    name: str
    num_classes: int
    counts: dict[str, int]
    open: Callable[[str, Optional[int]], tf.data.Dataset]

    def split(self, name: str, shuffle_seed: Optional[int] = None) -> tf.data.Dataset:
        """The images of one split. To be called in the graph that will read them.

        Args:
            name: of the split.
            shuffle_seed: seed by which the order of the files is shuffled, as a start
                for a shuffle buffer; None for the stored order.

        Returns:
            Examples `{"images", "labels"}`: float32 `[size, size, channels]` in
            [-1, 1] and int32 scalars.

        Raises:
            DataError: if there is no such split.
        """
        self.check_splits(name)
        return self.open(name, shuffle_seed)

    def check_splits(self, *names: str):
        """Raises DataError if a split does not exist."""
        for name in names:
            if name not in self.counts:
                raise DataError(
                    f"Data set {self.name!r} has no split {name!r}. "
                    f"It has: {', '.join(sorted(self.counts))}."
                )


def open_images(
    dataset: str, image_size: int, image_channels: int, num_classes: int, data_dir: str = ""
) -> ImageSource:
    """Opens a data set by name.

    Args:
        dataset: "digits", or a tfds data set with features `image` and `label`.
        image_size: side of the images in pixels.
        image_channels: 1 or 3; grey and colour are converted into each other.
        num_classes: the number of classes that the model has.
        data_dir: folder of tfds data sets; empty for tfds's default.

    Raises:
        DataError: if the data set is unknown, not prepared, without labels, or of
            another number of classes.
    """
    if dataset == "digits":
        source = _open_digits(image_size, image_channels)
    else:
        source = _open_tfds(dataset, image_size, image_channels, num_classes, data_dir)
    if source.num_classes != num_classes:
        raise DataError(
            f"Data set {dataset!r} has {source.num_classes} classes, the model {num_classes}. "
            f"Give --num_classes={source.num_classes}."
        )
    return source


def _open_digits(image_size, image_channels):
    splits = digits.load_digits(image_size)

    def open_split(name, shuffle_seed):
        del shuffle_seed  # There are no files.
        split = splits[name]
        images = split.images.repeat(image_channels, axis=-1)
        return tf.data.Dataset.from_tensor_slices({"images": images, "labels": split.labels})

    counts = {name: len(split.labels) for name, split in splits.items()}
    return ImageSource("digits", digits.NUM_CLASSES, counts, open_split)


def _open_tfds(dataset, image_size, image_channels, num_classes, data_dir):
    try:
        import tensorflow_datasets as tfds
    except ImportError as error:
        raise DataError(
            f"Data set {dataset!r} needs tensorflow_datasets, which is not installed ({error}). "
            "Run `make setup`, or `pip install tensorflow-datasets`."
        ) from error
    try:
        builder = tfds.builder(dataset, data_dir=data_dir or None)
    except Exception as error:  # tfds has its own exception for each way to be wrong.
        reason = str(error).strip().splitlines()[0]
        raise DataError(
            f"--dataset={dataset}: not 'digits', and tfds cannot open it in "
            f"{data_dir or 'its default folder'}: {reason}"
        ) from error
    if not builder.info.splits:
        raise DataError(
            f"Data set {dataset!r} is not prepared in {builder.data_dir}. Prepare it with "
            f"tfds.builder({dataset!r}, data_dir=...).download_and_prepare(), or give --data_dir."
        )
    features = builder.info.features
    missing = [name for name in ("image", "label") if name not in features]
    if missing:
        raise DataError(
            f"Data set {dataset!r} has no feature {missing[0]!r}; it has "
            f"{', '.join(sorted(features))}. A class-conditional GAN needs image and label."
        )

    def to_input(example):
        image, label = example["image"], tf.cast(example["label"], tf.int32)
        in_range = tf.debugging.Assert(
            (label >= 0) & (label < num_classes),
            [f"Data set {dataset!r}: a label is outside 0..{num_classes - 1}:", label],
        )
        with tf.control_dependencies([in_range]):
            label = tf.identity(label)
        image = crop_and_resize(image, image_size)
        if image_channels == 3 and image.shape[-1] == 1:
            image = tf.image.grayscale_to_rgb(image)
        elif image_channels == 1 and image.shape[-1] == 3:
            image = tf.image.rgb_to_grayscale(image)
        image.set_shape([image_size, image_size, image_channels])
        return {"images": image, "labels": label}

    def open_split(name, shuffle_seed):
        examples = builder.as_dataset(
            split=name,
            shuffle_files=shuffle_seed is not None,
            read_config=tfds.ReadConfig(shuffle_seed=shuffle_seed),
        )
        return examples.map(to_input, num_parallel_calls=tf.data.AUTOTUNE)

    classes = getattr(features["label"], "num_classes", None) or num_classes
    counts = {name: info.num_examples for name, info in builder.info.splits.items()}
    return ImageSource(dataset, classes, counts, open_split)
