"""The records of a prepared tfds data set, original or resized: where, and how to decode them."""

import dataclasses
from typing import Any, Callable, Optional

from preprocessing.data_error import DataError
from preprocessing.error_text import first_line
from preprocessing.resized.encoding import batch_decoder, decoder
from preprocessing.resized.layout import CacheKey
from preprocessing.sources.examples import Examples
from preprocessing.sources.image_format import ImageFormat
from preprocessing.sources.record_files import FilePiece, RecordFiles

_MOST_LEFT_OUT = 100  # one of so many images, for a cache to count as made from these records


@dataclasses.dataclass(frozen=True)
class TfdsRecords:
    """A prepared data set, original or resized.

    Attributes:
        info: `tfds.core.DatasetInfo`.
        description: what is read and where, for a person.
        decode, decode_batch: see `Examples`.
    """

    info: Any
    description: str
    decode: Callable
    decode_batch: Optional[Callable] = None

    def files(self, name) -> RecordFiles:
        """The files of a split, or of a part of one; KeyError or ValueError if there is none."""
        pieces = self.info.splits[name].file_instructions
        return RecordFiles(tuple(FilePiece(str(p.filename), p.skip, p.take) for p in pieces))

    def examples(self, name) -> Examples:
        """The examples of a split; raises as `files`."""
        return Examples(self.files(name), self.decode, self.decode_batch)


def original_records(info, folder: str, image_format: ImageFormat) -> TfdsRecords:
    """The records as tfds prepares them.

    Args:
        info: `tfds.core.DatasetInfo`.
        folder: of the records.
        image_format: what the images become.
    """
    import tensorflow_datasets as tfds  # Takes long to import.

    read = tfds.features.FeaturesDict({name: info.features[name] for name in ("image", "label")})

    def decode(record):
        example = read.deserialize_example(record)
        return image_format.example(example["image"], example["label"])

    return TfdsRecords(
        info,
        f"{info.full_name} in {folder}, cropped and resized to {image_format.size} pixels "
        f"({image_format.resampling}) while reading",
        decode,
    )


def resized_records(key: CacheKey, data_dir: str, image_format: ImageFormat) -> TfdsRecords:
    """The records of a cache.

    Args:
        key: of the cache.
        data_dir: folder of tfds data sets.
        image_format: what the images become.

    Raises:
        DataError: if it cannot be read.
    """
    from tensorflow_datasets.core.read_only_builder import builder_from_directory

    folder = key.folder(data_dir)
    try:
        info = builder_from_directory(folder).info
        image = info.features["image"]
        if image.shape[:2] != (key.size, key.size) or "label" not in info.features:
            raise ValueError(f"it has the features {info.features}")
    except Exception as error:  # tfds has its own exception for each way to be wrong.
        reason = first_line(error)
        raise DataError(
            f"{folder}: no resized records that can be read ({reason}). Delete that folder, or "
            "give --resized=never."
        ) from error

    def example_by(decode):
        return decode and (lambda records: image_format.example_of_pixels(*decode(records)))

    what = (key.store, key.size, image.shape[-1])
    return TfdsRecords(
        info,
        f"{key.dataset}/{key.version}, stored at {key.size} pixels ({key.resampling}, "
        f"{key.store}) in {folder}",
        example_by(decoder(*what)),
        example_by(batch_decoder(*what)),
    )


def compare(cache: TfdsRecords, originals: TfdsRecords) -> str:
    """Checks that a cache was made from these records.

    Returns:
        "", or a note on the images that were left out.

    Raises:
        DataError: if splits or their numbers of images differ.
    """
    note = ""
    resized, original = (
        {name: split.num_examples for name, split in records.info.splits.items()}
        for records in (cache, originals)
    )
    for split in sorted({**original, **resized}):
        count, expected = resized.get(split, 0), original.get(split, 0)
        # Undecodable images may have been left out of a cache.
        if not expected - max(1, expected // _MOST_LEFT_OUT) <= count <= expected or not count:
            raise DataError(
                f"{cache.description}: split {split!r} has {count} images there and {expected} in "
                f"{originals.info.data_dir}, so it was made from other data. Delete that folder "
                "and make it again, or give --resized=never."
            )
        if count != expected:
            note += f"; {expected - count} of the {expected} images of {split!r} are left out"
    return note
