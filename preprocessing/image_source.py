"""A data set of labelled images, whatever it is stored as."""

import dataclasses
from typing import Callable, Optional

import tensorflow as tf

from preprocessing import digits
from preprocessing.central_crop import crop_and_resize
from preprocessing.data_error import DataError


@dataclasses.dataclass(frozen=True)
class ImageSource:
    """Labelled images of one size.

    Attributes:
        name: name of the data set.
        num_classes: number of classes.
        count: split name to its number of images; DataError if there is no such split.
        open: split name and file order's seed (None: stored order) to a
            `tf.data.Dataset`; see `split`.
    """

    name: str
    num_classes: int
    count: Callable[[str], int]
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
        self.count(name)
        return self.open(name, shuffle_seed)


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

    def count(name):
        if name not in splits:
            raise _no_split("digits", name, splits)
        return len(splits[name].labels)

    def open_split(name, shuffle_seed):
        del shuffle_seed  # There are no files.
        split = splits[name]
        images = split.images.repeat(image_channels, axis=-1)
        return tf.data.Dataset.from_tensor_slices({"images": images, "labels": split.labels})

    return ImageSource("digits", digits.NUM_CLASSES, count, open_split)


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
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise DataError(
            f"--dataset={dataset}: not 'digits', and tfds cannot open it in "
            f"{data_dir or 'its default folder'}: {reason}"
        ) from error
    splits = builder.info.splits
    if not splits:
        raise DataError(
            f"Data set {dataset!r} is not prepared in {builder.data_dir}. Prepare it with "
            f"tfds.builder({dataset!r}, data_dir=...).download_and_prepare(), or give --data_dir."
        )
    features = builder.info.features
    _check_features(dataset, features, tfds)

    def count(name):
        try:
            return splits[name].num_examples
        except (KeyError, ValueError) as error:
            raise _no_split(dataset, name, splits) from error

    def to_input(example):
        image = crop_and_resize(example["image"], image_size)
        if image_channels == 3 and image.shape[-1] == 1:
            image = tf.image.grayscale_to_rgb(image)
        elif image_channels == 1 and image.shape[-1] == 3:
            image = tf.image.rgb_to_grayscale(image)
        image.set_shape([image_size, image_size, image_channels])
        return {"images": image, "labels": tf.cast(example["label"], tf.int32)}

    def open_split(name, shuffle_seed):
        examples = builder.as_dataset(
            split=name,
            shuffle_files=shuffle_seed is not None,
            read_config=tfds.ReadConfig(shuffle_seed=shuffle_seed),
        )
        return examples.map(to_input, num_parallel_calls=tf.data.AUTOTUNE)

    classes = getattr(features["label"], "num_classes", None)
    if classes is None:  # Plain integers, which nothing has checked.
        skip_images = {"image": tfds.decode.SkipDecoding()}
        for example in builder.as_dataset(split="all", decoders=skip_images):
            if not 0 <= int(example["label"]) < num_classes:
                raise DataError(
                    f"Data set {dataset!r} has the label {int(example['label'])}, outside "
                    f"0..{num_classes - 1}. Give --num_classes as the data has."
                )
        classes = num_classes
    return ImageSource(dataset, classes, count, open_split)


def _check_features(dataset, features, tfds):
    missing = [name for name in ("image", "label") if name not in features]
    if missing:
        raise DataError(
            f"Data set {dataset!r} has no feature {missing[0]!r}; it has "
            f"{', '.join(sorted(features))}. A class-conditional GAN needs image and label."
        )
    image, label = features["image"], features["label"]
    is_image = isinstance(image, tfds.features.Image) and image.shape[-1] in (1, 3)
    if not is_image or tf.as_dtype(image.dtype) != tf.uint8:
        raise DataError(
            f"Data set {dataset!r}: its feature 'image' is {image}. Expected 8-bit images of 1 or "
            "3 channels."
        )
    if label.shape != () or not tf.as_dtype(label.dtype).is_integer:
        raise DataError(
            f"Data set {dataset!r}: its feature 'label' is {label}. Expected one integer."
        )


def _no_split(dataset, name, splits):
    return DataError(
        f"Data set {dataset!r} has no split {name!r}. It has: {', '.join(sorted(splits))}."
    )
