"""The best checkpoint: kept once, whatever comes after it, and never half."""

import math
import os

import pytest

from checkpoints.checkpoint_files import find_steps
from gan.run_folder import RunFolder
from gan.training import best_checkpoint
from gan.training.best_checkpoint import keep_if_best

CONDITIONS = {"dataset": "digits", "resampling": "bilinear", "sha256": "a"}
PARTS = ("data-00000-of-00001", "index")


@pytest.fixture
def run(tmp_path):
    """A run whose checkpoints' files hold their step."""
    run = RunFolder(str(tmp_path))
    os.makedirs(run.checkpoint_dir)
    for step in (0, 10, 20, 30):
        for part in PARTS:
            with open(os.path.join(run.checkpoint_dir, f"model.ckpt-{step}.{part}"), "w") as file:
                file.write(f"{step} {part}")
    return run


def kept(run):
    return sorted(os.listdir(run.best_dir))


def files_of(step):
    return ["best.json", *(f"model.ckpt-{step}.{part}" for part in PARTS)]


def test_the_smallest_figure_is_kept(run):
    outcomes = [
        keep_if_best(run, step, "fid", v, CONDITIONS)
        for step, v in ((0, 9.0), (10, 3.0), (20, 4.0))
    ]
    assert outcomes == [True, True, False]
    assert kept(run) == files_of(10)
    assert run.best() == {
        "step": 10,
        "figure": "fid",
        "value": 3.0,
        "conditions": CONDITIONS,
    }
    # Nothing is stored twice, and the trainer may remove its own.
    name = f"model.ckpt-10.{PARTS[0]}"
    own, best = (os.path.join(folder, name) for folder in (run.checkpoint_dir, run.best_dir))
    assert os.path.samefile(own, best)
    os.remove(own)
    with open(best) as file:
        assert file.read() == f"10 {PARTS[0]}"


def test_other_conditions_begin_anew(run):
    assert keep_if_best(run, 10, "fid_by_100", 3.0, CONDITIONS)
    assert keep_if_best(run, 20, "fid_by_1000", 5.0, CONDITIONS)
    assert run.best()["step"] == 20


@pytest.mark.parametrize("name", CONDITIONS)
def test_other_images_or_another_judge_begin_anew(run, name):
    assert keep_if_best(run, 10, "fid", 3.0, CONDITIONS)
    assert not keep_if_best(run, 20, "fid", 5.0, CONDITIONS)
    assert keep_if_best(run, 20, "fid", 5.0, {**CONDITIONS, name: "other"})
    assert run.best()["step"] == 20


def test_the_best_of_an_earlier_version_stays(run):
    keep_if_best(run, 10, "fid", 3.0, CONDITIONS)
    run.write_best({"step": 10, "figure": "fid", "value": 3.0})
    assert not keep_if_best(run, 20, "fid", 5.0, CONDITIONS)


def test_no_figure_is_not_the_best(run):
    assert not keep_if_best(run, 10, "fid", math.nan, CONDITIONS)
    assert run.best() is None


def test_without_links(run, monkeypatch):
    def no_links(source, target):
        raise OSError("no links here")

    monkeypatch.setattr(best_checkpoint.os, "link", no_links)
    assert keep_if_best(run, 10, "fid", 3.0, CONDITIONS)
    assert kept(run) == files_of(10)


def test_a_checkpoint_that_is_gone(run):
    """Another process trains, and keeps only the newest ones."""
    for part in PARTS:
        os.remove(os.path.join(run.checkpoint_dir, f"model.ckpt-10.{part}"))
    assert not keep_if_best(run, 10, "fid", 3.0, CONDITIONS)
    assert run.best() is None
    assert keep_if_best(run, 20, "fid", 4.0, CONDITIONS)


@pytest.mark.parametrize("moment", range(4))
def test_cut_short(run, monkeypatch, moment):
    """Stopped after any of its writes, there is the old one or the new one; then it is mended."""
    keep_if_best(run, 10, "fid", 3.0, CONDITIONS)
    replace, count = os.replace, [0]

    def cut_short(source, target):
        if count[0] == moment:
            raise KeyboardInterrupt
        count[0] += 1
        replace(source, target)

    monkeypatch.setattr(os, "replace", cut_short)
    if moment < 3:
        with pytest.raises(KeyboardInterrupt):
            keep_if_best(run, 20, "fid", 2.0, CONDITIONS)
        assert run.best()["step"] == 10
    else:
        assert keep_if_best(run, 20, "fid", 2.0, CONDITIONS)
        assert run.best()["step"] == 20
    assert run.best()["step"] in find_steps(run.best_dir)
    monkeypatch.undo()
    assert keep_if_best(run, 30, "fid", 1.0, CONDITIONS)
    assert kept(run) == files_of(30)


def test_an_unreadable_record_counts_for_nothing(run):
    keep_if_best(run, 10, "fid", 3.0, CONDITIONS)
    with open(os.path.join(run.best_dir, "best.json"), "w") as file:
        file.write('{"step": 10')
    assert keep_if_best(run, 20, "fid", 9.0, CONDITIONS)
    assert kept(run) == files_of(20)
