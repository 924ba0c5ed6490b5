"""The benchmarks run, and their arithmetic is the published one. No time is asserted."""

import json
import sys

import pytest

from benchmarks import (
    context_modules,
    full_size_step,
    ham,
    ham_contenders,
    input_pipeline,
    short_training,
    start_up,
)
from benchmarks.context_modules import GRADIENTS, MODULES, main, multiply_adds
from benchmarks.documented_tables import replace_tables

_STACKS = ("tfgan", "current")


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


def test_default_block_in_a_short_training(capsys):
    """What was learnt is there at inference, which batch normalisation loses."""
    short_training.main(["--blocks", "HamburgerV1", "--hams", "nmf", "--steps", "30", "150"])
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| `")]
    accuracies = {}
    for row in rows:
        _, _, _, normalization, _, last, _ = (cell.strip() for cell in row.split("|"))
        accuracies[normalization] = [int(part.strip(" %")) for part in last.split("/")]
    inference, batch = accuracies["group"]
    assert inference > 50
    assert abs(inference - batch) < 15
    inference, batch = accuracies["batch"]
    assert inference < batch - 15  # else the default and its docstring can be thought over


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
    assert row["seconds_per_step"] > 0
    assert row["first_step_seconds"] > 0
    assert row["measured"]["loss/discriminator"] > 0


@pytest.mark.parametrize(
    ("contender", "backward", "expected"),
    [
        # 16 products of 16384 × 512 × 64, and 13 with Gram matrices.
        ("nmf", True, 16 * 16384 * 512 * 64 + 13 * (16384 + 512) * 64 * 64),
        ("naive_one_step", False, 14 * 16384 * 512 * 64 + 13 * (16384 + 512) * 64 * 64),
        ("vq_xla", False, 14 * 16384 * 512 * 64),
        ("self_attention", False, 4 * 16384 * 512**2 + 2 * 16384**2 * 512),
    ],
)
def test_multiply_adds_of_contenders(contender, backward, expected):
    size = (1, 128, 128, 512, 64)
    assert ham_contenders.multiply_adds(contender, size, backward=backward) == expected


@pytest.mark.parametrize(
    ("contender", "batch", "gigabytes"), [("self_attention", 8, 8), ("pooled_attention", 16, 4)]
)
def test_attention_is_refused_where_it_has_no_room(contender, batch, gigabytes):
    assert f"all pairs would take {gigabytes} GiB" in ham_contenders.refusal(
        contender, (batch, 128, 128, 256, 32)
    )
    room = batch // gigabytes
    assert ham_contenders.refusal(contender, (room, 128, 128, 256, 32)) is None
    assert ham_contenders.refusal("nmf", (8, 128, 128, 256, 32)) is None


@pytest.mark.parametrize(
    ("gradient", "left_to_right"), [("one_step", False), ("one_step", True), ("unrolled", False)]
)
def test_naive_transcription_computes_the_same(gradient, left_to_right):
    import numpy as np
    import tensorflow as tf

    from benchmarks.naive_hams import naive_nmf
    from ham_tf.decompositions import nmf

    random = np.random.RandomState(0)
    x = tf.constant(random.normal(size=[2, 30, 8]))
    bases = tf.constant(random.uniform(size=[2, 8, 3]))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        ours = nmf(x, bases, gradient=gradient)
        naive = naive_nmf(x, bases, 6, gradient, left_to_right)
    np.testing.assert_allclose(naive, ours, rtol=1e-9, atol=1e-12)
    gradients = [tape.gradient(y, x, tf.sin(x)) for y in (naive, ours)]
    np.testing.assert_allclose(*gradients, rtol=1e-7, atol=1e-10)


def test_transcription_to_pytorch_computes_the_same():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    import numpy as np

    from benchmarks.naive_hams import pytorch_nmf
    from ham_tf.decompositions import nmf

    random = np.random.RandomState(0)
    x, bases = random.normal(size=[2, 8, 5, 6]), random.uniform(size=[2, 8, 3])
    matrix = x.reshape(2, 8, 30).transpose(0, 2, 1)
    ours = nmf(matrix, bases).numpy().transpose(0, 2, 1).reshape(x.shape)
    np.testing.assert_allclose(
        pytorch_nmf(torch.tensor(x), torch.tensor(bases)), ours, rtol=1e-9, atol=1e-12
    )


def test_pytorch_is_skipped_with_its_reason(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert "pip install torch" in ham_contenders.refusal("pytorch_nmf", (1, 4, 4, 8, 2))


def test_hams_are_compared(tmp_path, capsys):
    figures_path, plot_path = tmp_path / "figures.json", tmp_path / "plot.png"
    page = tmp_path / "page.md"
    blocks = [f"<!-- benchmarks.ham: {stack} -->\nold\n<!-- end -->\n" for stack in _STACKS]
    page.write_text("before\n" + "between\n".join(blocks) + "after\n")
    ham.main(
        [
            "--sizes=1x6x6x16x4",
            "--contenders=nmf,naive_one_step,pooled_attention",
            "--sweep=4,32,33",
            "--repetitions=1",
            "--no_memory",
            f"--json={figures_path}",
            f"--plot={plot_path}",
            f"--docs={page}",
        ]
    )
    figures = json.loads(figures_path.read_text())
    assert [row["contender"] for row in figures["rows"]] == [
        "nmf",
        "naive_one_step",
        "pooled_attention",
    ]
    assert all(row["forward_ms"] > 0 and row["training_ms"] > 0 for row in figures["rows"])
    printed = capsys.readouterr().out
    assert "| naive_one_step | " in printed
    assert printed.strip() in page.read_text()
    assert page.read_text().startswith("before\n<!-- ")
    assert page.read_text().count("old") == 1  # the other stack's
    assert plot_path.read_bytes().startswith(b"\x89PNG")


def test_a_page_without_the_block(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("<!-- a -->\n<!-- end -->\n")
    with pytest.raises(ValueError, match="must have one block from '<!-- b -->' .* not 0"):
        replace_tables(str(page), "b", "text")
    assert page.read_text() == "<!-- a -->\n<!-- end -->\n"


def test_memory_counts_the_result():
    size = (1, 64, 64, 64, 8)
    result_and_gradient = 2 * 4 * 64 * 64 * 64
    assert ham.extra_memory("nmf", size) > result_and_gradient


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--sizes=8x32x32", "is not five numbers from 1"),
        ("--contenders=pca", "{'pca'} are not among nmf, cd"),
        ("--repetitions=0", "--repetitions must be at least 1, not 0"),
    ],
)
def test_wrong_flags_of_ham(capsys, flag, message):
    with pytest.raises(SystemExit):
        ham.parse([flag])
    assert message in capsys.readouterr().err


def test_start_up_is_measured(monkeypatch, capsys):
    def run(*arguments, status=0):
        assert status == (1 if "--preset=nonsense" in arguments else 0)
        return 5.0, "3.5 0.25\n"

    monkeypatch.setattr(start_up, "_run", run)
    start_up.main(["--repetitions=3"])
    printed = capsys.readouterr().out
    assert "| import ham_tf, beyond that | 0.25 |" in printed
    assert "| gan.generate, beyond TensorFlow's import | 1.50 |" in printed
    assert "| gan.train --help | 5.00 |" in printed


def test_start_up_reports_a_command_that_fails():
    with pytest.raises(SystemExit, match="error: -c print.* ended with 0"):
        start_up._run("-c", "print()", status=3)
