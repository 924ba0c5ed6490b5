"""python -m gan.report: the page of a run folder made by hand."""

import base64
import io
import json
import pathlib
import re
import shlex
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import gan.report
from gan.image_files.grid import save_grid, text_font
from gan.presets import smoke
from gan.report_page.curves import Curve, evaluation_curves, thin, training_curves
from gan.run_folder import RunFolder
from gan.training.final_report import describe_report, make_report

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture
def report(run_main):
    """Runs the command in this process; returns exit status, standard output and error."""
    return lambda *arguments: run_main(gan.report.main, *arguments)


@pytest.fixture
def run(tmp_path):
    """A run folder with a configuration and nothing else."""
    run = RunFolder(str(tmp_path / "run"))
    run.write_config(smoke().replace({"steps": 40, "generator_lr": 0.5}))
    return run


def fill(run):
    """Gives the run a history, up to step 30 of 40."""
    for step in range(1, 31):
        values = {"loss/generator": step / 2, "loss/discriminator": 1.0, "gate/generator": 0.1}
        values["images_per_second"] = 123.4
        run.add_training_point({"step": step, "images": 9 * step, "seconds": step / 10, **values})
    for step, distance in ((0, 90.0), (20, 12.345)):
        figures = {"frechet_distance_judge_test_64": distance, "class_accuracy_judge_64": 0.75}
        figures["class_accuracy_judge_64_spread"] = 0.0321
        run.add_metrics(
            {"step": step, "images": 9 * step, "evaluated_images": 64, "sha256": "abc", **figures}
        )
    run.write_best({"step": 20, "figure": "frechet_distance_judge_test_64", "value": 12.345})
    for step in range(0, 31, 5):
        images = np.random.RandomState(step).uniform(-1, 1, [20, 16, 16, 1])
        save_grid(run.grid_path(step), images, 10, [0, 1])


def pictures(page):
    """The pictures in an HTML page, opened."""
    return [
        Image.open(io.BytesIO(base64.b64decode(data)))
        for data in re.findall('src="data:image/png;base64,([^"]*)"', page)
    ]


def text_of(page):
    return re.sub(r"\s+", " ", re.sub("<[^>]*>", " ", page))


def test_page(report, run):
    fill(run)
    status, out, err = report(run.path)
    path = pathlib.Path(run.path, "report.html")
    assert (status, out, err) == (0, f"{path}\n", "")
    page = path.read_text(encoding="utf-8")
    text = text_of(page)
    for part in (
        "preset smoke",
        "step 30 of 40",
        "images trained on 270 ",
        "training time 3 s",
        "images per second 90.0",
        "newest evaluation step 20",
        "best evaluation step 20, kept in",
        "64 generated images",
        "class accuracy 75 % ± 3 % class_accuracy_judge_64",
        "Fréchet distance 12.3 frechet_distance_judge_test_64",
        "generator_lr 0.5 (preset: 0.0002)",
        "training.batch_size 8",
    ):
        assert part in text, part
    assert "evaluated_images" not in text
    assert re.findall("<figcaption>step ([0-9]*)<", page) == ["30", "0", "5", "15", "20"]
    found = pictures(page)
    # The grids, the newest first and larger; then distance, accuracy, loss, gate, speed.
    assert [picture.size for picture in found[5:]] == [(600, 400)] * 5
    widths = [picture.width for picture in found[:5]]
    assert len(widths) == 5
    assert max(widths[1:]) < widths[0]
    order = [page.index(f"<h2>{title}") for title in ("Samples", "Newest", "Curves", "Config")]
    assert order == sorted(order)
    style = page[: page.index("</style>")]
    assert "padding: 1.5em" in style
    assert 'name="viewport"' in style
    assert not re.search(r'(src|href)="(?!data:)', page)


def test_page_of_a_run_of_class_folders(report, run):
    changes = {"dataset": "/pets", "num_classes": 2}
    names = ("cats & <dogs>", "\udce9")
    run.write_config(smoke().replace(changes).with_found(class_names=names))
    assert report(run.path)[0] == 0
    page = pathlib.Path(run.path, "report.html").read_text(encoding="utf-8")
    assert "0=cats &amp; &lt;dogs&gt;, 1=\\udce9" in page


def test_newest_of_several_evaluations_of_a_step(report, run):
    run.add_metrics({"step": 20, "fid_a": 77.0, "warning": "of a wrong pipeline"})
    run.add_metrics({"step": 20, "fid_a": 12.64, "fid_a_spread": 1.36})
    run.add_metrics({"step": 10, "fid_a": 99.0})
    assert report(run.path)[0] == 0
    text = text_of(pathlib.Path(run.path, "report.html").read_text(encoding="utf-8"))
    assert "Fréchet distance 12.6 ± 1.4 fid_a" in text
    assert "of a wrong pipeline" not in text


def test_evaluations_of_other_models_are_left_out(report, run):
    fill(run)
    others = {"frechet_distance_judge_test_64": 1.0, "fid_b": 2.0, "warning": "of another model"}
    run.add_metrics({"model": "digits", "step": 4000, **others})
    assert report(run.path)[0] == 0
    page = pathlib.Path(run.path, "report.html").read_text(encoding="utf-8")
    for part in ("step 30 of 40", "newest evaluation step 20", "12.3 frechet_distance_judge"):
        assert part in text_of(page)
    for part in ("fid_b", "of another model"):
        assert part not in page


def test_run_that_has_just_begun(report, run):
    status, _, err = report(run.path)
    assert (status, err) == (0, "")
    page = pathlib.Path(run.path, "report.html").read_text(encoding="utf-8")
    assert "step 0 of 40" in text_of(page)
    assert page.count("None yet.") == 2
    assert pictures(page) == []
    assert report(run.path, f"--out={run.path}/page.png")[0] == 0
    with Image.open(run.path + "/page.png") as picture:
        assert picture.width == 1240


def test_run_without_a_log_knows_its_newest_checkpoint(report, run):
    run.write_progress(20, 7200.0, 555)
    report(run.path)
    text = text_of(pathlib.Path(run.path, "report.html").read_text(encoding="utf-8"))
    assert "step 20 of 40 images trained on 555 training time 2.00 h" in text


def test_picture(report, run, tmp_path):
    report(run.path, f"--out={tmp_path / 'empty.png'}")
    fill(run)
    assert report(run.path, f"--out={tmp_path / 'new' / 'full.PNG'}")[0] == 0
    with (
        Image.open(tmp_path / "empty.png") as empty,
        Image.open(tmp_path / "new" / "full.PNG") as full,
    ):
        assert full.format == "PNG"
        assert full.width == empty.width
        # Three rows of curves, one of small grids and the large one.
        assert full.height > empty.height + 3 * 400
    assert not pathlib.Path(run.path, "report.html").exists()


def test_letters_beyond_english_are_drawn():
    """Of Fréchet, and of runs' names."""
    letters = "é±×äłλж"
    font = text_font(14, letters)
    unknown = bytes(font.getmask("\uffff"))
    assert all(bytes(font.getmask(letter)) != unknown for letter in letters)


def test_text_of_others_is_escaped(report, tmp_path):
    run = RunFolder(str(tmp_path / "<b>run&"))
    run.write_config(smoke().replace({"dataset": '<script>"x"', "data_dir": "\udcff"}))
    run.add_metrics({"step": 1, "fid_<i>": 1.0, "warning": "<u>wrong</u>"})
    run.add_training_point({"step": 1, "images": 8, "seconds": 1.0, "loss/$<_": 1.0})
    assert report(run.path)[0] == 0
    page = pathlib.Path(run.path, "report.html").read_text(encoding="utf-8")
    for part in ("<script", "<i>", "<b>run", "<u>"):
        assert part not in page
    for part in ("&lt;b&gt;run&amp;", "&lt;script&gt;&quot;x&quot;", "&lt;u&gt;wrong", "&lt;i&gt;"):
        assert part in page


def test_preset_of_another_version(report, run):
    config = json.loads(pathlib.Path(run.config_path).read_text())
    pathlib.Path(run.config_path).write_text(json.dumps({**config, "preset": "lost"}))
    assert report(run.path)[0] == 0
    page = pathlib.Path(run.path, "report.html").read_text(encoding="utf-8")
    assert "The preset is not known here." in page
    assert "training.generator_lr 0.5" in text_of(page)
    assert report(run.path, f"--out={run.path}/page.png")[0] == 0


def test_damaged_grid_and_what_is_no_evaluation_of_a_step(report, run):
    fill(run)
    pathlib.Path(run.grid_path(30)).write_bytes(b"\x89PNG half")
    pathlib.Path(run.path, "grids", "step_last.png").write_bytes(b"")
    run.add_metrics({"step": None, "fid_x": 1.0})
    assert report(run.path)[0] == 0
    page = pathlib.Path(run.path, "report.html").read_text(encoding="utf-8")
    assert re.findall("<figcaption>step ([0-9]*)<", page) == ["20", "0", "5", "15"]


@pytest.mark.parametrize(
    "last",
    [
        {"step": 31},
        {"step": 31, "seconds": None, "images": None, "images_per_second": None},
        {"step": 31, "seconds": "3", "images": "279", "images_per_second": "fast"},
        {"loss/generator": 2.0},
        {"step": None, "lost": 2.0},
    ],
)
def test_incomplete_line_of_the_training_log(report, run, last):
    """What it does not tell is as the newest checkpoint says."""
    fill(run)
    run.write_progress(31, 62.0, 500)
    run.add_training_point(last)
    assert report(run.path)[::2] == (0, "")
    page = pathlib.Path(run.path, "report.html").read_text(encoding="utf-8")
    assert "step 31 of 40 images trained on 500 training time 62 s" in text_of(page)
    # Distance, accuracy, loss, gate, speed; of a name in lines without a step, none.
    assert len(pictures(page)) == 5 + 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{}/none"], "error: {}/none: there is no such folder"),
        (["{}"], "error: {}: the folder has no config.json"),
        (["{}/run", "--out={}/page.pdf"], "page.pdf: expected a name that ends in .html or .png."),
        (["{}/run", "--out={}/folder.html"], "folder.html: this is a folder."),
        (["{}/run", "--out={}/file/page.html"], "file is no folder that can be written to."),
        ([], "RUN"),
    ],
)
def test_bad_arguments(report, run, tmp_path, arguments, message):
    (tmp_path / "folder.html").mkdir()
    (tmp_path / "file").write_text("")
    status, out, err = report(*(argument.format(tmp_path) for argument in arguments))
    assert (status, out) == (1, "")
    assert err.startswith("error: ")
    assert message.format(tmp_path) in err
    assert err.count("\n") == 1
    assert not pathlib.Path(run.path, "report.html").exists()


def test_needs_no_tensorflow(run):
    fill(run)
    program = (
        "import sys, gan.report; gan.report.main();"
        "assert not {'tensorflow', 'matplotlib.pyplot'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, run.path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_groups_of_curves():
    log = [
        {"step": 10, "images": 80, "seconds": 1.0, "gate/generator": 0.5, "loss/generator": 1.0},
        {"step": 20, "loss/generator": float("nan"), "loss/discriminator": 3.0, "new": 1},
        {"step": 20, "loss/discriminator": 4.0, "logits/real": 1.0},
    ]
    groups = training_curves(log)
    assert [[curve.name for curve in curves] for curves in groups.values()] == [
        ["generator", "discriminator"],
        ["real images"],
        ["generator"],
        ["new"],
    ]
    assert list(groups)[1:] == ["mean output of the discriminator", "gate of the hamburger", "new"]
    generator, discriminator = groups["loss of the step"]
    assert (generator.name, discriminator.name) == ("generator", "discriminator")
    np.testing.assert_equal(generator.steps, [10, 20])
    np.testing.assert_equal(generator.values, [1.0, np.nan])
    np.testing.assert_equal(discriminator.steps, [20])
    np.testing.assert_equal(discriminator.values, [4.0])


def test_groups_of_evaluations():
    records = [
        {"step": 20, "fid_a_10": 3.0, "fid_a_10_spread": 0.1, "frechet_distance_of_real_images": 1},
        {"step": 0, "fid_a_10": 9.0, "class_accuracy_a_10": 0.5, "seconds": 1.0},
        {"step": 20, "fid_a_10": 4.0},
    ]
    groups = evaluation_curves(records)
    assert {title: [curve.name for curve in curves] for title, curves in groups.items()} == {
        "class accuracy": ["a 10"],
        "Fréchet distance": ["a 10"],
    }
    np.testing.assert_equal(groups["Fréchet distance"][0].steps, [0, 20])
    np.testing.assert_equal(groups["Fréchet distance"][0].values, [9.0, 4.0])


def test_thinned_curves_keep_ends_and_spikes():
    values = np.sin(np.arange(50_000) / 1000)
    values[12_345], values[30_000], values[40_000:40_300] = 7.0, -7.0, np.nan
    curve = thin(Curve("x", np.arange(50_000.0), values))
    assert 500 < len(curve.steps) <= 1002
    assert np.all(np.diff(curve.steps) > 0)
    assert (curve.steps[0], curve.steps[-1]) == (0, 49_999)
    np.testing.assert_equal(curve.values, values[curve.steps.astype(int)])
    assert {7.0, -7.0} < set(curve.values)
    assert np.isnan(curve.values).any()


def test_short_curves_stay_as_they_are():
    curve = Curve("x", np.arange(1000.0), np.zeros(1000))
    assert thin(curve) is curve


def test_the_rate_is_that_of_the_final_report(report, run, tmp_path):
    """The log has the rate of the last 30 seconds, and its clock stops before a save does."""
    run.add_training_point({"step": 40, "images": 4000, "seconds": 8.0, "images_per_second": 477.1})
    run.write_progress(40, 8.8296, 4000)
    figures = {"frechet_distance_a": 12.64, "frechet_distance_a_spread": 1.36}
    record = {"step": 40, "repetitions": 5, "evaluated_images": 64, "sha256": "abc", **figures}
    run.add_metrics(record)
    names = {"frechet_distance": "frechet_distance_a"}
    made = make_report(smoke(), run, names, None, record)
    assert "(453 images/s)" in describe_report(made, run, 10.0)
    assert "Fréchet distance   12.6 ± 1.4\n" in describe_report(made, run, 10.0)
    assert report(run.path)[0] == 0
    text = text_of(pathlib.Path(run.path, "report.html").read_text(encoding="utf-8"))
    assert "images per second 453 " in text
    assert "477" not in text


def test_the_command_of_the_final_report_can_be_copied(tmp_path):
    run = RunFolder(str(tmp_path / "my runs" / "it's first"))
    run.write_config(smoke())
    record = {"step": 1, "repetitions": 1, "evaluated_images": 2, "sha256": "a", "fid_a": 1.0}
    made = make_report(smoke(), run, {"frechet_distance": "fid_a"}, None, record)
    command = describe_report(made, run, 1.0).partition("Sample from it: ")[2]
    expected = [sys.executable, "-m", "gan.generate", f"--run={run.path}", "--class=0"]
    assert shlex.split(command) == expected
