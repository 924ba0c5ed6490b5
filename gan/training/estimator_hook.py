"""What the host does between the steps of the estimator: shows, checks, draws and saves."""

from typing import Callable

import numpy as np
import tensorflow as tf

from checkpoints.checkpoint_files import find_checkpoint, find_steps, read_variables
from checkpoints.tensor_names import SCOPES, average_name, engine_names
from gan.config import ExperimentConfig
from gan.evaluation.eager_thread import eagerly
from gan.networks import make_generator, weights_by_path
from gan.run_folder import RunFolder
from gan.training.checkpoint_saver import save_checkpoint
from gan.training.estimator_bridge import models_of_graph
from gan.training.estimator_state import GraphState
from gan.training.estimator_step import measured_variable
from gan.training.health import CollapseAlarm
from gan.training.interruption import Interruption
from gan.training.monitor import GRID_COLUMNS, TrainingMonitor
from gan.training.recovery import Recovery
from gan.training.sample_grid import grid_inputs
from gan.training.trained_images import images_of
from gan.training.training_error import DivergenceError, TrainingError
from gan.training.training_events import TrainingEvents
from gan.training.training_step import MEASURED
from gan.training.weight_curves import WeightCurves


class TrainingHook(tf.compat.v1.train.SessionRunHook):
    """Trains a run on from its newest checkpoint, or begins it; one object per session.

    On a TPU it sees the last of the steps that one run of the session makes. It runs no
    model there: grids are drawn on the CPU of this machine, from the weights.

    Args:
        config: the job.
        run: its folder.
        monitor: shows progress.
        on_checkpoint: called with step and path of every checkpoint written.
        interruption: if it says so, training saves its present step and ends.
        initial_weights: network to path to array, which a new run starts from.
        recovery: is told of checkpoints.
        examples: real images the run has read before, all sub-steps; see `TrainingState`.

    Attributes:
        examples: the same, now.
    """

    def __init__(
        self,
        config: ExperimentConfig,
        run: RunFolder,
        monitor: TrainingMonitor,
        on_checkpoint: Callable[[int, str], None],
        interruption: Interruption,
        initial_weights: dict,
        recovery: Recovery,
        examples: int,
    ):
        self._config = config
        self._run = run
        self._monitor = monitor
        self._on_checkpoint = on_checkpoint
        self._interruption = interruption
        self._initial_weights = initial_weights
        self._recovery = recovery
        self.examples = examples
        self._alarm = CollapseAlarm(config.training.on_collapse, monitor.message)
        self._draw = None

    def begin(self):
        models = models_of_graph()
        self._writer = TrainingEvents(self._run.checkpoint_dir)
        self._state = GraphState()
        self._step_and_measured = [tf.compat.v1.train.get_global_step(), measured_variable()]
        self._weight_curves = WeightCurves(
            {"generator": models.generator, "discriminator": models.discriminator}
        ).tensors()

    def after_create_session(self, session, coord):
        # Again, if a lost session was replaced.
        if find_steps(self._run.checkpoint_dir):
            self._restore(session)
        else:
            weights = {
                name: self._initial_weights[network][path]
                for network in self._initial_weights
                for path, name in engine_names(network, self._initial_weights[network]).items()
            }
            self._state.assign_weights(session, weights)
            self._step, self._images = 0, 0
            self._grid(session, 0)
            self._save(session, 0)
        self._monitor.start()

    def after_run(self, run_context, run_values):
        training, session = self._config.training, run_context.session
        before = self._step
        step, measured = session.run(self._step_and_measured)
        step = self._step = int(step)
        self._images += (step - before) * training.batch_size
        self.examples += (step - before) * training.batch_size * (1 + training.discriminator_steps)
        self._look(session, step, measured)
        if self._monitor.grid_due(step):
            self._grid(session, step)
        stop = self._interruption.requested is not None
        if stop or step >= training.steps or step % training.checkpoint_every == 0:
            self._save(session, step)
        if stop:
            run_context.request_stop()

    def _look(self, session, step, measured):
        if not np.isfinite(measured).all():
            raise DivergenceError(
                f"a loss or gradient is not finite at step {step} or shortly before"
            )
        values = dict(zip(MEASURED, measured.tolist()))
        if self._monitor.log_due(step):
            curves = session.run(self._weight_curves)
            values.update((name, float(value)) for name, value in curves.items())
        self._monitor.step(step, values, self._writer)
        self._alarm.losses(step, values["loss/discriminator"])

    def _grid(self, session, step):
        weights = self._state.read(session, SCOPES["generator"])
        if self._draw is None:
            self._draw = eagerly(lambda: _GridDrawer(self._config))
        images = eagerly(lambda: self._draw(weights))
        if not np.isfinite(images).all():
            raise DivergenceError(f"generated images are not finite at step {step}")
        self._monitor.grid(step, images, self._writer)
        self._alarm.grid(step, images, GRID_COLUMNS)

    def _restore(self, session):
        path = find_checkpoint(self._run.checkpoint_dir)
        arrays = eagerly(lambda: read_variables(path))
        try:
            self._state.assign(session, arrays)
        except (KeyError, ValueError) as error:
            raise TrainingError(
                f"{path}: does not fit the run's networks: {error.args[0]} is missing or of "
                "another shape. Choose another --run."
            ) from error
        self._step = int(arrays["global_step"])
        self._images = images_of(self._config, self._run, arrays)

    def _save(self, session, step):
        arrays = self._state.read(session)
        arrays["distribute/images"] = np.int64(self._images)
        arrays["distribute/examples"] = np.int64(self.examples)
        folder, kept = self._run.checkpoint_dir, self._config.training.checkpoints_kept
        path = eagerly(lambda: save_checkpoint(folder, step, arrays, kept))
        self._recovery.checkpoint_saved()
        self._on_checkpoint(step, path)


class _GridDrawer:
    """Draws sample grids eagerly, by a generator of its own, from averages if there are any."""

    def __init__(self, config):
        self._generator = make_generator(config.model)
        self._inputs = grid_inputs(config)

    def __call__(self, arrays):
        for path, weight in weights_by_path(self._generator).items():
            name = SCOPES["generator"] + path
            weight.assign(arrays.get(average_name(name), arrays[name]))
        return self._generator(list(self._inputs), training=False).numpy()
