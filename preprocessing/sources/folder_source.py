"""A folder of class folders as a source of images."""

import os
from typing import Optional

import tensorflow as tf

from preprocessing.class_list import describe
from preprocessing.sources.examples import Examples
from preprocessing.sources.image_decoding import decode_rgb, image_fault, read_file
from preprocessing.sources.image_folder import list_folder
from preprocessing.sources.image_format import ImageFormat
from preprocessing.sources.indices import Indices
from preprocessing.sources.labelled_images import ImageSource, no_split
from preprocessing.sources.split_part import split_part


def open_folder(
    dataset: str, image_format: ImageFormat, class_names: Optional[tuple[str, ...]] = None
) -> ImageSource:
    """Opens a folder of class folders; see `image_folder.list_folder`.

    Raises:
        DataError: see `image_folder.list_folder`.
    """
    folder = list_folder(dataset, class_names)
    counts = {name: len(split.labels) for name, split in folder.splits.items()}

    def examples(name, for_training):
        del for_training
        try:
            split_name, first, end = split_part(name, counts)
        except KeyError as error:
            raise no_split(dataset, name, counts) from error
        split = folder.splits[split_name]

        def find(index):
            return *read_file(split.paths[index]), split.labels[index]

        def decode(index):
            # Not as constants: a million paths would make the graph hundreds of megabytes.
            content, plain, label = tf.numpy_function(
                find, [index], (tf.string, tf.bool, tf.int64), stateful=False
            )
            for scalar in (content, plain, label):
                scalar.set_shape([])
            return image_format.example(decode_rgb(content, plain), label)

        return Examples(Indices(first, end), decode)

    def fault():
        """The first image that cannot be read."""
        for split in folder.splits.values():
            for path in split.paths:
                text = image_fault(os.fsdecode(path))
                if text:
                    return f"{os.fsdecode(path)} {text}. Remove it."
        return "an image could not be read, and all can be now. Leave the folder as it is."

    ignored = f"; ignored: {', '.join(folder.ignored)}" if folder.ignored else ""
    return ImageSource(
        dataset,
        len(folder.class_names),
        f"folder {dataset}, {describe(folder.class_names)}, images cropped and resized "
        f"({image_format.resampling}) while reading{ignored}",
        examples,
        fault,
        class_names=folder.class_names,
    )
