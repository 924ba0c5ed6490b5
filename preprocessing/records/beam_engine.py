"""The engine of a cluster: Apache Beam writes the shards, one machine plans and finishes."""

import functools
import pickle

import tensorflow as tf

from preprocessing.data_error import DataError
from preprocessing.records.conversion import Engine, write_and_note
from preprocessing.records.shard import write_file
from preprocessing.storage import join


def with_beam(options: list[str]) -> Engine:
    """The engine of a cluster.

    Source and target must be reachable from all of its machines, and this package
    installed there.

    Args:
        options: Beam's own flags, as `["--runner=DataflowRunner", "--project=..."]`;
            none for its runner on this machine.

    Raises:
        DataError: if Beam is not installed.
    """
    try:
        import apache_beam as beam
        from apache_beam.options.pipeline_options import PipelineOptions
    except ImportError as error:
        raise DataError(
            f"--beam needs Apache Beam, which is not installed ({error}). Run "
            "`pip install apache-beam` (docs/imagenet.md has its pins), or leave the flag out."
        ) from error

    def write(tasks, target, progress):
        # In files: a pipeline's own description may not be as long as the list of images.
        for index, task in enumerate(tasks):
            write_file(target.unfinished, _task_file(index), pickle.dumps(task))
        with beam.Pipeline(options=PipelineOptions(options)) as pipeline:
            _ = (
                pipeline
                | beam.Create(range(len(tasks)))
                | beam.Reshuffle()
                | beam.Map(functools.partial(_write_task, target=target))
            )
        for index, task in enumerate(tasks):
            result = target.finished_shard(task)
            if result is None:
                raise DataError(f"Beam ended without writing {task.file_name}")
            progress(result.records + len(result.skipped))
            yield index, result

    return write


def _task_file(index):
    return f"task-{index:05d}.pickle"


def _write_task(index, target):
    with tf.io.gfile.GFile(join(target.unfinished, _task_file(index)), "rb") as file:
        task = pickle.loads(file.read())
    write_and_note(task, _no_report, target)


def _no_report(count):
    """Beam's machines have nobody to report to; its runner shows how far it is."""
