"""Curves and sample grids as events for TensorBoard, whichever engine trains."""

import os

import tensorflow as tf

from gan.evaluation.eager_thread import eagerly


class TrainingEvents:
    """Writes the events of one run.

    Args:
        folder: where the event files go.
    """

    def __init__(self, folder: str):
        self._writer = eagerly(lambda: tf.summary.create_file_writer(os.fsencode(folder)))
        # `tf.summary.scalar` needs TensorBoard installed from TensorFlow 2.20 on; this does not.
        self._kinds = {
            plugin: tf.compat.v1.SummaryMetadata(
                plugin_data=tf.compat.v1.SummaryMetadata.PluginData(plugin_name=plugin)
            )
            for plugin in ("scalars", "images")
        }

    def scalars(self, step: int, values: dict[str, float]):
        """Writes points of curves."""
        eagerly(lambda: self._write_scalars(step, values))

    def picture(self, step: int, name: str, png: bytes):
        """Writes an encoded picture."""
        eagerly(lambda: self._write_picture(step, name, png))

    def _write_scalars(self, step, values):
        with self._writer.as_default():
            for name, value in values.items():
                tf.summary.write(name, tf.constant(value, tf.float32), step, self._kinds["scalars"])

    def _write_picture(self, step, name, png):
        height, width = tf.io.decode_png(png).shape[:2]
        encoded = tf.constant([str(width).encode(), str(height).encode(), png])
        with self._writer.as_default():
            tf.summary.write(name, encoded, step, self._kinds["images"])
        self._writer.flush()
