"""What makes a folder of shards a data set: tfds's own description of it."""

from preprocessing.records.shard import ShardResult

INFO_FILE = "dataset_info.json"  # the file without which tfds sees no data set


def write_metadata(folder: str, info, splits: dict[str, list[ShardResult]]):
    """Writes `dataset_info.json`, `features.json` and the names of the labels.

    Args:
        folder: of the shards.
        info: `tfds.core.DatasetInfo` of the data set.
        splits: name of each split to its shards, in order.
    """
    import tensorflow_datasets as tfds  # Takes long to import.
    from tensorflow_datasets.core import naming

    def split_info(name, shards):
        return tfds.core.SplitInfo(
            name=name,
            shard_lengths=[shard.records for shard in shards],
            num_bytes=sum(shard.record_bytes for shard in shards),
            filename_template=naming.ShardedFileTemplate(
                dataset_name=info.name,
                data_dir=folder,
                split=name,
                filetype_suffix="tfrecord",
            ),
        )

    info.set_splits(
        tfds.core.splits.SplitDict([split_info(name, shards) for name, shards in splits.items()])
    )
    info.write_to_directory(folder)
