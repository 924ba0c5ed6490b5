"""The estimator engine: equal to a plain loop, and what the bridge promises TF-GAN."""

import json
import os
import shutil
import signal

import numpy as np
import pytest
import tensorflow as tf
from conftest import needs_tfgan, tf_variable
from tensorflow import keras

from checkpoints import load
from checkpoints.checkpoint_files import find_steps, read_variables, verify
from gan.input_pipeline import training_batches
from gan.job import Job
from gan.networks import make_discriminator, make_generator
from gan.presets import smoke
from gan.run_folder import RunFolder
from gan.training.interruption import Interrupted
from gan.training.losses import discriminator_hinge_loss, generator_hinge_loss
from gan.training.monitor import TrainingMonitor
from gan.training.training_error import TrainingError
from ham_tf.layers.draw_seeds import DrawSeeds
from preprocessing.image_source import open_images

pytestmark = needs_tfgan
STEPS = 3


def plain_training(models, batches, config, steps):
    """The same training as a `tf.function` loop over two Keras models."""
    generator, discriminator = models
    optimizers = {
        generator: keras.optimizers.SGD(config.training.generator_lr),
        discriminator: keras.optimizers.SGD(config.training.discriminator_lr),
    }
    for model, optimizer in optimizers.items():
        optimizer.build([tf_variable(weight) for weight in model.trainable_weights])

    def sub_step(generated, real, trained):
        generator.update_spectral_norms()
        discriminator.update_spectral_norms()
        labels = generated["labels"]
        variables = [tf_variable(weight) for weight in trained.trainable_weights]
        with tf.GradientTape() as tape:
            images = generator([generated["latents"], labels], training=True)
            fake = discriminator([images, labels], training=True)
            real = discriminator([real["images"], real["labels"]], training=True)
            if trained is generator:
                loss = tf.reduce_mean(generator_hinge_loss(fake))
            else:
                loss = tf.reduce_mean(discriminator_hinge_loss(real, fake))
        optimizers[trained].apply_gradients(zip(tape.gradient(loss, variables), variables))

    @tf.function
    def step(generated, real):
        sub_steps = config.training.discriminator_steps + 1
        for index in range(sub_steps):

            def part(batch, index=index):
                return {name: tf.split(value, sub_steps)[index] for name, value in batch.items()}

            sub_step(
                part(generated),
                part(real),
                generator if index == sub_steps - 1 else discriminator,
            )

    for generated, real in batches.take(steps):
        step(generated, real)


@pytest.mark.parametrize(
    ("discriminator_steps", "ham"), [(2, "nmf"), (1, "cd"), (1, "pooled_attention")]
)
def test_equals_a_plain_loop(tmp_path, monkeypatch, discriminator_steps, ham):
    """From equal weights, after some steps of SGD, every weight is equal.

    SGD, because Adam turns the rounding of tiny gradients into steps of full size.
    The moving averages and singular vectors are weights too: they show whether
    the graph ran their updates, once per sub-step and in order.
    """
    from gan.training import estimator_engine

    monkeypatch.setattr(DrawSeeds, "next", lambda self: [3, 4])
    config = smoke().replace(
        dict(
            steps=STEPS,
            discriminator_steps=discriminator_steps,
            ham=ham,
            shuffle_buffer=1,
            generator_lr=1e-2,
            discriminator_lr=1e-2,
            checkpoint_every=STEPS,
            eval_every=STEPS,
        )
    )
    run = RunFolder(str(tmp_path / "run"))
    run.write_config(config)
    source = open_images("digits", 16, 1, 10)
    make_estimator = estimator_engine.make_estimator
    monkeypatch.setattr(
        estimator_engine,
        "make_estimator",
        lambda *args, **kwargs: make_estimator(
            *args, optimizer=tf.compat.v1.train.GradientDescentOptimizer, **kwargs
        ),
    )
    monitor = TrainingMonitor(config, run, 0, 0.0)
    seen = []
    estimator_engine.train(config, run, source, monitor, lambda step, path: seen.append(step))
    assert seen == [0, STEPS]

    start, end = load(run.path, 0), load(run.path, STEPS)
    assert any(
        not np.allclose(a, b) for a, b in zip(start.generator.weights, end.generator.weights)
    )
    batches = training_batches(
        source,
        "train",
        config.training.batch_size * (1 + discriminator_steps),
        config.model.z_dim,
        1,
        config.training.seed,
    )
    plain_training(start[:2], batches, config, STEPS)
    for ours, engines in zip(start[:2], end[:2]):
        for weight, expected in zip(ours.weights, engines.weights):
            np.testing.assert_allclose(weight, expected, atol=1e-6, rtol=1e-5, err_msg=weight.name)


def test_optimizers_run_at_their_sub_steps(tmp_path, monkeypatch):
    """One generator step after `discriminator_steps`, each on its part of a larger batch."""
    from gan.training import estimator_engine

    calls = []

    class Recorder(tf.compat.v1.train.GradientDescentOptimizer):
        def apply_gradients(self, grads_and_vars, *args, **kwargs):
            grads_and_vars = list(grads_and_vars)
            calls.append({variable.name.split("/")[0] for _, variable in grads_and_vars})
            return super().apply_gradients(grads_and_vars, *args, **kwargs)

    config = smoke().replace(dict(steps=1, discriminator_steps=3))
    estimator = estimator_engine.make_estimator(
        config, str(tmp_path / "checkpoints"), optimizer=Recorder
    )
    source = open_images("digits", 16, 1, 10)
    sizes = []

    def input_fn(params):
        sizes.append(params["batch_size"])
        return training_batches(source, "train", params["batch_size"], 8, 1, 0)

    estimator.train(input_fn, max_steps=1)
    assert calls == 3 * [{"Discriminator"}] + [{"Generator"}]
    assert sizes == [4 * config.training.batch_size]


def estimator_job(path, steps, **settings):
    every = settings.pop("every", steps)
    config = smoke().replace(
        dict(
            steps=steps,
            checkpoint_every=every,
            eval_every=every,
            grid_every=every,
            engine="estimator",
        )
        | {"log_every": 1, **settings}
    )
    return Job(config, str(path))


@pytest.fixture(scope="module")
def two_steps(tmp_path_factory):
    """A run of 2 steps, for all tests that need one to start from."""
    path = tmp_path_factory.mktemp("two_steps") / "run"
    estimator_job(path, 2).train()
    return path


@pytest.fixture
def spoiled(monkeypatch):
    """A kernel becomes NaN after step 4, once."""
    from gan.training import estimator_engine

    done = []

    class Spoiler(tf.estimator.SessionRunHook):
        def begin(self):
            kernel = tf.compat.v1.global_variables("Generator/generator/dense/kernel")[0]
            self._spoil = kernel.assign(tf.fill(kernel.shape, np.nan))
            self._step = tf.compat.v1.train.get_global_step()

        def after_run(self, run_context, run_values):
            if not done and run_context.session.run(self._step) == 4:
                done.append(True)
                run_context.session.run(self._spoil)

    make_estimator = estimator_engine.make_estimator

    def with_spoiler(*arguments, **keywords):
        estimator = make_estimator(*arguments, **keywords)
        train = estimator.train
        estimator.train = lambda *a, hooks, **k: train(*a, hooks=[Spoiler(), *hooks], **k)
        return estimator

    monkeypatch.setattr(estimator_engine, "make_estimator", with_spoiler)


@pytest.mark.usefixtures("spoiled")
def test_never_saves_what_is_not_finite(tmp_path):
    with pytest.raises(TrainingError, match="not finite at step 4. The newest .* of step 2;"):
        estimator_job(tmp_path, 6, every=2).train()
    assert find_steps(RunFolder(str(tmp_path)).checkpoint_dir) == [0, 2]


@pytest.mark.usefixtures("spoiled")
def test_goes_back_and_on_with_other_images(tmp_path, capsys):
    estimator_job(tmp_path, 6, every=2, on_divergence="rollback").train()
    folder = RunFolder(str(tmp_path)).checkpoint_dir
    assert find_steps(folder) == [0, 2, 4, 6]
    for step in find_steps(folder):
        verify(os.path.join(folder, f"model.ckpt-{step}"))
    assert "Back to step 2, and on with other images (1 of 3)" in capsys.readouterr().err
    variables = read_variables(os.path.join(folder, "model.ckpt-6"))
    assert variables["distribute/images"] == 6 * 8
    assert variables["distribute/examples"] == 2 * (6 + 2) * 8  # 2 steps were lost.
    assert [point["step"] for point in RunFolder(str(tmp_path)).training_log()] == [*range(1, 7)]


def test_batch_size_may_change(two_steps, tmp_path):
    """Progress is counted in images: the data goes on where it was."""
    run = shutil.copytree(two_steps, tmp_path / "run")
    estimator_job(run, 3, batch_size=4).train()
    path = os.path.join(RunFolder(str(run)).checkpoint_dir, "model.ckpt-3")
    variables = read_variables(path)
    assert variables["distribute/images"] == 2 * 8 + 4
    assert variables["distribute/examples"] == 2 * (2 * 8 + 4)


def test_a_signal_saves_the_present_step(tmp_path, monkeypatch):
    step_of_monitor = TrainingMonitor.step

    def step(monitor, step, *arguments):
        step_of_monitor(monitor, step, *arguments)
        if step == 3:
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(TrainingMonitor, "step", step)
    with pytest.raises(Interrupted):
        estimator_job(tmp_path, 100).train()
    assert find_steps(RunFolder(str(tmp_path)).checkpoint_dir) == [0, 3]


def test_starts_from_weights(two_steps, tmp_path):
    estimator_job(tmp_path, 1, warm_start=str(two_steps)).train()
    first, second = load(str(two_steps), 2), load(str(tmp_path), 0)
    for models in zip(first[:2], second[:2]):
        for ours, theirs in zip(*(model.get_weights() for model in models)):
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    "setting", [{"steps_per_execution": 2, "log_every": 2}, {"strategy": "mirrored"}]
)
def test_settings_of_the_other_engine(tmp_path, setting):
    with pytest.raises(TrainingError, match=f"--{next(iter(setting))}=.*--engine=distribute"):
        estimator_job(tmp_path, 2, **setting)


def set_workers(monkeypatch, addresses):
    task = {"type": "worker", "index": 0}
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": {"worker": addresses}, "task": task}))


def test_several_workers_need_the_other_engine(tmp_path, monkeypatch):
    set_workers(monkeypatch, ["a:1", "b:2"])
    with pytest.raises(TrainingError, match="TF_CONFIG names 2 workers. Use --engine=distribute"):
        estimator_job(tmp_path, 2)


def test_a_cluster_of_one_worker_is_none(two_steps, tmp_path, monkeypatch):
    set_workers(monkeypatch, ["a:1"])
    run = shutil.copytree(two_steps, tmp_path / "run")
    estimator_job(run, 3).train()
    assert find_steps(RunFolder(str(run)).checkpoint_dir) == [0, 2, 3]


def test_both_calls_of_a_sub_step_share_one_normalisation(monkeypatch):
    from gan.layers import spectral_normalization
    from gan.training.estimator_bridge import TRAIN, KerasGAN

    model, normalised, true_norm = smoke().model, [], spectral_normalization.spectral_norm
    monkeypatch.setattr(
        spectral_normalization,
        "spectral_norm",
        lambda weight, u: normalised.append(weight) or true_norm(weight, u),
    )
    gan = KerasGAN(lambda: make_generator(model), lambda: make_discriminator(model), None, None)
    with tf.Graph().as_default():
        size = model.image_size
        inputs = {"latents": tf.zeros([2, model.z_dim]), "labels": tf.constant([0, 1])}
        real = {"images": tf.zeros([2, size, size, model.image_channels]), "labels": [0, 1]}
        counts = []
        for _ in range(2):  # sub-steps
            generated = gan.generator_fn(inputs, TRAIN)
            for data in (generated, real):
                normalised.clear()
                gan.discriminator_fn(data, inputs, TRAIN)
                counts.append(len(normalised))
    assert counts == [counts[0], 0] * 2
    assert counts[0] > 0


def test_graphs_are_freed():
    """The models of a graph die with it: 100 evaluations must not keep 100 graphs."""
    import gc
    import weakref

    from gan.training.estimator_bridge import models_of_graph

    graphs = []
    for _ in range(3):
        with tf.Graph().as_default() as graph:
            models = models_of_graph()
            models.generator = make_generator(smoke().model)
            assert models_of_graph() is models
            graphs.append(weakref.ref(graph))
        del graph, models
    keras.backend.clear_session()
    gc.collect()
    assert [graph() for graph in graphs] == [None, None, None]
