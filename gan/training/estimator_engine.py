"""The estimator engine: trains a job with TF-GAN's TPUGANEstimator.

The only file that imports TF-GAN and `tf.estimator` (TensorFlow 2.15 at most).
How two Keras models get through it is in `gan.training.estimator_bridge`.
"""

import collections
import inspect
import os
from typing import Callable, Optional

import tensorflow as tf
import tensorflow_gan as tfgan
from tensorflow import keras

from checkpoints.checkpoint_files import find_steps
from gan.config import ExperimentConfig
from gan.input_pipeline import training_batches
from gan.networks import make_discriminator, make_generator, weights_by_path
from gan.run_folder import RunFolder
from gan.training.estimator_bridge import KerasGAN, models_of_graph
from gan.training.interruption import Interruption
from gan.training.losses import discriminator_hinge_loss, generator_hinge_loss
from gan.training.monitor import TrainingMonitor
from gan.training.sample_grid import grid_inputs
from gan.training.training_error import TrainingError
from preprocessing.sources.labelled_images import ImageSource

if not hasattr(inspect, "getargspec"):  # Gone in Python 3.11; TF-GAN 2.1.0 calls it.
    _ArgSpec = collections.namedtuple("ArgSpec", "args varargs keywords defaults")
    inspect.getargspec = lambda function: _ArgSpec(*inspect.getfullargspec(function)[:4])


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


class EstimatorEngine:
    """Trains one job with TF-GAN's estimator, on one device of this machine.

    Args:
        config: the job.

    Attributes:
        description: what it runs on, for a person.
        is_chief: True: it trains alone.

    Raises:
        TrainingError: for settings that only the other engine has.
    """

    def __init__(self, config: ExperimentConfig):
        training, execution = config.training, config.execution
        for flag, value, default in (
            ("ema_decay", training.ema_decay, 0.0),
            ("augmentation", training.augmentation, ""),
            ("on_divergence", training.on_divergence, "stop"),
            ("on_collapse", training.on_collapse, "warn"),
            ("tpu", execution.tpu, ""),
            ("steps_per_execution", execution.steps_per_execution, 1),
        ):
            if value != default:
                raise TrainingError(f"--{flag}={value}: needs --engine=distribute.")
        if execution.strategy not in ("auto", "one_device"):
            raise TrainingError(
                f"--strategy={execution.strategy}: needs --engine=distribute; this engine trains "
                "on one device."
            )
        self._config = config
        devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        self.description = f"1 {devices[0].device_type}"
        self.is_chief = True

    def wait_for_all(self):
        """Returns at once: there is nobody to wait for."""

    def train(self, run, source, monitor, on_checkpoint, interruption=None, initial_weights=None):
        """Trains to `config.training.steps`; see `train`."""
        train(
            self._config, run, source, monitor, on_checkpoint, interruption, initial_weights or {}
        )


def train(
    config: ExperimentConfig,
    run: RunFolder,
    source: ImageSource,
    monitor: TrainingMonitor,
    on_checkpoint: Callable[[int, str], None],
    interruption: Optional[Interruption] = None,
    initial_weights: Optional[dict] = None,
):
    """Trains from the newest checkpoint of the run to `config.training.steps`.

    Args:
        config: the job.
        run: its folder.
        source: the real images.
        monitor: shows progress.
        on_checkpoint: called with step and path of every checkpoint written, that
            of step 0 included; it may evaluate.
        interruption: if it says so, training saves its present step and ends.
        initial_weights: network to path to array, which a new run starts from.

    Raises:
        TrainingError: if a loss or weight is not finite, or a checkpoint cannot be written.
    """
    keras.utils.set_random_seed(config.training.seed)  # Keras initialisers draw from it.
    estimator = make_estimator(config, run.checkpoint_dir)
    start = max(find_steps(run.checkpoint_dir), default=0)
    # The data goes on by images: the batch size may have changed.
    images = run.images_at(start) or start * config.training.batch_size

    def input_fn(params):
        return training_batches(
            source,
            config.data.train_split,
            params["batch_size"],  # Of all sub-steps of a step, which TF-GAN slices.
            config.model.z_dim,
            config.data.shuffle_buffer,
            config.training.seed,
            images // config.training.batch_size,
        )

    def newest():
        return max(find_steps(run.checkpoint_dir), default=0)

    hooks = [
        _MonitorHook(config, run, monitor, interruption or Interruption()),
        _SaverHook(
            run.checkpoint_dir,
            save_steps=config.training.checkpoint_every,
            listeners=[_CheckpointListener(run, on_checkpoint)],
        ),
    ]
    if initial_weights and not start:
        hooks.insert(0, _InitialWeightsHook(initial_weights))
    try:
        # In this order: a step's grid is drawn before its checkpoint is reported.
        with source.reading():
            estimator.train(input_fn, max_steps=config.training.steps, hooks=hooks)
    except (
        tf.compat.v1.train.NanLossDuringTrainingError,
        tf.errors.InvalidArgumentError,
    ) as error:
        diverged = isinstance(error, tf.compat.v1.train.NanLossDuringTrainingError)
        if not diverged and "LossTensor is inf or nan" not in error.message:
            raise
        raise TrainingError(
            f"Training diverged: a loss became NaN. {_newest_is(newest())}"
        ) from error
    except _NotFiniteWeightsError as error:
        raise TrainingError(f"Training diverged: {error}. {_newest_is(newest())}") from error
    except (tf.errors.ResourceExhaustedError, tf.errors.UnknownError) as error:
        if "SaveV2" not in error.message:
            raise
        raise TrainingError(
            f"{run.checkpoint_dir}: the checkpoint cannot be written "
            f"({error.message.splitlines()[0]}). The one of step {newest()} is whole. Make room, "
            "and give the same command again."
        ) from error


def _newest_is(step):
    return (
        f"The newest checkpoint is of step {step}; go on from it with a smaller --generator_lr or "
        "--discriminator_lr."
    )


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

    def __init__(self, config, run, monitor, interruption):
        self._config = config
        self._run = run
        self._monitor = monitor
        self._interruption = interruption

    def begin(self):
        training = self._config.training
        models = models_of_graph()
        self._writer = _GraphSummaryWriter(self._run.checkpoint_dir)
        self._step = tf.compat.v1.train.get_global_step()
        self._losses = {
            "loss/generator": models.generator_losses[-1],
            "loss/discriminator": models.discriminator_losses[training.discriminator_steps - 1],
        }
        self._grid = models.generator(list(grid_inputs(self._config)), training=False)

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
        if self._interruption.requested is not None:
            run_context.request_stop()  # The saver saves the last step at the end.


class _InitialWeightsHook(tf.estimator.SessionRunHook):
    """Gives the networks of a new run their weights, before step 0 is saved."""

    def __init__(self, weights):
        self._weights = weights

    def begin(self):
        models = models_of_graph()
        self._assignments, self._values = [], {}
        for network, weights in self._weights.items():
            own = weights_by_path(getattr(models, network))
            for path, value in weights.items():
                variable = own[path]
                fed = tf.compat.v1.placeholder(variable.dtype.base_dtype, variable.shape)
                self._assignments.append(tf.compat.v1.assign(variable, fed))
                self._values[fed] = value

    def after_create_session(self, session, coord):
        session.run(self._assignments, self._values)


class _NotFiniteWeightsError(Exception):
    """Weights that are not finite, and therefore not saved."""


class _SaverHook(tf.estimator.CheckpointSaverHook):
    """Saves as the estimator does, but not what it has just restored.

    A kill while the newest checkpoint is written over would leave it damaged.
    """

    def begin(self):
        super().begin()
        floats = [v for v in tf.compat.v1.global_variables() if v.dtype.base_dtype.is_floating]
        finite = [tf.reduce_all(tf.math.is_finite(variable)) for variable in floats]
        self._names = [variable.op.name for variable in floats]
        self._finite = tf.stack(finite)

    def _save(self, session, step):
        finite = session.run(self._finite)
        if not finite.all():
            name = self._names[int(finite.argmin())]
            raise _NotFiniteWeightsError(f"{name} is not finite at step {step}")
        return super()._save(session, step)

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
