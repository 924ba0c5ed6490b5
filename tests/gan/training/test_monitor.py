"""The progress of a job: images, speed and time left, as shown and as recorded."""

import io
import os

import numpy as np
import pytest
from PIL import Image

import gan.training.monitor
from gan.presets import smoke
from gan.run_folder import RunFolder
from gan.training.monitor import TrainingMonitor, describe_time

LOSSES = {"loss/generator": 0.5, "loss/discriminator": 1.25}


class Clock:
    """The clock of the monitor, turned by hand."""

    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now


class Writer:
    """Keeps what would go to TensorBoard."""

    def __init__(self):
        self.points, self.pictures = [], []

    def scalars(self, step, values):
        self.points.append((step, values))

    def picture(self, step, name, png):
        self.pictures.append((step, name))


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(gan.training.monitor, "time", clock)
    return clock


@pytest.fixture
def make_monitor(tmp_path):
    def make(*args, steps=1000, batch_size=8, log_every=10, **kwargs):
        config = smoke().replace(dict(steps=steps, batch_size=batch_size, log_every=log_every))
        return TrainingMonitor(config, RunFolder(str(tmp_path)), *args, **kwargs)

    return make


@pytest.fixture
def run(tmp_path):
    return RunFolder(str(tmp_path))


def test_log_lines_and_points(make_monitor, run, clock, capsys):
    monitor, writer = make_monitor(0, 0.0), Writer()
    monitor.start()
    for step in range(1, 21):
        clock.now += 0.5
        monitor.step(step, {**LOSSES, "gate/generator": np.float32(0.25)}, writer)
    point = {**LOSSES, "gate/generator": 0.25, "images_per_second": 16.0}
    assert run.training_log() == [
        {"step": 10, "images": 80, "seconds": 5.0, **point},
        {"step": 20, "images": 160, "seconds": 10.0, **point},
    ]
    assert writer.points == [(10, point), (20, point)]
    assert capsys.readouterr().err.splitlines() == [
        "step 10/1000, 16 images/s, 8 min 15 s left, G loss 0.500, D loss 1.250",
        "step 20/1000, 16 images/s, 8 min 10 s left, G loss 0.500, D loss 1.250",
    ]


def test_images_and_seconds_go_on_with_another_batch_size(make_monitor, run, clock):
    monitor = make_monitor(10, 60.0, 640, batch_size=4)
    assert (monitor.images, monitor.seconds) == (640, 60.0)
    monitor.start()
    clock.now += 2.0
    monitor.step(20, LOSSES, Writer())
    assert (monitor.images, monitor.seconds) == (680, 62.0)
    assert monitor.images_per_second == 20.0
    assert [(p["images"], p["seconds"]) for p in run.training_log()] == [(680, 62.0)]


def test_images_of_an_old_run_are_assumed(make_monitor):
    assert make_monitor(10, 60.0).images == 80


def test_speed_is_that_of_the_last_half_minute(make_monitor, clock):
    monitor = make_monitor(0, 0.0)
    monitor.start()
    clock.now += 100.0  # the first step compiles
    monitor.step(1, LOSSES, Writer())
    assert monitor.images_per_second == 0.08
    for step in range(2, 42):
        clock.now += 1.0
        monitor.step(step, LOSSES, Writer())
    assert monitor.images_per_second == 8.0


def test_steps_longer_than_that_still_have_a_speed(make_monitor, clock):
    monitor = make_monitor(0, 0.0)
    monitor.start()
    for step in (1, 2, 3):
        clock.now += 80.0
        monitor.step(step, LOSSES, Writer())
    assert monitor.images_per_second == 0.1


def test_pauses_do_not_count_and_may_be_asked_for_twice(make_monitor, clock):
    monitor = make_monitor(0, 5.0)
    clock.now += 7.0
    assert monitor.seconds == 5.0
    for action, seconds in (
        (monitor.start, 5.0),
        (monitor.start, 15.0),
        (monitor.pause, 25.0),
        (monitor.pause, 25.0),
        (monitor.start, 25.0),
        (monitor.start, 35.0),
    ):
        action()
        assert monitor.seconds == seconds
        clock.now += 10.0
    assert monitor.seconds == 45.0


def test_going_back(make_monitor, run, clock, capsys):
    monitor, writer = make_monitor(0, 0.0), Writer()
    monitor.start()
    for step in (10, 20, 30):
        clock.now += 1.0
        monitor.step(step, LOSSES, writer)
    run.forget_training_log_after(10)  # as an engine does that goes back to step 10
    for step, rate in ((20, 0.0), (30, 80.0)):
        clock.now += 1.0
        monitor.step(step, LOSSES, writer)
        assert monitor.images == step * 8
        assert monitor.images_per_second == rate
    assert [point["step"] for point in run.training_log()] == [10, 20, 30]
    assert [point["seconds"] for point in run.training_log()] == [1.0, 4.0, 5.0]
    assert "step 20/1000, 0 images/s, G loss" in capsys.readouterr().err


def test_workers_other_than_the_chief_only_count(make_monitor, run, clock, capsys):
    monitor = make_monitor(0, 0.0, is_chief=False)
    monitor.start()
    clock.now += 1.0
    monitor.step(10, {}, None)
    monitor.grid(10, np.zeros([20, 16, 16, 1]), None)
    monitor.message("seen by nobody")
    monitor.close()
    assert (monitor.images, monitor.images_per_second) == (80, 80.0)
    assert run.training_log() == []
    assert capsys.readouterr().err == ""
    assert os.listdir(run.path) == []


def test_grid_is_saved_and_logged(make_monitor, run):
    monitor, writer = make_monitor(0, 0.0), Writer()
    monitor.grid(10, np.zeros([100, 16, 16, 1], np.float32), writer)
    with open(run.grid_path(10), "rb") as file:
        assert file.read(4) == b"\x89PNG"
    assert writer.pictures == [(10, "samples")]


def test_rows_of_the_grid_have_the_names_of_the_classes(make_monitor, run, monkeypatch):
    drawn = []
    monkeypatch.setattr(
        gan.training.monitor, "draw_grid", lambda *arguments: drawn.append(arguments)
    )
    monkeypatch.setattr(gan.training.monitor, "to_png", lambda picture: b"")
    for changes, names in (({"num_classes": 2}, ("cats", "dogs")), ({}, None)):
        dataset = "/pets" if names else "digits"
        config = smoke().replace({"dataset": dataset, **changes}).with_found(class_names=names)
        TrainingMonitor(config, run, 0, 0.0).grid(10, np.zeros([20, 16, 16, 1]), Writer())
    assert [labels for _, _, labels in drawn] == [["cats", "dogs"], list("0123456789")]


def test_grid_of_a_diverged_generator_is_grey(make_monitor, run):
    make_monitor(0, 0.0).grid(10, np.full([100, 16, 16, 1], np.nan, np.float32), Writer())
    with Image.open(run.grid_path(10)) as picture:
        assert picture.getpixel((picture.width - 10, picture.height - 10)) == (128, 128, 128)


def test_bar_in_a_terminal(make_monitor, run, clock, monkeypatch):
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr(gan.training.monitor.sys, "stderr", terminal)
    monkeypatch.setenv("COLUMNS", "200")
    monitor = make_monitor(0, 0.0)
    monitor.start()
    for step in (500, 400):
        clock.now += 4.0
        monitor.step(step, LOSSES, Writer())
    monitor.close()
    shown = terminal.getvalue()
    assert "step 400/1000 |" in shown.splitlines()[-1].split("\r")[-1]
    assert len(run.training_log()) == 2


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59.6, "1 min 00 s"), (200, "3 min 20 s"), (7500, "2 h 05 min")],
)
def test_describe_time(seconds, text):
    assert describe_time(seconds) == text
