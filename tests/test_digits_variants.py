"""The benchmark of averages and augmentation runs, goes on, and does its sums right."""

import json
import os

import pytest

from benchmarks import digits_variants
from gan.run_folder import RunFolder

FLAGS = ["--preset=smoke", "--seeds=1", "--steps=2", "--ema_start=0", "--ema_decay=0.5"]


def test_trains_once_and_judges_both_weights(tmp_path, capsys):
    runs, path = tmp_path / "runs", tmp_path / "rows.json"
    flags = [*FLAGS, "--augmentations=none+color,translation", f"--runs={runs}", f"--json={path}"]
    with pytest.raises(SystemExit):
        digits_variants.main(flags)
    assert "color,translation: expected one of none, color, " in capsys.readouterr().err

    flags[len(FLAGS)] = "--augmentations=none+translation"
    rows = digits_variants.main(flags)
    assert sorted(os.listdir(runs)) == ["none_seed_0", "translation_seed_0"]
    training = RunFolder(str(runs / "translation_seed_0")).read_config().training
    assert (training.augmentation, training.ema_decay, training.steps) == ("translation", 0.5, 2)
    labels = [(row["augmentation"], row["weights"]) for row in rows]
    assert labels == [
        ("none", "trained"),
        ("none", "averaged"),
        ("translation", "trained"),
        ("translation", "averaged"),
    ]
    # Four different generators.
    assert len({row["frechet_distance"] for row in rows}) == 4
    assert "| translation | averaged | " in capsys.readouterr().out
    assert json.loads(path.read_text())["rows"] == rows

    # Again: nothing is trained, and the figures are the same.
    before = os.path.getmtime(runs / "none_seed_0" / "checkpoints" / "model.ckpt-2.index")
    assert digits_variants.main(flags) == rows
    after = os.path.getmtime(runs / "none_seed_0" / "checkpoints" / "model.ckpt-2.index")
    assert before == after
    with pytest.raises(SystemExit, match="none_seed_0: was trained with other settings"):
        digits_variants.main([*flags, "--ema_decay=0.9"])


def test_mean_and_spread_over_seeds():
    of_seeds = [
        {
            False: {"frechet_distance": distance, "class_accuracy": accuracy},
            True: {"frechet_distance": distance - 1, "class_accuracy": accuracy},
        }
        for distance, accuracy in ((3.0, 0.5), (5.0, 0.7))
    ]
    row = digits_variants.row("", True, of_seeds)
    assert (row["augmentation"], row["weights"]) == ("none", "averaged")
    assert row["frechet_distance"] == 3.0
    assert row["frechet_distance_spread"] == pytest.approx(2**0.5)
    assert row["frechet_distance_of_seeds"] == [2.0, 4.0]
    assert digits_variants.row("color", False, of_seeds[:1])["class_accuracy_spread"] is None
