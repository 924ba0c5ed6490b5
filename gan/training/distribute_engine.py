"""The distribute engine: a `tf.distribute` loop, on any TensorFlow.

Not Keras's `fit`: Keras 3's fails under several workers.
"""

import functools
import time
from typing import Callable, Optional

import numpy as np
import tensorflow as tf
from tensorflow import keras

from checkpoints.checkpoint_files import find_checkpoint, find_steps, read_variables
from gan.config import ExperimentConfig
from gan.networks import make_generator, weights_by_path
from gan.run_folder import RunFolder
from gan.training.agreement import check_same_data, check_same_start
from gan.training.augmentation import make_augmentation
from gan.training.checkpoint_saver import check_finite, save_checkpoint
from gan.training.cluster import is_chief
from gan.training.health import CollapseAlarm
from gan.training.interruption import Interruption
from gan.training.monitor import GRID_COLUMNS, TrainingMonitor
from gan.training.recovery import Recovery
from gan.training.replica_batches import replica_batches
from gan.training.sample_grid import grid_inputs
from gan.training.strategy import (
    check_batch_size,
    describe_strategy,
    lost_workers_explained,
    make_strategy,
)
from gan.training.trained_images import images_of
from gan.training.training_error import CollapseError, DivergenceError, TrainingError
from gan.training.training_events import TrainingEvents
from gan.training.training_state import TrainingState
from gan.training.training_step import MEASURED, TrainingStep
from gan.training.weight_curves import WeightCurves
from preprocessing.sources.labelled_images import ImageSource

_LOOK_EVERY_SECONDS = 0.2


class DistributeEngine:
    """Trains one job under a strategy, which must be made before TensorFlow does anything.

    Args:
        config: the job.

    Attributes:
        config: the job. Its splits and classes may be set until it trains.
        description: what it runs on, for a person.
        is_chief: whether this process writes the run folder.

    Raises:
        StrategyError, ClusterError: if there is no such device, worker or TPU, or the batch
            cannot be shared out.
    """

    def __init__(self, config: ExperimentConfig):
        if config.execution.deterministic:
            tf.config.experimental.enable_op_determinism()
        self.config = config
        self._strategy = make_strategy(config.execution)
        check_batch_size(config.training.batch_size, self._strategy)
        replicas = self._strategy.num_replicas_in_sync
        if config.execution.jit_compile and replicas > 1 and not config.execution.tpu:
            raise TrainingError(
                f"--jit_compile=true: needs one device; there are {replicas}. Several cannot talk "
                "inside one compiled step, except on a TPU."
            )
        self.description = describe_strategy(self._strategy)
        self.is_chief = is_chief()

    def wait_for_all(self):
        """Returns when all workers have called it.

        Raises:
            StrategyError: if one has ended.
        """
        with lost_workers_explained():
            self._strategy.reduce("SUM", self._strategy.run(lambda: tf.ones([])), axis=None)

    def check_same_start(self, run: RunFolder, step: int):
        """Checks that all workers are to go on from `step`.

        Raises:
            TrainingError: if they are not: their run folders differ.
            StrategyError: if one has ended.
        """
        check_same_start(self._strategy, run.path, step)

    def train(
        self,
        run: RunFolder,
        source: ImageSource,
        monitor: TrainingMonitor,
        on_checkpoint: Callable[[int, str], None],
        interruption: Optional[Interruption] = None,
        initial_weights: Optional[dict] = None,
    ):
        """Trains from the newest checkpoint of the run to `config.training.steps`.

        Args:
            run: the job's folder.
            source: the real images.
            monitor: shows progress.
            on_checkpoint: called with step and path of every checkpoint written, that
                of step 0 included; it may evaluate.
            interruption: if it says so, training saves its present step and ends.
            initial_weights: network to path to array, which a new run starts from.

        Raises:
            TrainingError: if training diverges or collapses and is not to be rolled back,
                or a checkpoint cannot be written.
        """
        split = self.config.data.train_split
        check_same_data(self._strategy, source.class_names, source.count(split))
        keras.utils.set_random_seed(self.config.training.seed)  # Initialisers draw from it.
        with self._strategy.scope():
            state = TrainingState(self.config)
        loop = _Loop(self, run, monitor, state, on_checkpoint, interruption or Interruption())
        with source.reading(), lost_workers_explained():
            loop.start(initial_weights)
            loop.run(source)


class _Loop:
    """One call of `train`: what the host does between executions."""

    def __init__(self, engine, run, monitor, state, on_checkpoint, interruption):
        self._config = engine.config
        self._strategy = engine._strategy
        self._is_chief = engine.is_chief
        self._run = run
        self._monitor = monitor
        self._state = state
        self._on_checkpoint = on_checkpoint
        self._interruption = interruption
        training = self._config.training
        self._alarm = CollapseAlarm(training.on_collapse, monitor.message)
        self._recovery = Recovery(training, run, monitor, engine.is_chief)
        self._saved_step = None
        self._looked = 0.0  # when; a time of `time.monotonic`
        self._events = TrainingEvents(run.checkpoint_dir) if self._is_chief else None
        self._weight_curves = WeightCurves(
            {"generator": state.generator, "discriminator": state.discriminator}
        )
        # Grids show what evaluation and sampling use: the averages, if there are any.
        has_averages = state.moving_average is not None
        generator = make_generator(self._config.model) if has_averages else state.generator
        self._grid_generator = generator
        self._grid_inputs = grid_inputs(self._config)
        self._draw_grid = tf.function(
            lambda latents, labels: generator([latents, labels], training=False), autograph=False
        )

    def start(self, initial_weights):
        """Restores the newest checkpoint, or begins: with the grid and checkpoint of step 0."""
        if find_steps(self._run.checkpoint_dir):
            self._restore()
            self._saved_step = self._step()
            self._check_same_start()
            return
        for network, weights in (initial_weights or {}).items():
            own = weights_by_path(getattr(self._state, network))
            for path, value in weights.items():
                own[path].assign(value)
        if self._state.moving_average is not None:
            self._state.moving_average.update(self._state.step)
        self._check_same_start()
        self._grid(0)
        self._save()

    def run(self, source):
        """Trains to the last step, or until a signal comes."""
        training, execution = self._config.training, self._config.execution
        examples = int(self._state.examples.numpy())
        iterator = iter(replica_batches(self._strategy, self._config, source, examples))
        several = execution.steps_per_execution
        execute = {steps: self._make_execution(steps) for steps in {1, several}}
        step, stop = self._step(), False
        self._monitor.start()
        while step < training.steps and not stop:
            # One by one to the next multiple, if another number was used before.
            steps = 1 if step % several else several
            measured = execute[steps](iterator)
            step += steps
            stop = self._stop_requested()
            try:
                self._after_execution(step, measured, stop)
            except (DivergenceError, CollapseError) as problem:
                self._recovery.go_back(problem)
                self._go_back()
                step = self._step()

    def _after_execution(self, step, measured, stop):
        """Shows, draws, checks and saves, whatever is due."""
        training = self._config.training
        grid_due = self._monitor.grid_due(step)
        save_due = stop or step >= training.steps or step % training.checkpoint_every == 0
        # Workers must look at the same steps, whatever their clocks say.
        is_time = (
            not self._is_multi_worker and time.monotonic() - self._looked > _LOOK_EVERY_SECONDS
        )
        if grid_due or save_due or is_time or self._monitor.log_due(step):
            self._looked = time.monotonic()
            self._look(step, measured)
        if grid_due:
            self._grid(step)
        if save_due:
            self._save()

    @property
    def _is_multi_worker(self):
        return isinstance(self._strategy, tf.distribute.MultiWorkerMirroredStrategy)

    def _make_execution(self, steps):
        state, strategy, training = self._state, self._strategy, self._config.training
        step = TrainingStep(
            state,
            training.discriminator_steps,
            training.seed,
            make_augmentation(training.augmentation),
        )
        if self._config.execution.jit_compile and strategy.num_replicas_in_sync == 1:
            step = tf.function(step, autograph=False, jit_compile=True)
        examples = training.batch_size * (1 + training.discriminator_steps)

        def one_step(iterator):
            # In one tensor: one message between workers.
            measured = strategy.run(lambda *batch: tf.stack(step(*batch)), args=next(iterator))
            measured = strategy.reduce(tf.distribute.ReduceOp.SUM, measured, axis=None)
            is_finite = tf.reduce_all(tf.math.is_finite(measured))
            state.finite.assign(tf.logical_and(tf.convert_to_tensor(state.finite), is_finite))
            state.step.assign_add(1)
            state.images.assign_add(training.batch_size)
            state.examples.assign_add(examples)
            if state.moving_average is not None:
                state.moving_average.update(state.step)
            return measured

        # Without AutoGraph, which does not know the newest Pythons.
        @functools.partial(tf.function, autograph=False)
        def execute(iterator):
            if steps == 1:
                return one_step(iterator)
            _, measured = tf.while_loop(
                lambda index, _: index < steps,
                lambda index, _: (index + 1, one_step(iterator)),
                (tf.constant(0), tf.zeros([len(MEASURED)])),
            )
            return measured

        return execute

    def _step(self):
        return int(self._state.step.numpy())

    def _look(self, step, measured):
        """Shows and checks what the last step measured."""
        if not bool(self._state.finite.numpy()):
            raise DivergenceError(
                f"a loss or gradient is not finite at step {step} or shortly before"
            )
        values = dict(zip(MEASURED, measured.numpy().tolist()))
        if self._monitor.log_due(step):
            values.update(self._weight_curves())
        self._monitor.step(step, values, self._events)
        self._alarm.losses(step, values["loss/discriminator"])

    def _grid(self, step):
        """Draws the sample grid."""
        if not self._is_chief:
            return
        if self._state.moving_average is not None:
            self._state.moving_average.copy_to(self._grid_generator)
        images = self._draw_grid(*self._grid_inputs).numpy()
        # The other workers do not see the images, and must not be left behind.
        if not self._is_multi_worker and not np.isfinite(images).all():
            raise DivergenceError(f"generated images are not finite at step {step}")
        self._monitor.grid(step, images, self._events)
        self._alarm.grid(step, images, GRID_COLUMNS, "warn" if self._is_multi_worker else None)

    def _go_back(self):
        """Restores the newest checkpoint, to go on with other images."""
        examples = int(self._state.examples.numpy())
        self._restore()
        self._check_same_start()
        self._state.examples.assign(examples)
        self._alarm.reset()

    def _check_same_start(self):
        if self._is_multi_worker:
            check_same_start(self._strategy, self._run.path, self._step(), self._state.arrays())

    def _restore(self):
        path = find_checkpoint(self._run.checkpoint_dir)
        arrays = read_variables(path)
        if "distribute/images" not in arrays:  # Of a version that counted steps alone.
            images = images_of(self._config, self._run, arrays)
            sub_steps = 1 + self._config.training.discriminator_steps
            arrays["distribute/images"] = np.int64(images)
            arrays["distribute/examples"] = np.int64(images * sub_steps)
        try:
            self._state.assign(arrays)
        except (KeyError, ValueError) as error:
            raise TrainingError(
                f"{path}: does not fit the run's networks: {error.args[0]} is missing or of "
                "another shape. Choose another --run."
            ) from error

    def _save(self):
        step = self._step()
        if step == self._saved_step:
            return
        arrays = self._state.arrays()
        check_finite(step, arrays)  # By all workers, so that all come to the same end.
        if self._is_chief:
            kept = self._config.training.checkpoints_kept
            path = save_checkpoint(self._run.checkpoint_dir, step, arrays, kept)
            self._on_checkpoint(step, path)
        self._saved_step = step
        self._recovery.checkpoint_saved()

    def _stop_requested(self) -> bool:
        """Whether a signal came, to any of the workers."""
        mine = self._interruption.requested is not None
        if not self._is_multi_worker:
            return mine
        values = self._strategy.experimental_distribute_values_from_function(
            lambda context: tf.constant(float(mine))
        )
        return float(self._strategy.reduce("SUM", values, axis=None)) > 0
