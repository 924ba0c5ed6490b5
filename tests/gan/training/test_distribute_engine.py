"""The distribute engine: equal to the estimator's, resumed bit by bit, never saving NaN."""

import gc
import os
import random
import re
import resource
import shutil
import signal

import numpy as np
import pytest
import tensorflow as tf
from conftest import needs_tfgan, two_devices

from checkpoints import load
from checkpoints.checkpoint_files import find_steps, read_variables, verify
from gan.job import Job
from gan.presets import smoke
from gan.run_folder import RunFolder
from gan.training import distribute_engine, recovery
from gan.training.interruption import Interrupted
from gan.training.monitor import TrainingMonitor
from gan.training.sample_grid import grid_inputs
from gan.training.training_error import TrainingError
from ham_tf.layers.draw_seeds import DrawSeeds

# Batch norm subtracts these biases again: their gradients are rounding alone, of which
# Adam makes whole steps. The moving means hold them.
ARBITRARY = re.compile(r"Generator/generator/(block\d/(conv\d|shortcut)/bias|.*/moving_mean)")


def end_determinism():
    """Ends what `--deterministic` turned on for the process."""
    from tensorflow.python.framework import config

    config.disable_op_determinism()


@pytest.fixture(autouse=True)
def op_determinism():
    yield
    end_determinism()
    gc.collect()  # Two networks, their graphs and their optimizers.


def job(path, steps, every=None, **settings):
    settings = {"engine": "distribute", "strategy": "one_device", **settings}
    every = every or steps
    config = smoke().replace(
        dict(steps=steps, checkpoint_every=every, grid_every=every, log_every=1, eval_every=every)
        | settings
    )
    return Job(config, str(path))


def checkpoint(path, step):
    return read_variables(os.path.join(RunFolder(str(path)).checkpoint_dir, f"model.ckpt-{step}"))


@pytest.fixture(scope="module")
def six_steps(tmp_path_factory):
    """A run of 6 steps, saved every 2, for all tests that need one to start from or to equal."""
    path = tmp_path_factory.mktemp("six_steps") / "run"
    job(path, 6, 2, deterministic=True).train()
    end_determinism()
    return path


@pytest.fixture
def copied_run(six_steps, tmp_path):
    """A copy of `six_steps`, to go on with."""
    return shutil.copytree(six_steps, tmp_path / "copied")


def losses(path):
    return _curves(path, "loss")


def gradient_norms(path):
    return _curves(path, "gradient_norm")


def _curves(path, group):
    return [
        [point[f"{group}/generator"], point[f"{group}/discriminator"]]
        for point in RunFolder(str(path)).training_log()
    ]


@needs_tfgan
@pytest.mark.parametrize(
    ("discriminator_steps", "settings"),
    [(1, {}), (2, {"ema_decay": 0.5, "ema_start": 2, "augmentation": "color,cutout"})],
)
def test_equals_the_estimator_engine(tmp_path, monkeypatch, discriminator_steps, settings):
    """From the estimator's first checkpoint, on the same data: its curves and last checkpoint."""
    monkeypatch.setattr(DrawSeeds, "next", lambda self: [3, 4])
    settings = dict(settings, discriminator_steps=discriminator_steps)
    expected, actual = tmp_path / "estimator", tmp_path / "distribute"
    job(expected, 10, 5, engine="estimator", strategy="auto", **settings).train()
    shutil.copytree(expected, actual)
    for file in [*(actual / "checkpoints").glob("model.ckpt-[15]*"), actual / "training_log.jsonl"]:
        file.unlink()
    (actual / "checkpoints" / "checkpoint").unlink()
    job(actual, 10, 5, **settings).train()
    np.testing.assert_allclose(losses(actual), losses(expected), atol=1e-5, rtol=1e-5)
    # Of sparse gradients whose repeated rows are not summed the norm differs by 1e-2.
    np.testing.assert_allclose(gradient_norms(actual), gradient_norms(expected), rtol=2e-4)
    curves = [RunFolder(str(path)).training_log()[-1] for path in (expected, actual)]
    assert curves[0].keys() == curves[1].keys()
    assert curves[0]["logits/real"] == pytest.approx(curves[1]["logits/real"], abs=1e-3)
    theirs, ours = checkpoint(expected, 10), checkpoint(actual, 10)
    assert set(theirs) <= set(ours)
    assert ("ema_decay" in settings) == any("ExponentialMovingAverage" in name for name in theirs)
    for name, value in theirs.items():
        if not ARBITRARY.search(name):
            # A slot is a gradient of the last step, in which differences of weights are larger;
            # twice as many steps of the discriminator let rounding grow further.
            of_weights, of_slots = {1: (1e-5, 1e-3), 2: (2e-4, 5e-3)}[discriminator_steps]
            tolerance = of_slots if "/Adam" in name else of_weights
            np.testing.assert_allclose(
                ours[name], value, atol=tolerance, rtol=tolerance, err_msg=name
            )
    if "ema_decay" in settings:  # The case with more to find.
        # The run may go back to the estimator, which finds all it needs.
        job(actual, 12, 12, engine="estimator", strategy="auto", **settings).train()
        assert find_steps(actual / "checkpoints")[-1] == 12


@pytest.mark.parametrize("settings", [{}, {"ema_decay": 0.5, "augmentation": "color,cutout"}])
def test_goes_on_bit_by_bit(six_steps, tmp_path, settings):
    """6 steps at once, or 4 by new objects from the second's checkpoint: the same bits."""
    settings = {"deterministic": True, **settings}
    at_once = six_steps
    if "ema_decay" in settings:
        at_once = tmp_path / "whole"
        job(at_once, 6, 2, **settings).train()
    shutil.copytree(at_once, tmp_path / "parts")
    for file in (tmp_path / "parts" / "checkpoints").glob("model.ckpt-[46].*"):
        file.unlink()
    assert find_steps(tmp_path / "parts" / "checkpoints") == [0, 2]
    job(tmp_path / "parts", 6, 2, **settings).train()
    whole, parts = checkpoint(at_once, 6), checkpoint(tmp_path / "parts", 6)
    assert whole.keys() == parts.keys()
    assert {"distribute/examples", "distribute/images", "global_step"} < whole.keys()
    assert any("draws" in name for name in whole)
    assert ("ema_decay" in settings) == any("ExponentialMovingAverage" in name for name in whole)
    for name, value in whole.items():
        np.testing.assert_array_equal(parts[name], value, err_msg=name)
    assert losses(tmp_path / "parts") == losses(at_once)


@pytest.mark.parametrize("strategy", ["one_device", "mirrored"])
def test_several_steps_per_execution(six_steps, tmp_path, monkeypatch, strategy):
    settings = dict(deterministic=True, strategy=strategy)
    one_by_one = six_steps
    if strategy == "mirrored":
        monkeypatch.setattr(distribute_engine, "make_strategy", lambda execution: two_devices())
        one_by_one = tmp_path / "one"
        settings["ham_steps"] = 1  # Two replicas make two graphs.
        job(one_by_one, 6, 6, **settings).train()
    several = job(tmp_path / "several", 6, 6, log_every=3, **settings)
    several._config = several._engine.config = several._config.replace({"steps_per_execution": 3})
    several.train()
    one, three = checkpoint(one_by_one, 6), checkpoint(tmp_path / "several", 6)
    for name, value in one.items():
        np.testing.assert_allclose(three[name], value, atol=1e-5, rtol=1e-4, err_msg=name)


def test_batch_size_may_change(copied_run):
    """Progress is counted in images: the data goes on where it was."""
    job(copied_run, 7, batch_size=4).train()
    variables = checkpoint(copied_run, 7)
    assert variables["distribute/images"] == 6 * 8 + 4
    assert variables["distribute/examples"] == 2 * (6 * 8 + 4)
    assert RunFolder(str(copied_run)).images_at(7) == 52


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision(tmp_path, precision):
    job(tmp_path, 3, precision=precision).train()
    variables = checkpoint(tmp_path, 3)
    assert all(value.dtype != np.float16 for value in variables.values())
    assert ("distribute/generator_loss_scale/factor" in variables) == (precision == "mixed_float16")
    assert load(str(tmp_path)).step == 3


def test_compiled(six_steps, tmp_path):
    job(tmp_path, 3, jit_compile=True).train()
    np.testing.assert_allclose(losses(tmp_path), losses(six_steps)[:3], atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("engine", [pytest.param("estimator", marks=needs_tfgan), "distribute"])
def test_grids_show_the_averages(tmp_path, monkeypatch, engine):
    """As evaluation and sampling do, which load them."""
    grids = {}
    monkeypatch.setattr(
        TrainingMonitor, "grid", lambda monitor, step, images, writer: grids.update({step: images})
    )
    run = job(tmp_path, 2, engine=engine, ema_decay=0.9, generator_lr=0.05)
    run.train()
    inputs = grid_inputs(run._config)
    for averaged in (True, False):
        generator = load(str(tmp_path), averaged=averaged).generator
        difference = np.abs(grids[2] - generator(list(inputs), training=False)).max()
        assert (difference < 1e-5) == averaged


def test_starts_from_weights(six_steps, tmp_path):
    job(tmp_path, 1, warm_start=str(six_steps)).train()
    first, second = checkpoint(six_steps, 6), checkpoint(tmp_path, 0)
    for name, value in first.items():
        if name.startswith(("Generator/", "Discriminator/")) and "Adam" not in name:
            np.testing.assert_array_equal(second[name], value, err_msg=name)
    assert second["global_step"] == 0


@pytest.fixture
def spoil(monkeypatch):
    """Makes weights NaN at given looks of the host at training."""

    def at(looks):
        looks, look = set(looks), distribute_engine._Loop._look
        count = [0]

        def spoiled(loop, step, measured):
            count[0] += 1
            if count[0] in looks:
                model = random.choice([loop._state.generator, loop._state.discriminator])
                weight = random.choice(model.trainable_weights)
                weight.assign(np.full(weight.shape, np.nan))
            return look(loop, step, measured)

        monkeypatch.setattr(distribute_engine._Loop, "_look", spoiled)

    return at


def test_never_saves_what_is_not_finite(tmp_path, monkeypatch, spoil):
    """NaN in any weight at 50 random steps: rolled back, and every checkpoint is finite."""
    random.seed(0)
    monkeypatch.setattr(distribute_engine, "_LOOK_EVERY_SECONDS", 0)
    spoil(random.sample(range(1, 300), 50))
    monkeypatch.setattr(recovery, "_MOST_ROLLBACKS", 50)
    job(tmp_path, 160, 4, on_divergence="rollback").train()
    folder = RunFolder(str(tmp_path)).checkpoint_dir
    assert find_steps(folder) == list(range(0, 161, 4))
    for step in find_steps(folder):
        verify(os.path.join(folder, f"model.ckpt-{step}"))
    assert checkpoint(tmp_path, 160)["distribute/examples"] > 2 * 160 * 8  # Other images.


def test_stops_or_gives_up_when_not_finite(tmp_path, monkeypatch, spoil):
    monkeypatch.setattr(distribute_engine, "_LOOK_EVERY_SECONDS", 0)
    random.seed(1)
    spoil([3])
    message = "Training diverged: .* step .*The newest checkpoint is of step 2; go on from it"
    with pytest.raises(TrainingError, match=message):
        job(tmp_path, 8, 2).train()
    assert find_steps(RunFolder(str(tmp_path)).checkpoint_dir) == [0, 2]
    spoil(range(1, 100))
    with pytest.raises(TrainingError, match="It was rolled back 3 times"):
        job(tmp_path, 8, 2, on_divergence="rollback").train()


def test_a_signal_saves_the_present_step(tmp_path, monkeypatch, capsys):
    step_of_monitor = TrainingMonitor.step

    def step(monitor, step, *arguments):
        step_of_monitor(monitor, step, *arguments)
        if step == 3:
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(TrainingMonitor, "step", step)
    with pytest.raises(Interrupted) as raised:
        job(tmp_path, 100).train()
    assert raised.value.exit_status == 75
    (reached,) = find_steps(RunFolder(str(tmp_path)).checkpoint_dir)[1:]
    assert reached in (3, 4)
    assert f"The same command goes on from step {reached}." in capsys.readouterr().err


def test_a_full_disk(copied_run):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
        with pytest.raises(TrainingError, match="cannot be written .*Make room"):
            job(copied_run, 7).train()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    folder = copied_run / "checkpoints"
    assert find_steps(folder) == [0, 2, 4, 6]
    assert not [name for name in os.listdir(folder) if "unfinished" in name]
    job(copied_run, 7).train()
    assert find_steps(folder) == [0, 2, 4, 6, 7]


def test_a_damaged_checkpoint_is_set_aside(copied_run, capsys):
    folder = copied_run / "checkpoints"
    newest = folder / "model.ckpt-6.data-00000-of-00001"
    newest.write_bytes(newest.read_bytes()[:5000])
    (folder / "model.ckpt-9.data-00000-of-00001").write_bytes(b"a kill between two renames")
    (folder / ".unfinished-abc").mkdir()
    job(copied_run, 8, 2).train()
    error = capsys.readouterr().err
    assert "model.ckpt-6: damaged (" in error
    assert "Going on from step 4" in error
    assert find_steps(folder) == [0, 2, 4, 6, 8]
    assert (folder / "damaged-model.ckpt-6.index").exists()
    assert not (folder / ".unfinished-abc").exists()
    assert not (folder / "model.ckpt-9.data-00000-of-00001").exists()


def test_oldest_checkpoints_go(tmp_path):
    job(tmp_path, 5, 1, checkpoints_kept=2).train()
    assert find_steps(RunFolder(str(tmp_path)).checkpoint_dir) == [4, 5]


def test_flags_that_cannot_go_together(tmp_path):
    two = tf.config.list_logical_devices("CPU")
    assert len(two) == 2
    with pytest.raises(TrainingError, match="--jit_compile=true: needs one device; there are 2"):
        job(tmp_path, 2, strategy="mirrored", jit_compile=True)
