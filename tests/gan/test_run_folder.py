"""Run folders: what may be trained where, and records that survive."""

import pytest

from gan.presets import digits, smoke
from gan.run_folder import RunFolder, RunFolderError


def test_new_folder_then_the_same_job(tmp_path):
    run = RunFolder(str(tmp_path / "deep" / "run"))
    run.check(smoke())
    run.write_config(smoke())
    run.check(smoke().replace({"steps": 99, "generator_lr": 0.5}))
    assert run.read_config() == smoke()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"z_dim": 9},
            "trained with z_dim=8, now z_dim=9. Choose another --run, or give --z_dim=8",
        ),
        ({"dataset": "mnist"}, "trained with dataset=digits, now dataset=mnist"),
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
