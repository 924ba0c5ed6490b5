"""A prepared data set as its metadata describes it."""

import dataclasses
import json
import re

import tensorflow as tf
from google.protobuf import json_format

from preprocessing.data_error import DataError
from preprocessing.error_text import first_line
from preprocessing.records.metadata import INFO_FILE
from preprocessing.storage import join, names_in
from preprocessing.verification.data_set_folder import find_folder, leftovers
from preprocessing.verification.record_format import RecordFormat, record_format

_FEATURES_FILE = "features.json"
_FORMAT = "tfrecord"
# Data sets with the images, names and classes of the challenge: the whole, parts, the cache.
_IMAGENET = re.compile(r"imagenet2012(_resized|_subset)?")
_WHOLE_IMAGENET = re.compile(r"imagenet2012(_resized)?")


@dataclasses.dataclass(frozen=True)
class Shard:
    """A file that must be there.

    Attributes:
        split: its split.
        name: of the file.
        records: how many it holds.
    """

    split: str
    name: str
    records: int


@dataclasses.dataclass(frozen=True)
class PreparedDataSet:
    """A data set by its metadata.

    Attributes:
        name: as "imagenet2012" or "name/config".
        folder: where it lies.
        shards: split name to its shards.
        record_format: what its records hold.
        files: names of all files in the folder.
        leftovers: folders beside it that interrupted preparations left.
    """

    name: str
    folder: str
    shards: dict[str, tuple[Shard, ...]]
    record_format: RecordFormat
    files: frozenset
    leftovers: tuple[str, ...]

    @property
    def is_imagenet(self) -> bool:
        """Whether file names are those of the challenge, and say the class."""
        return bool(_IMAGENET.fullmatch(self.name.split("/")[0]))

    @property
    def is_whole_imagenet(self) -> bool:
        """Whether the official numbers of images should be there, if nobody says otherwise."""
        return bool(_WHOLE_IMAGENET.fullmatch(self.name.split("/")[0]))

    def missing_files(self) -> list[Shard]:
        """Shards that are not there; tfds writes no file for an empty one."""
        shards = (shard for split in self.shards.values() for shard in split)
        return [shard for shard in shards if shard.records and shard.name not in self.files]

    def extra_files(self) -> list[str]:
        """Files of records that no split has."""
        known = {shard.name for split in self.shards.values() for shard in split}
        return sorted(file for file in self.files - known if f".{_FORMAT}" in file)


def open_prepared(data_dir: str, dataset: str) -> PreparedDataSet:
    """Finds a data set and reads its metadata.

    Args:
        data_dir: folder of tfds data sets; empty for tfds's default.
        dataset: name, with a configuration and version if need be.

    Raises:
        DataError: if there is none, or it cannot be verified.
    """
    from tensorflow_datasets.core import constants

    folder = find_folder(data_dir or constants.get_default_data_dir(), dataset)
    name = dataset.partition(":")[0]
    info = _read_info(folder)
    if not info.splits:
        raise DataError(
            f"{join(folder, INFO_FILE)} has no splits: the preparation of the data set did not "
            "finish. Move the folder away and prepare it again."
        )
    if (info.file_format or _FORMAT) != _FORMAT:
        raise DataError(
            f"{folder} is stored as {info.file_format}. Expected {_FORMAT}: prepare the data set "
            f"with file_format={_FORMAT!r}."
        )
    is_imagenet = bool(_IMAGENET.fullmatch(name.split("/")[0]))
    return PreparedDataSet(
        name=name,
        folder=folder,
        shards={split.name: _shards(info.name, split) for split in info.splits},
        record_format=record_format(_features(folder, name), name, is_imagenet),
        files=frozenset(names_in(folder)),
        leftovers=tuple(leftovers(folder)),
    )


def _read_info(folder):
    from tensorflow_datasets.core.proto import dataset_info_pb2

    path = join(folder, INFO_FILE)
    with tf.io.gfile.GFile(path) as file:
        text = file.read()
    try:
        return json_format.Parse(text, dataset_info_pb2.DatasetInfo(), ignore_unknown_fields=True)
    except json_format.ParseError as error:
        reason = str(error).splitlines()[0]
        raise DataError(
            f"{path} is not what tfds writes ({reason}). Move the folder away and prepare the data "
            "set again."
        ) from error


def _shards(name, split):
    from tensorflow_datasets.core import naming

    template = naming.ShardedFileTemplate(
        data_dir="",
        dataset_name=name,
        split=split.name,
        filetype_suffix=_FORMAT,
        template=split.filepath_template or None,
    )
    lengths = split.shard_lengths
    return tuple(
        Shard(
            split.name,
            template.relative_filepath(shard_index=index, num_shards=len(lengths)),
            records,
        )
        for index, records in enumerate(lengths)
    )


def _features(folder, name):
    import tensorflow_datasets as tfds

    path = join(folder, _FEATURES_FILE)
    if tf.io.gfile.exists(path):
        try:
            with tf.io.gfile.GFile(path) as file:
                content = json.load(file)
            return tfds.features.FeatureConnector.from_json(content)
        except Exception as error:  # tfds has its own exception for each way to be wrong.
            reason = first_line(error)
            raise DataError(
                f"{path} is not what tfds writes ({reason}). Prepare the data set again."
            ) from error
    try:  # tfds before 3.3 wrote none: its code knows the features.
        return tfds.builder(name).info.features
    except Exception as error:
        raise DataError(
            f"{folder} has no {_FEATURES_FILE}, and tfds knows no data set {name!r} to ask for its "
            "features. Prepare the data set again."
        ) from error
