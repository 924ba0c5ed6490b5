"""The estimator engine: trains a job with TF-GAN's TPUGANEstimator.

The only file that imports TF-GAN and `tf.estimator` (TensorFlow 2.15 at most).
How two Keras models get through it is in `gan.training.estimator_bridge`.
"""

import collections
import inspect
import os
from typing import Callable

import tensorflow as tf
import tensorflow_gan as tfgan
from tensorflow import keras

from checkpoints.checkpoint_files import find_steps
from gan.config import ExperimentConfig
from gan.input_pipeline import training_batches
from gan.networks import make_discriminator, make_generator
from gan.run_folder import RunFolder
from gan.training.estimator_bridge import KerasGAN, models_of_graph
from gan.training.losses import discriminator_hinge_loss, generator_hinge_loss
from gan.training.monitor import GRID_COLUMNS, TrainingMonitor, grid_labels
from preprocessing.sources.labelled_images import ImageSource

if not hasattr(inspect, "getargspec"):  # Gone in Python 3.11; TF-GAN 2.1.0 calls it.
    _ArgSpec = collections.namedtuple("ArgSpec", "args varargs keywords defaults")
    inspect.getargspec = lambda function: _ArgSpec(*inspect.getfullargspec(function)[:4])


class TrainingError(RuntimeError):
    """Training that cannot go on; the message says why and what to do."""


def make_estimator(
    config: ExperimentConfig, model_dir: str, optimizer=None
) -> tfgan.estimator.TPUGANEstimator:
    """Builds the estimator of a job.

    Args:
        config: the job.
        model_dir: folder of its checkpoints.
        optimizer: learning rate to a TF1 optimizer; None for the published Adam.
    """
    training = config.training
    if optimizer is None:

        def optimizer(learning_rate):
            return tf.compat.v1.train.AdamOptimizer(
                learning_rate, beta1=training.adam_beta1, beta2=training.adam_beta2
            )

    gan = KerasGAN(
        lambda: make_generator(config.model),
        lambda: make_discriminator(config.model),
        generator_hinge_loss,
        discriminator_hinge_loss,
    )
    return tfgan.estimator.TPUGANEstimator(
        generator_fn=gan.generator_fn,
        discriminator_fn=gan.discriminator_fn,
        generator_loss_fn=gan.generator_loss_fn,
        discriminator_loss_fn=gan.discriminator_loss_fn,
        generator_optimizer=lambda: optimizer(training.generator_lr),
        discriminator_optimizer=lambda: optimizer(training.discriminator_lr),
        gan_train_steps=tfgan.GANTrainSteps(1, training.discriminator_steps),
        config=tf.compat.v1.estimator.tpu.RunConfig(
            model_dir=model_dir,
            tf_random_seed=training.seed,
            save_checkpoints_steps=training.checkpoint_every,
            keep_checkpoint_max=training.checkpoints_kept,
            save_summary_steps=None,
            log_step_count_steps=None,
        ),
        params={},  # TF-GAN would take entries for arguments of its loss.
        use_tpu=False,
        eval_on_tpu=False,
        train_batch_size=training.batch_size,
    )


def train(
    config: ExperimentConfig,
    run: RunFolder,
    source: ImageSource,
    monitor: TrainingMonitor,
    on_checkpoint: Callable[[int, str], None],
):
    """Trains from the newest checkpoint of the run to `config.training.steps`.

    Args:
        config: the job.
        run: its folder.
        source: the real images.
        monitor: shows progress.
        on_checkpoint: called with step and path of every checkpoint written, that
            of step 0 included; it may evaluate.

    Raises:
        TrainingError: if a loss becomes NaN.
    """
    keras.utils.set_random_seed(config.training.seed)  # Keras initialisers draw from it.
    estimator = make_estimator(config, run.checkpoint_dir)
    start = max(find_steps(run.checkpoint_dir), default=0)

    def input_fn(params):
        return training_batches(
            source,
            config.data.train_split,
            params["batch_size"],  # Of all sub-steps of a step, which TF-GAN slices.
            config.model.z_dim,
            config.data.shuffle_buffer,
            config.training.seed,
            start,
        )

    try:
        # In this order: a step's grid is drawn before its checkpoint is reported.
        with source.reading():
            estimator.train(
                input_fn,
                max_steps=config.training.steps,
                hooks=[
                    _MonitorHook(config, run, monitor),
                    _SaverHook(
                        run.checkpoint_dir,
                        save_steps=config.training.checkpoint_every,
                        listeners=[_CheckpointListener(run, on_checkpoint)],
                    ),
                ],
            )
    except (
        tf.compat.v1.train.NanLossDuringTrainingError,
        tf.errors.InvalidArgumentError,
    ) as error:
        diverged = isinstance(error, tf.compat.v1.train.NanLossDuringTrainingError)
        if not diverged and "LossTensor is inf or nan" not in error.message:
            raise
        newest = max(find_steps(run.checkpoint_dir), default=0)
        raise TrainingError(
            f"Training diverged: a loss became NaN. The newest checkpoint is of step {newest}; go "
            "on from it with a smaller --generator_lr or --discriminator_lr."
        ) from error


class _GraphSummaryWriter:
    """TensorBoard events written from a TF1 session."""

    def __init__(self, folder):
        self._writer = tf.compat.v1.summary.FileWriterCache.get(folder)

    def scalars(self, step, values):
        entries = [
            tf.compat.v1.Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()
        ]
        self._writer.add_summary(tf.compat.v1.Summary(value=entries), step)

    def picture(self, step, name, png):
        image = tf.compat.v1.Summary.Image(encoded_image_string=png)
        entry = tf.compat.v1.Summary.Value(tag=name, image=image)
        self._writer.add_summary(tf.compat.v1.Summary(value=[entry]), step)
        self._writer.flush()


class _MonitorHook(tf.estimator.SessionRunHook):
    """Tells the monitor about every step, and draws its sample grids."""

    def __init__(self, config, run, monitor):
        self._config = config
        self._run = run
        self._monitor = monitor

    def begin(self):
        training, model = self._config.training, self._config.model
        models = models_of_graph()
        self._writer = _GraphSummaryWriter(self._run.checkpoint_dir)
        self._step = tf.compat.v1.train.get_global_step()
        self._losses = {
            "loss/generator": models.generator_losses[-1],
            "loss/discriminator": models.discriminator_losses[training.discriminator_steps - 1],
        }
        labels = grid_labels(model.num_classes)
        # One latent per column: along it, classes can be compared.
        latents = tf.random.stateless_normal(
            [GRID_COLUMNS, model.z_dim], [training.seed, 0], alg="philox"
        )
        latents = tf.tile(latents, [len(labels) // GRID_COLUMNS, 1])
        self._grid = models.generator([latents, tf.constant(labels)], training=False)

    def after_create_session(self, session, coord):
        if session.run(self._step) == 0:
            self._monitor.grid(0, session.run(self._grid), self._writer)
        self._monitor.start()

    def before_run(self, run_context):
        return tf.estimator.SessionRunArgs(self._losses)

    def after_run(self, run_context, run_values):
        # Fetched beside the losses, the step might be read before its increment or after.
        step = int(run_context.session.run(self._step))
        self._monitor.step(step, run_values.results, self._writer)
        if self._monitor.grid_due(step):
            self._monitor.grid(step, run_context.session.run(self._grid), self._writer)


class _SaverHook(tf.estimator.CheckpointSaverHook):
    """Saves as the estimator does, but not what it has just restored.

    A kill while the newest checkpoint is written over would leave it damaged.
    """

    def after_create_session(self, session, coord):
        if session.run(self._global_step_tensor) == 0:
            super().after_create_session(session, coord)
        else:
            self._timer.update_last_triggered_step(session.run(self._global_step_tensor))


class _CheckpointListener(tf.estimator.CheckpointSaverListener):
    """Reports every checkpoint once it is on disk."""

    def __init__(self, run, on_checkpoint):
        self._run = run
        self._on_checkpoint = on_checkpoint

    def after_save(self, session, global_step_value):
        path = os.path.join(self._run.checkpoint_dir, f"model.ckpt-{global_step_value}")
        self._on_checkpoint(int(global_step_value), path)
