"""The embedded digits as a source of images."""

import tensorflow as tf

from preprocessing import digits
from preprocessing.class_names import DIGIT_NAMES
from preprocessing.sources.examples import Examples
from preprocessing.sources.image_format import ImageFormat
from preprocessing.sources.indices import Indices
from preprocessing.sources.labelled_images import ImageSource, no_split
from preprocessing.sources.split_part import split_part


def open_digits(image_format: ImageFormat) -> ImageSource:
    """Opens the digits; they are enlarged in their own way, whatever the resampling."""
    splits = digits.load_digits(image_format.size)
    counts = {name: len(split.labels) for name, split in splits.items()}

    def examples(name, for_training):
        del for_training
        try:
            split_name, first, end = split_part(name, counts)
        except KeyError as error:
            raise no_split("digits", name, counts) from error
        split = splits[split_name]

        @tf.autograph.experimental.do_not_convert
        def decode(index):  # One, or a batch of them.
            images = tf.gather(split.images, index)
            images = tf.repeat(images, image_format.channels, axis=-1)
            return {"images": images, "labels": tf.gather(split.labels, index)}

        return Examples(Indices(first, end), decode, decode)

    return ImageSource(
        "digits",
        digits.NUM_CLASSES,
        "scikit-learn's digits",
        examples,
        class_names=DIGIT_NAMES,
    )
