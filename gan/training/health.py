"""Signs that a GAN is dying: one network wins for good, or all images become one."""

from typing import Callable, Optional

import numpy as np

from gan.training.training_error import CollapseError

_MEMORY = 200  # steps over which the discriminator's loss is averaged
_SATURATED_LOSS = 0.01  # of the hinge loss; 2 at the start, about 1 to 1.6 in balance
_VANISHED_SHARE = 0.1  # of the largest diversity seen


class Health:
    """Watches losses and sample grids; says what is wrong.

    Hinge losses of a discriminator that tells all images apart are exactly zero, and
    then so are the gradients of both networks: nothing will change that.
    """

    def __init__(self):
        self._loss = None
        self._last_step = None
        self._largest_diversity = 0.0

    def losses(self, step: int, discriminator_loss: float) -> Optional[str]:
        """Takes the discriminator's hinge loss at a step; returns what is wrong, or None."""
        if self._loss is None:
            self._loss, self._last_step = discriminator_loss, step
            return None
        weight = 0.5 ** ((step - self._last_step) / (_MEMORY / 4))
        self._loss = weight * self._loss + (1 - weight) * discriminator_loss
        self._last_step = step
        if self._loss >= _SATURATED_LOSS:
            return None
        return (
            f"step {step}: the discriminator tells real and generated images apart without fail "
            f"(its hinge loss is {self._loss:.4f}, averaged): the generator learns nothing any more"
        )

    def grid(self, step: int, images, columns: int) -> Optional[str]:
        """Takes a sample grid; returns what is wrong, or None.

        Args:
            step: of the grid.
            images: `[rows · columns, height, width, channels]`, one class per row.
            columns: images per row, each from its own latent.
        """
        images = np.asarray(images, np.float32)
        rows = images.reshape(-1, columns, *images.shape[1:])
        diversity = float(rows.std(axis=1).mean())
        self._largest_diversity = max(self._largest_diversity, diversity)
        if diversity >= _VANISHED_SHARE * self._largest_diversity:
            return None
        return (
            f"step {step}: generated images of a class are nearly all alike (standard deviation "
            f"of a pixel {diversity:.4f}, {self._largest_diversity:.4f} before): mode collapse"
        )


class CollapseAlarm:
    """Warns, or ends training, when a job's `Health` is bad.

    Args:
        policy: "warn", or anything else to raise.
        warn: shows a message; called once for each spell of bad losses, or of bad grids.
    """

    def __init__(self, policy: str, warn: Callable[[str], None]):
        self._policy = policy
        self._warn = warn
        self.reset()

    def reset(self):
        """Forgets what it has seen: training goes on from somewhere else."""
        self._health = Health()
        self._unwell = set()  # of "losses" and "grid"; good ones of one end no spell of the other

    def losses(self, step: int, discriminator_loss: float):
        """As of `Health`.

        Raises:
            CollapseError: if that is the policy.
        """
        self._judge("losses", self._health.losses(step, discriminator_loss), self._policy)

    def grid(self, step: int, images, columns: int, policy: Optional[str] = None):
        """As of `Health`; `policy` replaces that of the alarm.

        Raises:
            CollapseError: if that is the policy.
        """
        self._judge("grid", self._health.grid(step, images, columns), policy or self._policy)

    def _judge(self, watched, problem, policy):
        if problem is None:
            self._unwell.discard(watched)
            return
        if policy != "warn":
            raise CollapseError(problem)
        if watched not in self._unwell:
            self._warn(f"warning: {problem}.")
        self._unwell.add(watched)
