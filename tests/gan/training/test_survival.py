"""The promises of `benchmarks.survival`, kept for a few kills and one signal."""

from benchmarks.survival import run_trials


def test_survives(tmp_path):
    figures = run_trials(str(tmp_path), kills=2, signals=1, seed=0, quiet=True)
    assert figures["resume"]["equal_variables"] > 150
    assert figures["kills"]["kills"] == 2
    assert figures["signals"]["most_steps_lost"] <= 1
