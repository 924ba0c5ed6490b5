"""The benchmarks run, and their arithmetic is the published one. No time is asserted."""

import json

import pytest

from benchmarks import context_modules, full_size_step, input_pipeline
from benchmarks.context_modules import GRADIENTS, MODULES, main, multiply_adds


@pytest.mark.parametrize(
    ("module", "size", "channels", "rank", "expected"),
    [
        ("self_attention", 128, 512, 64, 292.06),  # paper, table 3; by count
        # Theirs 16.18: they multiply the pixels by the inverse, we the bases.
        ("cd", 128, 512, 64, 16.11),
        ("nmf", 128, 512, 64, 17.54),
        ("nmf", 32, 256, 32, 0.277),
        ("pooled_attention", 32, 256, 32, 0.126),
        ("pooled_attention", 64, 256, 32, 1.007),
        ("pooled_attention", 128, 256, 32, 12.08),
    ],
)
def test_multiply_adds(module, size, channels, rank, expected):
    counted = multiply_adds(module, size * size, channels, rank, steps=6) / 1e9
    assert counted == pytest.approx(expected, rel=2e-3)


def test_prints_tables_and_writes_json(tmp_path, capsys):
    path = tmp_path / "rows.json"
    main(["--sizes=4,6", "--channels=16", "--batch=1", "--rounds=1", f"--json={path}"])
    printed = capsys.readouterr().out
    rows = json.loads(path.read_text())
    assert [row["module"] for row in rows["modules"]] == [*MODULES, *MODULES]
    assert {row["gradient"] for row in rows["gradients"]} == set(GRADIENTS)
    assert all(row["forward_ms"] > 0 and row["training_ms"] > 0 for row in rows["modules"])
    exact = [row["cosine_with_exact"] for row in rows["gradients"] if row["gradient"] == "unrolled"]
    assert exact == pytest.approx([1.0] * 3)
    assert "| 4 | nmf | " in printed
    assert "| 6 | CDLayer | last_step | " in printed


def test_unknown_module(capsys):
    with pytest.raises(SystemExit):
        context_modules.parse(["--modules=nmf,pca"])
    assert "{'pca'} are not among nmf, cd" in capsys.readouterr().err


def test_reading_is_compared_with_tfds(capsys):
    pytest.importorskip("tensorflow_datasets")
    rows = input_pipeline.main(
        ["--size=16", "--batch=4", "--images=12", "--distinct=3", "--rounds=1", "--seconds=0.01"]
    )
    table = capsys.readouterr().out
    assert [row["images from"] for row in rows] == [
        "tfds, original size",
        "ours, original size",
        "cache, jpeg",
        "cache, uint8",
        "cache, float32",
    ]
    # A photo is of 100 KB; sixteen pixels squared, of three channels, of one byte or four.
    sizes = [row["KiB per image"] for row in rows]
    assert 80 < sizes[0] == sizes[1] < 120
    assert 0.75 <= sizes[3] < 1 < 3 <= sizes[4] < 3.3
    assert "| tfds, original size | " in table
    assert rows[0]["images per CPU second, of tfds's"] == 1


def test_streaming_reports_memory(capsys):
    pytest.importorskip("tensorflow_datasets")
    input_pipeline.main(["--size=16", "--batch=4", "--stream=40", "--json"])
    rows = json.loads(capsys.readouterr().out)
    assert rows[-1]["images"] == 40
    assert len(rows) == 5
    assert all(row["peak memory, MB"] > 100 for row in rows)


def test_a_step_of_full_networks():
    """On the smallest networks: the measurement itself."""
    row = full_size_step.measure("smoke", batch_size=2, steps=1, compiled=False)
    assert row["finite"]
    assert row["peak_gigabytes"] > 0.1
    assert 0 < row["seconds_per_step"] < row["first_step_seconds"]  # Which traces it, too.
    assert row["measured"]["loss/discriminator"] > 0
