"""The estimator engine: trains a job with TF-GAN's TPUGANEstimator.

The only file that imports TF-GAN and `tf.estimator` (TensorFlow 2.15 at most).
How two Keras models get through it is in `gan.training.estimator_bridge`.
"""

import collections
import contextlib
import inspect
import math
import tempfile
from typing import Callable, Optional

import tensorflow as tf
import tensorflow_gan as tfgan
from tensorflow import keras

from checkpoints.checkpoint_files import VariableReader, find_checkpoint, find_steps
from gan.config import ExperimentConfig
from gan.networks import make_discriminator, make_generator
from gan.run_folder import RunFolder
from gan.training.cluster import cluster_hidden, num_workers
from gan.training.estimator_batches import estimator_batches
from gan.training.estimator_bridge import TRAIN, KerasGAN
from gan.training.estimator_hook import TrainingHook
from gan.training.estimator_step import GradientRecorder, after_step, make_augment
from gan.training.interruption import Interruption
from gan.training.losses import discriminator_hinge_loss, generator_hinge_loss
from gan.training.monitor import TrainingMonitor
from gan.training.recovery import Recovery
from gan.training.strategy import check_batch_size_of, find_tpu
from gan.training.trained_images import images_of
from gan.training.training_error import CollapseError, DivergenceError, TrainingError
from preprocessing.sources.labelled_images import ImageSource

if not hasattr(inspect, "getargspec"):  # Gone in Python 3.11; TF-GAN 2.1.0 calls it.
    _ArgSpec = collections.namedtuple("ArgSpec", "args varargs keywords defaults")
    inspect.getargspec = lambda function: _ArgSpec(*inspect.getfullargspec(function)[:4])

_NOT_FINITE = ("LossTensor is inf or nan", "is NaN")  # TF-GAN's words and TPUEstimator's


class _Estimator(tfgan.estimator.TPUGANEstimator):
    """TF-GAN's estimator with more at the end of a step.

    Args:
        end_of_step: from the op of a step to the op of the step and this.
    """

    def __init__(self, end_of_step: Callable, **kwargs):
        self._end_of_step = end_of_step
        super().__init__(**kwargs)

    def _augment_model_fn(self, model_fn, batch_axis):
        def with_end_of_step(features, labels, mode, params):
            spec = model_fn(features, labels, mode, params)
            if mode == TRAIN:
                spec = spec._replace(train_op=self._end_of_step(spec.train_op))
            return spec

        augmented = super()._augment_model_fn(with_end_of_step, batch_axis)

        def without_signal_handler(features, labels, mode, config, params):
            spec = augmented(features, labels, mode, config, params)
            # On a TPU it lets Ctrl-C kill the process; ours saves the present step.
            hooks = [h for h in spec.training_hooks if "SignalHandler" not in type(h).__name__]
            return spec._replace(training_hooks=hooks)

        return without_signal_handler


def make_estimator(
    config: ExperimentConfig, model_dir: str, optimizer=None, tpu=None, steps_per_loop: int = 1
) -> tfgan.estimator.TPUGANEstimator:
    """Builds the estimator of a job. It saves nothing: `TrainingHook` does.

    Args:
        config: the job.
        model_dir: a folder without checkpoints.
        optimizer: learning rate to a TF1 optimizer; None for the published Adam.
        tpu: cluster resolver of the TPU to train on; None for one device of this machine.
        steps_per_loop: steps of a TPU between two looks of the host.
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
        make_augment(training),
    )
    recorder = GradientRecorder(optimizer)
    tpu_api = tf.compat.v1.estimator.tpu
    # It takes a cluster of one worker for one without chief, and refuses it.
    with cluster_hidden() if tpu is None else contextlib.nullcontext():
        run_config = tpu_api.RunConfig(
            model_dir=model_dir,
            tf_random_seed=training.seed,
            save_checkpoints_steps=None,
            save_checkpoints_secs=None,
            save_summary_steps=None,
            log_step_count_steps=None,
            cluster=tpu,
            tpu_config=tpu_api.TPUConfig(
                iterations_per_loop=steps_per_loop,
                per_host_input_for_training=tpu_api.InputPipelineConfig.PER_HOST_V2,
            ),
        )
    return _Estimator(
        lambda train_op: after_step(train_op, training, recorder.gradients),
        generator_fn=gan.generator_fn,
        discriminator_fn=gan.discriminator_fn,
        generator_loss_fn=gan.generator_loss_fn,
        discriminator_loss_fn=gan.discriminator_loss_fn,
        generator_optimizer=lambda: recorder.optimizer("generator", training.generator_lr),
        discriminator_optimizer=lambda: recorder.optimizer(
            "discriminator", training.discriminator_lr
        ),
        gan_train_steps=tfgan.GANTrainSteps(1, training.discriminator_steps),
        config=run_config,
        params={},  # TF-GAN would take entries for arguments of its loss.
        use_tpu=tpu is not None,
        eval_on_tpu=False,  # Evaluation reads checkpoints, on any machine.
        train_batch_size=training.batch_size,
    )


class EstimatorEngine:
    """Trains one job with TF-GAN's estimator, on one device of this machine or a TPU.

    Args:
        config: the job.

    Attributes:
        config: the job. Its splits and classes may be set until it trains.
        description: what it runs on, for a person.
        is_chief: True: it trains alone.

    Raises:
        TrainingError: for settings, or a TF_CONFIG, that only the other engine can do with.
        ClusterError: if TF_CONFIG cannot be read.
        StrategyError: if there is no such TPU, or the batch cannot be shared out.
    """

    def __init__(self, config: ExperimentConfig):
        execution = config.execution
        # Mirrored replicas would take turns in one graph, where `GraphModels` records one.
        if execution.strategy not in ("auto", "one_device", "tpu"):
            raise TrainingError(
                f"--strategy={execution.strategy}: needs --engine=distribute; this engine trains "
                "on one device or a TPU."
            )
        if execution.steps_per_execution > 1 and not execution.tpu:
            raise TrainingError(
                f"--steps_per_execution={execution.steps_per_execution}: needs --tpu or "
                "--engine=distribute."
            )
        if not execution.tpu and num_workers() > 1:
            raise TrainingError(
                f"--engine=estimator: trains alone, and TF_CONFIG names {num_workers()} workers. "
                "Use --engine=distribute, or unset TF_CONFIG."
            )
        self.config = config
        self._tpu = None
        if execution.tpu:
            self._tpu, cores = find_tpu(execution)
            self.description = f"a TPU of {cores} cores"
            check_batch_size_of(config.training.batch_size, cores, self.description)
        else:
            devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
            self.description = f"1 {devices[0].device_type}"
        self.is_chief = True

    def wait_for_all(self):
        """Returns at once: there is nobody to wait for."""

    def check_same_start(self, run, step):
        """Returns at once: nobody else starts."""

    def train(self, run, source, monitor, on_checkpoint, interruption=None, initial_weights=None):
        """Trains to `config.training.steps`; see `train`."""
        train(
            self.config,
            run,
            source,
            monitor,
            on_checkpoint,
            interruption,
            initial_weights,
            self._tpu,
        )


def train(
    config: ExperimentConfig,
    run: RunFolder,
    source: ImageSource,
    monitor: TrainingMonitor,
    on_checkpoint: Callable[[int, str], None],
    interruption: Optional[Interruption] = None,
    initial_weights: Optional[dict] = None,
    tpu=None,
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
        tpu: cluster resolver of the TPU to train on; None for one device of this machine.

    Raises:
        TrainingError: if training diverges or collapses and is not to be rolled back,
            or a checkpoint cannot be written.
    """
    keras.utils.set_random_seed(config.training.seed)  # Keras initialisers draw from it.
    recovery, examples = Recovery(config.training, run, monitor), _examples_read(config, run)
    while True:
        hook = TrainingHook(
            config,
            run,
            monitor,
            on_checkpoint,
            interruption or Interruption(),
            initial_weights or {},
            recovery,
            examples,
        )
        try:
            _train_once(config, run, source, hook, tpu)
            return
        except (DivergenceError, CollapseError) as problem:
            recovery.go_back(problem)
        examples = hook.examples


def _train_once(config, run, source, hook, tpu):
    """Trains until the end, a signal or a problem.

    Raises:
        DivergenceError, CollapseError: if training is not to go on as it is.
    """
    steps = config.training.steps
    start = max(find_steps(run.checkpoint_dir), default=0)

    def input_fn(params):
        if tpu is None:
            return estimator_batches(config, source, hook.examples)
        host = params["context"]
        return estimator_batches(
            config,
            source,
            hook.examples,
            host.num_hosts,
            host.current_host,
            host.num_of_replicas_per_host,
        )

    # The host should see the steps that are to be saved, whatever number was used before.
    steps_per_loop = math.gcd(start, config.execution.steps_per_execution)
    with tempfile.TemporaryDirectory() as folder, source.reading():
        estimator = make_estimator(config, folder, tpu=tpu, steps_per_loop=steps_per_loop)
        try:
            estimator.train(input_fn, max_steps=steps, hooks=[hook])
        except tf.compat.v1.train.NanLossDuringTrainingError as error:
            raise DivergenceError("a loss is not finite") from error
        except tf.errors.InvalidArgumentError as error:
            if not any(words in error.message for words in _NOT_FINITE):
                raise
            raise DivergenceError("a loss or weight is not finite") from error


def _examples_read(config, run):
    """Real images that the run has read so far: the batch size may have changed."""
    if not find_steps(run.checkpoint_dir):
        return 0
    checkpoint = VariableReader(find_checkpoint(run.checkpoint_dir))
    if "distribute/examples" in checkpoint.shapes:
        return int(checkpoint.read("distribute/examples"))
    arrays = {"global_step": checkpoint.read("global_step")}
    return images_of(config, run, arrays) * (1 + config.training.discriminator_steps)
