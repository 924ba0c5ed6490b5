"""What a job does around training and evaluation, with stand-ins for both."""

import json
import os
import pathlib
import signal
import types

import numpy as np
import pytest
from class_folders import write_class_folders
from conftest import write_checkpoint

import gan.job
import gan.run_evaluation
from checkpoints.checkpoint_files import CheckpointError, checkpoint_files, find_steps
from gan.atomic_file import write_atomically
from gan.evaluation.record import figure_names
from gan.job import Job
from gan.metrics.activations import MetricError
from gan.metrics.judge import Judge
from gan.presets import smoke
from gan.run_folder import RunFolder
from gan.training.interruption import Interrupted
from preprocessing.class_list import ClassesChangedError
from preprocessing.data_error import DataError


class Evaluation:
    """In place of `gan.evaluation.protocol.Evaluation`: every figure is 1.

    Attributes:
        before: called with the step first, where one is given.
    """

    before = None

    def __init__(self, config, source, network, cache_dir):
        self.names = figure_names(network, "test", 100)
        self.network = network
        self.conditions = {"dataset": "digits", "resampling": "bilinear", "sha256": network.sha256}

    def evaluate(self, load, repetitions, seconds=None, images=None):
        _, step = load()
        if Evaluation.before is not None:
            Evaluation.before(step)
        figures = {name: 1.0 for name in self.names.values()}
        return {
            "step": step,
            **self.conditions,
            "seconds": seconds,
            "images": images,
            "repetitions": repetitions,
            "evaluated_images": 100,
            **figures,
        }


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run with checkpoints of steps 0, 10, 20 and 30, judged by stand-ins."""
    run = RunFolder(str(tmp_path / "run"))
    run.write_config(smoke())
    for step in (0, 10, 20, 30):
        add_checkpoint(run, step)
    judge = Judge({"a": np.zeros(1)}, 16, 0.5)
    monkeypatch.setattr(gan.run_evaluation, "open_judge", lambda config, source, path: judge)
    monkeypatch.setattr(gan.run_evaluation, "Evaluation", Evaluation)
    monkeypatch.setattr(Evaluation, "before", None)
    # Of a checkpoint only the step is looked at.
    monkeypatch.setattr(gan.run_evaluation, "load_run", load_step)
    return run


def load_step(path, step, discriminator):
    del discriminator
    if step not in find_steps(RunFolder(path).checkpoint_dir):
        raise CheckpointError(f"no checkpoint of step {step}")
    return types.SimpleNamespace(generator=None, step=step)


def path_of(run, step):
    return os.path.join(run.checkpoint_dir, f"model.ckpt-{step}")


def add_checkpoint(run, step):
    write_checkpoint(path_of(run, step), {"global_step": np.int64(step)})


def remove_checkpoint(run, step):
    for file in checkpoint_files(path_of(run, step)):
        os.remove(file)


def evaluated_steps(run):
    return [record["step"] for record in run.metrics()]


def evaluate_continuously(run, steps=30):
    Job(smoke().replace({"steps": steps}), run.path, trains=False).evaluate_continuously(60)


@pytest.fixture
def no_waiting(monkeypatch):
    monkeypatch.setattr(gan.run_evaluation, "_LOOK_AGAIN_SECONDS", 0.0)


@pytest.mark.usefixtures("no_waiting")
@pytest.mark.parametrize("moment", ["before it is verified", "before it is loaded"])
def test_continuous_evaluation_passes_over_what_the_trainer_removes(run, monkeypatch, moment):
    verify = gan.run_evaluation.verify

    def verify_and_remove(path):
        if moment == "before it is loaded":
            verify(path)
        if path == path_of(run, 10):
            remove_checkpoint(run, 10)
        if moment == "before it is verified":
            verify(path)

    monkeypatch.setattr(gan.run_evaluation, "verify", verify_and_remove)
    evaluate_continuously(run)
    assert evaluated_steps(run) == [0, 20, 30]


@pytest.mark.usefixtures("no_waiting")
def test_continuous_evaluation_stops_at_what_stays_damaged(run):
    with open(path_of(run, 10) + ".index", "wb") as file:
        file.write(b"damaged")
    with pytest.raises(CheckpointError, match="model.ckpt-10: the checkpoint is damaged"):
        evaluate_continuously(run)
    assert evaluated_steps(run) == [0]


def break_images_of(step):
    def check(evaluated):
        if evaluated == step:
            raise MetricError("Features are not finite.")

    return check


@pytest.mark.parametrize("step", [10, 30])
def test_continuous_evaluation_goes_on_after_broken_images(run, monkeypatch, capsys, step):
    monkeypatch.setattr(Evaluation, "before", staticmethod(break_images_of(step)))
    evaluate_continuously(run)
    assert evaluated_steps(run) == [other for other in (0, 10, 20, 30) if other != step]
    assert capsys.readouterr().err == f"step {step}: Features are not finite.\n"


class Engine:
    """In place of an engine: "trains" by writing the last checkpoint.

    Attributes:
        before: called first, where one is given.
    """

    before = None
    description = "stand-in"
    is_chief = True

    def __init__(self, config):
        self._steps = config.training.steps

    def wait_for_all(self):
        pass

    def check_same_start(self, run, step):
        pass

    def train(self, run, source, monitor, on_checkpoint, interruption, initial_weights):
        if Engine.before is not None:
            Engine.before()
        add_checkpoint(run, self._steps)
        on_checkpoint(self._steps, path_of(run, self._steps))


@pytest.fixture
def train_and_evaluate(run, monkeypatch):
    """Goes on with the run to step 40, evaluating every 20 steps."""
    monkeypatch.setattr(gan.job, "make_engine", Engine)
    monkeypatch.setattr(Engine, "before", None)
    config = smoke().replace({"steps": 40, "eval_every": 20, "checkpoint_every": 10})
    return lambda: Job(config, run.path).train_and_evaluate()


def record_of(run, step, **changes):
    """A record as the stand-in makes it, of other figures."""
    judge = gan.run_evaluation.open_judge(None, None, None)
    evaluation = Evaluation(None, None, judge, None)
    record = evaluation.evaluate(lambda: (None, step), 1)
    return {**record, **dict.fromkeys(evaluation.names.values(), 2.0), **changes}


def test_evaluations_that_a_kill_cut_short_are_made_up(run, train_and_evaluate, monkeypatch):
    """Before training goes on, oldest first; not those that are recorded or were not due."""
    run.add_metrics(record_of(run, 0))
    add_checkpoint(run, 25)
    left_over = os.path.join(run.path, ".unfinished-abc")
    write_atomically(left_over, b"by a kill inside a write")
    before_training = []
    monkeypatch.setattr(
        Engine, "before", staticmethod(lambda: before_training.extend(evaluated_steps(run)))
    )
    train_and_evaluate()
    assert before_training == [0, 20]
    assert evaluated_steps(run) == [0, 20, 40]
    assert not os.path.exists(left_over)


def test_a_missed_evaluation_that_fails_is_no_reason_to_stop(
    run, train_and_evaluate, monkeypatch, capsys
):
    monkeypatch.setattr(Evaluation, "before", staticmethod(break_images_of(20)))
    train_and_evaluate()
    assert evaluated_steps(run) == [0, 40]
    assert "step 20: Features are not finite." in capsys.readouterr().err


def test_records_count_images_across_a_change_of_the_batch_size(run, train_and_evaluate):
    run.add_training_point({"step": 20, "images": 160})
    run.write_progress(30, 5.0, 560)
    train_and_evaluate()
    images = {record["step"]: record["images"] for record in run.metrics()}
    assert images[20] == 160
    assert images[40] == 560  # The stand-in shows the monitor no step.


@pytest.mark.parametrize("moment", ["preparation", "missed", "training", "end"])
def test_a_signal_ends_the_job_with_its_status_at_any_moment(
    run, train_and_evaluate, monkeypatch, capsys, moment
):
    """Of the default handler the process would die, with status 143."""

    def send_signal_at(step):
        return lambda evaluated: evaluated == step and signal.raise_signal(signal.SIGTERM)

    if moment == "preparation":
        monkeypatch.setattr(
            gan.run_evaluation, "cache_folder", lambda: signal.raise_signal(signal.SIGTERM)
        )
    elif moment == "training":
        monkeypatch.setattr(
            Engine, "before", staticmethod(lambda: signal.raise_signal(signal.SIGTERM))
        )
    else:
        step = {"missed": 20, "end": 40}[moment]
        monkeypatch.setattr(Evaluation, "before", staticmethod(send_signal_at(step)))
    if moment == "end":
        add_checkpoint(run, 40)
    before = signal.getsignal(signal.SIGTERM)
    signal.signal(signal.SIGTERM, lambda number, frame: pytest.fail("not taken"))
    try:
        with pytest.raises(Interrupted) as raised:
            train_and_evaluate()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert raised.value.exit_status == 75
    reached = 40 if moment in ("training", "end") else 30
    said = f"Interrupted (SIGTERM). The same command goes on from step {reached}.\n"
    assert capsys.readouterr().err.endswith(said)
    assert 40 not in evaluated_steps(run)


def test_weights_to_start_from_are_looked_for_before_anything_is_written(tmp_path):
    config = smoke().replace(dict(warm_start=str(tmp_path / "nowhere"), engine="distribute"))
    job = Job(config, str(tmp_path / "run"))
    for work in (job.train, job.train_and_evaluate):
        with pytest.raises(CheckpointError, match="nowhere"):
            work()
    assert not os.path.exists(tmp_path / "run")


@pytest.fixture
def pets(tmp_path, monkeypatch):
    """Two folders of images, trained on by the stand-in: from a folder's path to a job."""
    write_class_folders(tmp_path / "pets", "cats", "dogs", count=10)
    monkeypatch.setattr(gan.job, "make_engine", Engine)
    monkeypatch.setattr(Engine, "before", None)
    config = smoke().replace({"dataset": str(tmp_path / "pets"), "num_classes": 2})
    return lambda steps=20, **settings: Job(
        config.replace({"steps": steps}), str(tmp_path / "pets_run"), **settings
    )


def test_a_run_keeps_its_classes_and_its_splits_before_the_first_step(pets, tmp_path, monkeypatch):
    run, seen = RunFolder(str(tmp_path / "pets_run")), []
    monkeypatch.setattr(Engine, "before", staticmethod(lambda: seen.append(run.read_config())))
    job = pets()
    job.train()
    (config,) = seen
    assert config.found.class_names == ("cats", "dogs")
    assert (config.data.train_split, config.data.test_split) == ("train[:18]", "train[18:]")
    assert job._engine.config == config  # What it trains on.
    pets(30).train()
    assert run.read_config().data == config.data
    # A folder renamed meanwhile, whatever is to be done.
    os.rename(tmp_path / "pets" / "cats", tmp_path / "pets" / "zcats")
    before = pathlib.Path(run.config_path).read_bytes()
    for settings in ({}, {"trains": False}):
        with pytest.raises(
            ClassesChangedError, match="no class 'cats' any more and 'zcats' is new"
        ):
            pets(40, **settings)
    assert pathlib.Path(run.config_path).read_bytes() == before
    assert find_steps(run.checkpoint_dir) == [20, 30]


def test_a_run_of_an_earlier_version_goes_on_and_keeps_its_classes_from_then_on(pets, tmp_path):
    run = RunFolder(str(tmp_path / "pets_run"))
    content = json.loads(
        smoke().replace({"dataset": str(tmp_path / "pets"), "num_classes": 2}).to_json()
    )
    del content["found"]
    write_atomically(run.config_path, json.dumps(content).encode())
    add_checkpoint(run, 10)
    pets().train()
    config = run.read_config()
    assert config.found.class_names == ("cats", "dogs")
    # It was trained on all images.
    assert (config.data.train_split, config.data.test_split) == ("train", "test")
    with pytest.raises(
        DataError, match="^--test_split=test: .* has no split 'test'. It has: train"
    ):
        pets(30).train_and_evaluate()


def test_a_split_to_train_on_that_is_not_there_is_found_before_anything_is_written(pets, tmp_path):
    config = smoke().replace({"train_split": "trian"})
    for data in (config, config.replace({"dataset": str(tmp_path / "pets"), "num_classes": 2})):
        with pytest.raises(
            DataError, match="^--train_split=trian: .* has no split 'trian'. It has"
        ):
            Job(data, str(tmp_path / "new"), given=("train_split",))
    assert not os.path.exists(tmp_path / "new")
