"""Where evaluations are recorded: `metrics.jsonl`, and events for TensorBoard."""

import os
from typing import Any

import tensorflow as tf

from gan.atomic_file import file_ending, obstacle
from gan.evaluation.eager_thread import eagerly
from gan.run_folder import RunFolder


class EvaluationLogError(ValueError):
    """A folder that no evaluation can be recorded in; the message says why."""


class EvaluationLog:
    """The log of one folder.

    Args:
        folder: gets `metrics.jsonl` and `eval/`, the events; made if missing.
    """

    def __init__(self, folder: str):
        self._folder = RunFolder(folder)
        self._writer = None

    def check(self):
        """Checks that records can be written, as far as that shows before the work.

        Raises:
            EvaluationLogError: if they cannot.
        """
        folder, file = self._folder.path, self._folder.metrics_path
        if os.path.isdir(folder):
            can = os.access(folder, os.W_OK | os.X_OK) and not os.path.isdir(file)
            reason = None if can else f"{file} cannot be written"
        else:
            reason = "this is a file" if os.path.exists(folder) else obstacle(folder)
            if ending := file_ending(folder):
                reason = reason or f"ends in {ending} as a file does, without a slash behind it"
        if reason:
            raise EvaluationLogError(f"{folder}: {reason}. Give another folder by --out.")

    def add(self, record: dict[str, Any]):
        """Appends a record."""
        os.makedirs(self._folder.path, exist_ok=True)
        self._folder.add_metrics(record)
        eagerly(lambda: self._write_events(record))

    def _write_events(self, record):
        if self._writer is None:
            folder = os.fsencode(os.path.join(self._folder.path, "eval"))
            self._writer = tf.summary.create_file_writer(folder)
        # `tf.summary.scalar` needs TensorBoard installed from TensorFlow 2.20 on; this does not.
        metadata = tf.compat.v1.SummaryMetadata(
            plugin_data=tf.compat.v1.SummaryMetadata.PluginData(plugin_name="scalars")
        )
        with self._writer.as_default():
            for name, value in record.items():
                if isinstance(value, float) and name != "seconds":
                    tf.summary.write(
                        f"evaluation/{name}", tf.constant(value), record["step"], metadata
                    )
            self._writer.flush()
