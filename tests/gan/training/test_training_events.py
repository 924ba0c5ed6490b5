"""Events for TensorBoard, of both engines, in folders of any name."""

import os

import numpy as np
import pytest
import tensorflow as tf

from gan.evaluation.log import EvaluationLog
from gan.image_files.grid import draw_grid, to_png
from gan.training.training_events import TrainingEvents


def events_in(folder):
    """Tag to (step, tensor) of all events."""
    return {
        value.tag: (event.step, tf.make_ndarray(value.tensor))
        for name in os.listdir(folder)
        for record in tf.data.TFRecordDataset(os.fsencode(os.path.join(folder, name)))
        for event in [tf.compat.v1.Event.FromString(record.numpy())]
        for value in event.summary.value
    }


@pytest.fixture(params=[b"run", "caf\xe9".encode(), b"caf\xe9"])
def folder(request, tmp_path):
    return os.fsdecode(os.fsencode(tmp_path) + b"/" + request.param)


@pytest.mark.parametrize("in_graph", [False, True])  # as in a hook of the estimator
def test_curves_and_pictures(folder, in_graph):
    png = to_png(draw_grid(np.zeros([2, 16, 16, 1]), 2))
    with tf.Graph().as_default() if in_graph else tf.init_scope():
        events = TrainingEvents(folder)
        events.scalars(3, {"loss/generator": 0.5, "images_per_second": 100.0})
        events.picture(4, "samples", png)
    found = events_in(folder)
    assert found["loss/generator"] == (3, np.float32(0.5))
    assert found["images_per_second"] == (3, 100)
    step, (width, height, encoded) = found["samples"]
    assert (step, encoded) == (4, png)
    assert int(width) > int(height) > 0


def test_evaluations(folder):
    EvaluationLog(folder).add({"step": 5, "accuracy": 0.25})
    assert events_in(os.path.join(folder, "eval")) == {"evaluation/accuracy": (5, np.float32(0.25))}
