"""After a divergence or collapse: back to the newest checkpoint, or the end, by policy."""

from typing import Union

from checkpoints.checkpoint_files import find_steps
from gan.config import TrainingConfig
from gan.run_folder import RunFolder
from gan.training.monitor import TrainingMonitor
from gan.training.training_error import CollapseError, DivergenceError, TrainingError

_MOST_ROLLBACKS = 3  # between two checkpoints


class Recovery:
    """Decides whether a job goes back, and how often.

    Args:
        training: has the policies.
        run: the job's folder.
        monitor: is told.
        is_chief: whether this process writes the run folder.
    """

    def __init__(
        self,
        training: TrainingConfig,
        run: RunFolder,
        monitor: TrainingMonitor,
        is_chief: bool = True,
    ):
        self._training = training
        self._run = run
        self._monitor = monitor
        self._is_chief = is_chief
        self._rollbacks = 0

    def checkpoint_saved(self):
        """From here on, it may go back as often again."""
        self._rollbacks = 0

    def go_back(self, problem: Union[DivergenceError, CollapseError]):
        """Returns if training is to go on from its newest checkpoint, with other images.

        Raises:
            TrainingError: if the policy is to stop, or going back did not help.
        """
        if isinstance(problem, CollapseError):
            title, policy = "Training collapsed", self._training.on_collapse
        else:
            title, policy = "Training diverged", self._training.on_divergence
        steps = find_steps(self._run.checkpoint_dir)
        newest = max(steps, default=0)
        if policy != "rollback" or not steps or self._rollbacks == _MOST_ROLLBACKS:
            tried = f" It was rolled back {self._rollbacks} times." if self._rollbacks else ""
            raise TrainingError(
                f"{title}: {problem}.{tried} The newest checkpoint is of step {newest}; go on from "
                "it with a smaller --generator_lr or --discriminator_lr."
            ) from problem
        self._rollbacks += 1
        self._monitor.message(
            f"{title}: {problem}. Back to step {newest}, and on with other images "
            f"({self._rollbacks} of {_MOST_ROLLBACKS})."
        )
        if self._is_chief:
            self._run.forget_training_log_after(newest)
