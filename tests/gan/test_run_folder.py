"""Run folders: what may be trained where, and records that survive."""

import pytest

from gan.atomic_file import UNFINISHED, write_atomically
from gan.config import ConfigError
from gan.presets import digits, smoke
from gan.run_folder import RunFolder, RunFolderError


def test_new_folder_then_the_same_job(tmp_path):
    run = RunFolder(str(tmp_path / "deep" / "run"))
    run.check(smoke())
    run.write_config(smoke())
    run.check(smoke().replace({"steps": 99, "generator_lr": 0.5, "batch_size": 9}))
    assert run.read_config() == smoke()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"z_dim": 9},
            "trained with z_dim=8, now z_dim=9. Choose another --run, or give --z_dim=8",
        ),
        ({"dataset": "mnist"}, "trained with dataset=digits, now dataset=mnist"),
        ({"resampling": "antialiased"}, "trained with resampling=bilinear, now resampling=anti"),
        ({"seed": 3}, "trained with seed=0, now seed=3"),
    ],
)
def test_another_model_or_data(tmp_path, change, message):
    run = RunFolder(str(tmp_path))
    run.write_config(smoke())
    with pytest.raises(RunFolderError, match=message):
        run.check(smoke().replace(change))
    assert run.read_config() == smoke()


def test_foreign_folder_and_file(tmp_path):
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(RunFolderError, match="not empty and has no config.json"):
        RunFolder(str(tmp_path)).check(digits())
    with pytest.raises(RunFolderError, match="this is a file"):
        RunFolder(str(tmp_path / "thesis.txt")).check(digits())
    with pytest.raises(RunFolderError, match="there is no such folder"):
        RunFolder(str(tmp_path / "none")).read_config()
    with pytest.raises(RunFolderError, match="has no config.json"):
        RunFolder(str(tmp_path)).read_config()
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_metrics_leave_out_a_half_written_line(tmp_path):
    run = RunFolder(str(tmp_path))
    assert run.metrics() == []
    run.add_metrics({"step": 1})
    with open(run.metrics_path, "a") as file:
        file.write('{"step": 2, "fre')
    assert run.metrics() == [{"step": 1}]
    run.add_metrics({"step": 3})
    assert run.metrics() == [{"step": 1}, {"step": 3}]


def test_seconds(tmp_path):
    run = RunFolder(str(tmp_path))
    assert run.seconds_at(0) == 0.0
    run.write_progress(200, 50.0)
    assert run.seconds_at(200) == 50.0
    assert run.seconds_at(100) == 25.0


def test_images(tmp_path):
    run = RunFolder(str(tmp_path))
    assert run.images_at(0) is None
    run.write_progress(200, 50.0)  # as versions did that counted no images
    assert run.images_at(200) is None
    run.write_progress(200, 50.0, 1600)
    assert run.images_at(200) == 1600
    assert run.images_at(100) == 800
    assert run.images_at(0) == 0
    assert run.seconds_at(200) == 50.0


def test_images_after_a_change_of_the_batch_size(tmp_path):
    run = RunFolder(str(tmp_path))
    run.add_training_point({"step": 100, "images": 6400})
    run.write_progress(200, 50.0, 7200)
    assert run.images_at(100) == 6400
    assert run.images_at(200) == 7200


def test_damaged_progress_is_no_reason_to_stop(tmp_path):
    run = RunFolder(str(tmp_path))
    (tmp_path / "progress.json").write_text("{")
    assert run.seconds_at(5) == 0.0
    assert run.images_at(5) is None


def test_what_a_crash_left_does_not_block_the_folder(tmp_path):
    (tmp_path / ".unfinished-abc").write_text("{")
    RunFolder(str(tmp_path)).check(smoke())


def test_removes_what_a_kill_left(tmp_path):
    run = RunFolder(str(tmp_path))
    run.remove_unfinished()
    kept = [tmp_path / "config.json", tmp_path / "grids" / "step_000010.png"]
    for path in kept:
        write_atomically(str(path), b"whole")
        path.with_name(f"{UNFINISHED}abc").write_bytes(b"half")
    run.remove_unfinished()
    assert [path for path in sorted(tmp_path.rglob("*")) if path.is_file()] == kept


def test_unreadable_config(tmp_path):
    (tmp_path / "config.json").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="config.json is not a configuration"):
        RunFolder(str(tmp_path)).read_config()


def test_forgets_what_is_trained_again(tmp_path):
    run = RunFolder(str(tmp_path))
    for step in (0, 10, 20):
        run.add_metrics({"step": step})
    run.forget_metrics_after(10)
    assert run.metrics() == [{"step": 0}, {"step": 10}]


def test_training_log(tmp_path):
    run = RunFolder(str(tmp_path))
    assert run.training_log() == []
    run.forget_training_log_after(0)
    for step in (10, 20, 30):
        run.add_training_point({"step": step, "loss/generator": step / 2})
    with open(run.training_log_path, "ab") as file:
        file.write(b'{"step": 40, \xff')
    assert [point["step"] for point in run.training_log()] == [10, 20, 30]
    run.add_training_point({"step": 50})
    run.forget_training_log_after(20)
    assert run.training_log() == [
        {"step": 10, "loss/generator": 5.0},
        {"step": 20, "loss/generator": 10.0},
    ]
    assert run.metrics() == []


def test_one_trainer_at_a_time(tmp_path):
    run = RunFolder(str(tmp_path))
    refused = pytest.raises(RunFolderError, match="another process is training here")
    with run.locked(), refused, run.locked():
        pass
    with run.locked():
        pass


def test_lines_of_no_step_and_of_no_record(tmp_path):
    run = RunFolder(str(tmp_path))
    for record in ({"step": None}, {"step": 4}, {"step": 8}):
        run.add_metrics(record)
    with open(run.metrics_path, "a") as file:
        file.write("null\n4\n")
    run.forget_metrics_after(4)
    assert run.metrics() == [{"step": None}, {"step": 4}]
