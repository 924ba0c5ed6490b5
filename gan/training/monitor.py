"""What a person sees while a GAN trains: progress line, curves, sample grids, TensorBoard."""

import collections
import sys
import time
from typing import Optional, Protocol

import numpy as np
from tqdm import tqdm

from gan.atomic_file import write_atomically
from gan.config import ExperimentConfig
from gan.image_files.grid import draw_grid, to_png
from gan.run_folder import RunFolder

GRID_COLUMNS = 10
_MOST_GRID_ROWS = 10
_RATE_SECONDS = 30.0  # of training, over which the shown rate is taken


def grid_labels(num_classes):
    """Labels of the sample grid: one row per class, ten classes at most."""
    return [row for row in range(min(num_classes, _MOST_GRID_ROWS)) for _ in range(GRID_COLUMNS)]


def describe_time(seconds: float) -> str:
    """A length of time with its two largest units: "2 h 05 min", "3 min 20 s", "8 s"."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {seconds:02} s" if minutes else f"{seconds} s"


class SummaryWriter(Protocol):
    """Where scalars and pictures for TensorBoard go; each engine has its own."""

    def scalars(self, step: int, values: dict): ...

    def picture(self, step: int, name: str, png: bytes): ...


class TrainingMonitor:
    """Shows and records the progress of one job; knows no engine and no model.

    Args:
        config: the job.
        run: its folder.
        steps_done: where training starts.
        seconds_done: seconds that earlier parts of the run took.
        images_done: images they trained on; None where that is not recorded: as many as
            with today's batch size.
        is_chief: whether this process shows and records anything; the other workers of
            a job only count.
    """

    def __init__(
        self,
        config: ExperimentConfig,
        run: RunFolder,
        steps_done: int,
        seconds_done: float,
        images_done: Optional[int] = None,
        is_chief: bool = True,
    ):
        self._config = config
        self._run = run
        self._is_chief = is_chief
        self._first_step = self._step = steps_done
        self._seconds_done = seconds_done
        if images_done is None:
            images_done = steps_done * config.training.batch_size
        self._images_done = images_done
        self._started = self._paused_since = time.monotonic()  # paused until `start`
        self._recent = collections.deque([(seconds_done, images_done)])  # seconds, images
        self._terminal = sys.stderr.isatty()
        self._bar = tqdm(
            total=config.training.steps,
            initial=steps_done,
            disable=not (self._terminal and is_chief),
            dynamic_ncols=True,
            bar_format="step {n_fmt}/{total_fmt} |{bar}| {desc}",
        )

    @property
    def seconds(self) -> float:
        """Seconds of training so far, earlier parts of the run included, pauses not."""
        now = time.monotonic() if self._paused_since is None else self._paused_since
        return self._seconds_done + now - self._started

    @property
    def images(self) -> int:
        """Images trained on so far, earlier parts of the run included, repetitions counted."""
        steps = self._step - self._first_step
        return max(0, self._images_done + steps * self._config.training.batch_size)

    @property
    def images_per_second(self) -> float:
        """Images (steps times batch size) per second over the last 30 seconds of training."""
        (seconds, images), (now, images_now) = self._recent[0], self._recent[-1]
        return (images_now - images) / (now - seconds) if now > seconds else 0.0

    def start(self):
        """Starts the clock, when the first step is about to run, or lets it go on."""
        if self._paused_since is not None:
            self._started += time.monotonic() - self._paused_since
            self._paused_since = None

    def pause(self):
        """Stops the clock, for an evaluation; `start` lets it go on."""
        if self._paused_since is None:
            self._paused_since = time.monotonic()

    def log_due(self, step) -> bool:
        """Whether `step` becomes a point of the curves: then everything measured is wanted."""
        return step % self._config.training.log_every == 0 or step == self._config.training.steps

    def step(self, step, measured: dict[str, float], writer: Optional[SummaryWriter]):
        """Records that training has reached `step`; less than before after going back.

        Args:
            step: steps done in all.
            measured: names of curves to values: "loss/generator", "loss/discriminator",
                and whatever else the engine measures when `log_due`.
            writer: of the engine, for TensorBoard; None unless chief.
        """
        went_back = step < self._step
        self._step = step
        self._update_rate(went_back)
        if not self._is_chief:
            return
        losses = (
            f"G loss {measured['loss/generator']:.3f}, D loss {measured['loss/discriminator']:.3f}"
        )
        status = f"{self._speed()}, {losses}"
        self._bar.set_description_str(status, refresh=went_back)
        self._bar.update(step - self._bar.n)
        if not self.log_due(step):
            return
        values = {name: float(value) for name, value in measured.items()}
        values["images_per_second"] = self.images_per_second
        writer.scalars(step, values)
        self._run.add_training_point(
            {"step": step, "images": self.images, "seconds": round(self.seconds, 3), **values}
        )
        if not self._terminal:
            self.message(f"step {step}/{self._config.training.steps}, {status}")

    def _update_rate(self, went_back):
        now = self.seconds
        if went_back:
            self._recent.clear()
        self._recent.append((now, self.images))
        while len(self._recent) > 2 and self._recent[1][0] <= now - _RATE_SECONDS:
            self._recent.popleft()

    def _speed(self):
        """Images per second and, once that is known, the time left."""
        rate = self.images_per_second
        if not rate:
            return "0 images/s"
        training = self._config.training
        left = (training.steps - self._step) * training.batch_size / rate
        return f"{rate:.{0 if rate >= 10 else 2}f} images/s, {describe_time(left)} left"

    def grid_due(self, step) -> bool:
        return step % self._config.training.grid_every == 0 or step == self._config.training.steps

    def grid(self, step, images, writer: Optional[SummaryWriter]):
        """Saves and logs the sample grid of images made from `grid_labels`."""
        if not self._is_chief:
            return
        names = self._config.classes()
        rows = grid_labels(self._config.model.num_classes)[::GRID_COLUMNS]
        # A diverged network must not fail here, before its divergence is reported.
        images = np.nan_to_num(images, nan=0.0, posinf=1.0, neginf=-1.0)
        png = to_png(draw_grid(images, GRID_COLUMNS, [names.name(label) for label in rows]))
        write_atomically(self._run.grid_path(step), png)
        writer.picture(step, "samples", png)

    def message(self, text):
        """Prints a line without disturbing the progress bar."""
        if self._is_chief:
            self._bar.write(text, file=sys.stderr)

    def close(self):
        self._bar.close()
