"""The commands as a person uses them: train, evaluate, generate, and all that can go wrong."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf
from conftest import needs_tfgan
from PIL import Image

import gan.evaluate
import gan.generate
import gan.train
from checkpoints.checkpoint_files import find_steps
from gan.evaluation import figure_text
from gan.presets import smoke
from gan.run_folder import RunFolder

ROOT = pathlib.Path(__file__).parents[2]
# Graphs without hams are made sooner, for tests that say nothing about hams.
SMALL = ["--preset=smoke", "--ham=none"]
COMMANDS = {"train": gan.train.main, "evaluate": gan.evaluate.main, "generate": gan.generate.main}


def picture_size(path):
    with Image.open(path) as picture:
        return picture.size


@pytest.fixture
def run_command(run_main):
    """Runs a command in this process; returns exit status, standard output and error."""

    return lambda command, *arguments: run_main(COMMANDS[command], *arguments)


@pytest.mark.parametrize("command", COMMANDS)
def test_help(run_command, command):
    status, out, _ = run_command(command, "--help")
    assert status == 0
    assert f"usage: python -m gan.{command}" in out
    assert "--run" in out
    if command == "train":
        for group in ("model:", "data:", "training:", "evaluation:", "presets:"):
            assert f"\n{group}" in out
        assert "in pixels" in out
        assert "hamgan_baby" in out


def test_dry_run_prints_the_resolved_configuration(run_command, tmp_path):
    status, out, _ = run_command(
        "train", "--preset=smoke", "--seed=5", f"--run={tmp_path / 'run'}", "--dry_run"
    )
    assert status == 0
    assert json.loads(out) == json.loads(smoke().replace({"seed": 5}).to_json())
    assert not (tmp_path / "run").exists()


def test_averages_that_the_job_is_too_short_for(run_command):
    """They would be drawn and judged, and look like a training that failed."""
    flags = ["train", "--dry_run", "--ema_decay=0.999", "--steps=2000"]
    status, out, error = run_command(*flags)
    assert status == 0
    assert json.loads(out)["training"]["ema_decay"] == 0.999
    assert error.count("\n") == 1
    assert error.startswith("warning: --ema_decay=0.999 --ema_start=0: at --steps=2000 the average")
    assert "of step 0; they are good from step 5000 on" in error
    assert "Give more --steps or a smaller --ema_decay" in error
    # Long enough; trains nothing; the averages equal the weights; there are none.
    for change in ("--steps=5000", "--mode=eval", "--ema_start=2000", "--ema_decay=0"):
        assert run_command(*flags, change)[2] == ""
    _, _, error = run_command(*flags, "--ema_start=1999")
    assert "of step 1999; they are good from step 6999 on" in error


WRONG_FLAGS = [
    ("train", ["--preset=digit"], "--preset=digit: unknown. Choose one of digits, smoke"),
    ("train", ["--stepz=3"], "--stepz: no such flag. Did you mean --steps?"),
    ("train", ["--steps=many"], "--steps: 'many' is not an integer."),
    ("train", ["--generator_lr=fast"], "--generator_lr: 'fast' is not a number."),
    ("train", ["--steps=0"], "--steps=0: must be at least 1."),
    ("train", ["--image_size=100"], "--image_size=100: must be one of 16, 32, 64, 128, 256."),
    ("train", ["--mode=tain"], "--mode: invalid choice: 'tain'"),
    ("train", ["--eval_images=1"], "--eval_images=1: must be at least 2"),
    ("train", ["--deterministic=maybe"], "--deterministic: 'maybe' is neither true nor false."),
    ("evaluate", ["--run=nowhere"], "nowhere: there is no such file or folder"),
    ("evaluate", ["--step=new"], "--step: 'new' is not an integer."),
]


@pytest.mark.parametrize(("command", "arguments", "message"), WRONG_FLAGS)
def test_wrong_flags(run_command, tmp_path, monkeypatch, command, arguments, message):
    monkeypatch.chdir(tmp_path)
    status, _, error = run_command(command, *arguments)
    assert status == 1
    assert message in error
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(hasattr(tf, "estimator"), reason="TF-GAN runs on this TensorFlow")
def test_the_estimator_engine_without_tf_gan_says_what_to_do(run_command, tmp_path):
    flags = ["--preset=smoke", "--engine=estimator", f"--run={tmp_path / 'run'}"]
    status, _, error = run_command("train", *flags)
    assert status == 1
    assert "Use --engine=distribute, or run `make setup STACK=tfgan`" in error
    assert not (tmp_path / "run").exists()


def test_train_evaluate_generate_and_go_on(run_command, tmp_path):
    path = tmp_path / "run"
    run = RunFolder(str(path))
    status, out, error = run_command("train", "--preset=smoke", f"--run={path}")
    assert status == 0, error

    head = out[: out.index("\nTrained 20 steps")].splitlines()
    assert head[0].startswith("Preset smoke, data set digits, nmf networks of 16×16×1 images, 20 ")
    assert head[0].endswith(f", run folder {path}")
    assert len(head) <= 10  # What it runs on, reads and is judged by included; no JSON.
    assert "{" not in out
    report = json.loads((path / "report.json").read_text())
    assert 0 <= report["class_accuracy"] <= 1
    assert report["judge_accuracy"] >= 0.97
    assert report["frechet_distance"] > report["frechet_distance_of_real_images"] > 0
    assert report["frechet_distance_at_start"] > 0
    assert report["kernel_distance"] > 0
    assert report["frechet_distance_spread"] > 0
    assert (report["steps"], report["seed"], report["evaluated_images"]) == (20, 0, 100)
    assert report["repetitions"] == 2
    assert report["seconds"] > 0
    assert report["images_per_second"] > 0
    figure = figure_text.number(report["frechet_distance"], report["frechet_distance_spread"])
    assert f"Fréchet distance   {figure} (real: " in out
    assert find_steps(run.checkpoint_dir) == [0, 10, 20]
    for step in (0, 10, 20):
        assert picture_size(run.grid_path(step))[0] > 500
    evaluated = [(record["step"], record["repetitions"]) for record in run.metrics()]
    assert evaluated == [(0, 1), (20, 2)]
    assert any((path / "eval").iterdir())

    # TensorBoard: losses, pictures.
    tags = {
        value.tag
        for events in (path / "checkpoints").glob("events.out.tfevents.*")
        for event in tf.compat.v1.train.summary_iterator(str(events))
        for value in event.summary.value
    }
    assert {"loss/generator", "loss/discriminator", "images_per_second", "samples"} <= tags

    # The same figures again: evaluation is fixed.
    status, out, _ = run_command("evaluate", f"--run={path}")
    assert status == 0
    first, last = run.metrics()[1:3]
    assert first.keys() == last.keys()
    assert first["sha256"] == last["sha256"]
    for name, plain in (("frechet_distance", "judge_test_100"), ("class_accuracy", "judge_100")):
        assert first[f"{name}_{plain}"] == pytest.approx(last[f"{name}_{plain}"], rel=1e-4)
        assert first[f"{name}_{plain}"] == pytest.approx(report[name], rel=1e-4)
    assert "step 20: 100 generated images, mean ± sample standard deviation" in out
    status, out, _ = run_command("evaluate", f"--run={path}", "--step=10")
    assert "\nstep 10:" in out

    status, out, _ = run_command("generate", f"--run={path}", "--class=7", "--num=4")
    assert status == 0

    # Nothing left to do, then a few more steps.
    status, out, _ = run_command("train", "--preset=smoke", f"--run={path}")
    assert status == 0
    assert "already at step 20" in out
    status, out, error = run_command("train", "--preset=smoke", f"--run={path}", "--steps=25")
    assert status == 0
    assert "Going on from step 20" in error
    report = json.loads((path / "report.json").read_text())
    assert report["steps"] == 25
    assert find_steps(run.checkpoint_dir) == [0, 10, 20, 25]

    # Another model in the same folder.
    before = (path / "config.json").read_bytes()
    status, _, error = run_command("train", "--preset=smoke", f"--run={path}", "--z_dim=9")
    assert status == 1
    assert "was trained with z_dim=8, now z_dim=9" in error
    assert (path / "config.json").read_bytes() == before

    # Every mode finds its checkpoints.
    status, out, _ = run_command(
        "train", "--preset=smoke", f"--run={path}", "--steps=25", "--mode=continuous_eval"
    )
    assert status == 0
    assert {record["step"] for record in run.metrics()} == {0, 10, 20, 25}
    status, out, _ = run_command("train", "--preset=smoke", f"--run={path}", "--mode=eval")
    assert status == 0
    assert "step 25: 100 generated images" in out

    # A damaged checkpoint is named, with the way out; training takes it, and the figures
    # of the damaged one do not come back.
    damaged = path / "checkpoints" / "model.ckpt-25.data-00000-of-00001"
    damaged.write_bytes(damaged.read_bytes()[:5000])
    for command, arguments in (
        ("train", ["--preset=smoke", "--mode=eval"]),
        ("evaluate", []),
        ("generate", []),
    ):
        status, _, error = run_command(command, f"--run={path}", *arguments)
        assert status == 1
        assert "model.ckpt-25: the checkpoint is damaged" in error
        assert "Delete model.ckpt-25.* to go on from step 20." in error
        assert error.count("\n") == 1
    again = ["--preset=smoke", f"--run={path}", "--steps=25"]
    status, _, error = run_command("train", *again, "--generator_lr=0.01")
    assert status == 0
    assert "model.ckpt-25: damaged (" in error
    assert "Going on from step 20" in error
    retrained = json.loads((path / "report.json").read_text())
    assert retrained["frechet_distance"] != report["frechet_distance"]
    assert [record["step"] for record in run.metrics()].count(25) == 1


@pytest.mark.parametrize(
    "flag", ["--dataset=digts", "--dataset=no/such/folder", "--num_classes=7", "--test_split=tset"]
)
def test_a_mistyped_data_set_is_all_that_is_said(run_command, tmp_path, flag):
    path = tmp_path / "run"
    status, out, error = run_command("train", "--preset=smoke", f"--run={path}", flag)
    assert status == 1
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    # A split is known to be missing only when the data set is open, and said what it is.
    assert out == "" or flag.startswith("--test_split")
    assert not path.exists()


def test_wrong_splits(run_command, tmp_path):
    path = tmp_path / "run"
    status, _, error = run_command(
        "train", "--preset=smoke", f"--run={path}", "--test_split=validation"
    )
    assert status == 1
    assert "'digits' has no split 'validation'. It has: test, train." in error
    assert not path.exists()


def test_trains_on_any_tfds_data_set(run_command, tmp_path, data_dir):
    """Colour photographs of other sizes, three classes, the judge trained on them."""
    flags = [*SMALL, f"--data_dir={data_dir}", "--image_channels=3", "--steps=2"]
    status, out, error = run_command(
        "train", *flags, f"--run={tmp_path / 'run'}", "--dataset=colours", "--num_classes=3"
    )
    assert status == 0, error
    assert "class accuracy" in out
    assert out.count(f"Real images: colours/1.0.0 in {data_dir}/colours/1.0.0, cropped and ") == 1
    other = tmp_path / "other"
    wrong = [*flags, f"--run={other}", "--dataset=numbers", "--num_classes=2"]
    for mode in ("train", "train_and_eval"):
        status, _, error = run_command("train", *wrong, f"--mode={mode}")
        assert status == 1
        assert "Data set 'numbers' has the label 2, outside 0..1. Give --num_classes" in error
        assert not other.exists()


def test_trains_on_a_folder_and_names_what_is_no_image(run_command, tmp_path):
    """By training alone: nothing is judged."""
    images = tmp_path / "images"
    for number, name in enumerate(("cat/1.png", "cat/2.png", "dog/3.png", "dog/4.png")):
        (images / name).parent.mkdir(parents=True, exist_ok=True)
        pixels = np.full([20, 24, 3], 60 * number, np.uint8)
        (images / name).write_bytes(tf.io.encode_png(pixels).numpy())
    flags = [*SMALL, f"--dataset={images}", "--num_classes=2", "--image_channels=3"]
    flags += ["--mode=train", "--steps=2", "--resampling=antialiased"]
    status, out, error = run_command("train", *flags, f"--run={tmp_path / 'run'}")
    assert status == 0, error
    assert f"Real images: folder {images}, classes cat to dog" in out
    assert "(antialiased)" in out
    assert not (tmp_path / "run" / "judge.npz").exists()
    assert "; trained on train[:2], evaluated against train[2:]: there is no split 'test'" in out
    run = RunFolder(str(tmp_path / "run"))
    assert find_steps(run.checkpoint_dir) == [0, 2]
    assert run.read_config().found.class_names == ("cat", "dog")
    assert run.read_config().data.train_split == "train[:2]"
    (images / "dog" / "4.png").write_bytes(b"no image")
    status, _, error = run_command("train", *flags, f"--run={tmp_path / 'other'}")
    assert status == 1
    assert f"error: Data set '{images}': {images}/dog/4.png cannot be decoded (" in error


def test_trains_and_evaluates_on_class_folders_of_any_layout(run_command, tmp_path):
    """As README shows them, with a preset that names a split that is not there."""
    for folder in ("train/1", "train/2", "train/10", "val/1", "val/2", "val/10", "a", "b", "c"):
        path = tmp_path / ("flat" if len(folder) == 1 else "split") / folder
        path.mkdir(parents=True)
        for number in range(4):
            pixels = np.random.RandomState(number).randint(0, 256, [16, 16], np.uint8)
            Image.fromarray(pixels).save(path / f"{number}.png")
    for layout, test, label in (("split", "validation", "10"), ("flat", "train[10:]", "c")):
        run = RunFolder(str(tmp_path / "runs" / layout))
        flags = [*SMALL, f"--dataset={tmp_path / layout}", "--num_classes=3", f"--run={run.path}"]
        status, out, error = run_command("train", *flags, "--steps=2", "--eval_repetitions=1")
        assert status == 0, error
        assert f", evaluated against {test}: there is no split 'test'" in out.replace("; ", ", ")
        assert f"--run={run.path} --class={'1' if layout == 'split' else '0'}" in out
        (first, last) = run.metrics()
        assert f"frechet_distance_judge_{test}_100" in last
        # Later, and by another command, the same.
        status, _, error = run_command("evaluate", f"--run={run.path}", "--repetitions=1")
        assert status == 0, error
        assert run.metrics()[-1].keys() == last.keys()
        status, _, error = run_command("generate", f"--run={run.path}", f"--class={label}")
        assert (status, error) == (0, f"Classes: 2={label}\n")
    status, _, error = run_command("train", *flags, "--steps=4", "--test_split=validation")
    assert status == 1
    assert "was trained with test_split=train[10:], now test_split=validation." in error
    flags[-1] = f"--run={tmp_path / 'new'}"
    status, _, error = run_command("train", *flags, "--test_split=validation")
    assert status == 1
    assert error.startswith("error: --test_split=validation: Data set ")
    assert error.endswith("has no split 'validation'. It has: train.\n")
    assert not (tmp_path / "new").exists()


def test_diverged_training_says_so(run_command, tmp_path):
    path = tmp_path / "run"
    status, _, error = run_command(
        "train", *SMALL, f"--run={path}", "--mode=train", "--discriminator_lr=1e38"
    )
    assert status == 1
    assert "Training diverged: a loss " in error
    assert "The newest checkpoint is of step 0;" in error


def test_continuous_evaluation_may_start_first(run_command, tmp_path):
    flags = [*SMALL, f"--run={tmp_path / 'run'}"]
    status, _, error = run_command("train", *flags, "--mode=continuous_eval", "--eval_timeout=0.1")
    assert status == 0
    assert "No new checkpoint for 0 s: stopping." in error
    status, _, _ = run_command("train", *flags, "--mode=train", "--steps=2")
    assert status == 0


@pytest.mark.parametrize("mode", ["train_and_eval", "continuous_eval", "eval"])
def test_missing_inception_is_said_before_training(run_command, tmp_path, mode):
    path = tmp_path / "run"
    flags = ["--preset=smoke", f"--run={path}", f"--mode={mode}", "--image_size=64"]
    status, _, error = run_command("train", *flags, "--inception=nowhere")
    assert status == 1
    assert "--inception=nowhere: there is no such folder." in error
    assert error.count("\n") == 1
    assert not path.exists()


def test_same_seed_same_weights(run_command, tmp_path):
    """On one machine, and with the same number of threads, whether evaluated in between or not."""
    from checkpoints import load

    weights = []
    flags = ["--preset=smoke", "--steps=3", "--seed=4", "--checkpoint_every=1", "--eval_every=1"]
    for mode in ("train", "train_and_eval"):
        run = RunFolder(str(tmp_path / str(len(weights))))
        status, _, error = run_command("train", *flags, f"--run={run.path}", f"--mode={mode}")
        assert status == 0, error
        weights.append(load(run.path).generator.get_weights())
    assert [record["step"] for record in run.metrics()] == [0, 1, 2, 3]
    for a, b in zip(*weights):
        np.testing.assert_allclose(a, b, atol=1e-5)


def kill_after(step, flags, folder, kill):
    """Starts a training, sends a signal when there is a checkpoint of the step or of a later one.

    Returns:
        Exit status, standard error, and the step of the newest checkpoint.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "gan.train", *flags, "--steps=1000000"],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        # A background job's shell ignores Ctrl-C, and its children with it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        deadline = time.monotonic() + 240
        while max(find_steps(folder), default=0) < step and time.monotonic() < deadline:
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.1)
        process.send_signal(kill)
        _, error = process.communicate(timeout=60)
    finally:
        process.kill()
    reached = find_steps(folder)[-1]
    assert reached >= step
    return process.returncode, error, reached


ENGINES = ["distribute", pytest.param("estimator", marks=needs_tfgan)]


@pytest.mark.parametrize("engine", ENGINES)
def test_whoever_has_stopped_reading_the_step_is_saved(tmp_path, engine):
    """As after Ctrl-C in `... 2>&1 | tee log`, and after the window was closed."""
    # Its name is no text besides, which is no reason to fail either.
    run = RunFolder(str(tmp_path / os.fsdecode(b"r\xe9un")))
    flags = [*SMALL, "--mode=train", f"--engine={engine}", "--log_every=1", "--steps=1000000"]
    every = ["--checkpoint_every=10", "--grid_every=1000000"]
    process = subprocess.Popen(
        [sys.executable, "-m", "gan.train", *flags, *every, f"--run={run.path}"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
    )
    try:
        for line in process.stdout:
            if line.startswith(b"step 3/"):
                break
        process.stdout.close()
        deadline = time.monotonic() + 240
        while max(find_steps(run.checkpoint_dir), default=0) < 20 and time.monotonic() < deadline:
            assert process.poll() is None, "it ended with who read what it said"
            time.sleep(0.1)
        for _ in range(2):
            process.send_signal(signal.SIGHUP)
        assert process.wait(60) == 75
    finally:
        process.kill()
    assert find_steps(run.checkpoint_dir)[-1] >= run.training_log()[-1]["step"] >= 20
    assert any(name.startswith("events.") for name in os.listdir(run.checkpoint_dir))


def test_goes_on_after_kills(run_command, tmp_path):
    path = tmp_path / "run"
    folder = RunFolder(str(path)).checkpoint_dir
    flags = [*SMALL, f"--run={path}", "--checkpoint_every=5"]
    status, error, interrupted_at = kill_after(10, flags, folder, signal.SIGINT)
    assert status == 75
    assert f"The same command goes on from step {interrupted_at}." in error
    for noise in ("absl::InitializeLog", "oneDNN", "deprecated"):
        assert noise not in error
    status, error, reached = kill_after(interrupted_at + 5, flags, folder, signal.SIGKILL)
    assert status == -signal.SIGKILL
    assert f"Going on from step {interrupted_at}" in error
    status, _, error = run_command("train", *flags, f"--steps={reached + 5}")
    assert status == 0
    assert f"Going on from step {reached}" in error
    assert find_steps(folder)[-1] == reached + 5
    report = json.loads((path / "report.json").read_text())
    assert report["steps"] == reached + 5
    assert report["frechet_distance_at_start"] > 0
    assert os.path.isfile(RunFolder(str(path)).grid_path(reached + 5))
