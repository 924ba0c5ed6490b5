"""What a person sees while a GAN trains: progress bar, sample grids, TensorBoard."""

import sys
import time
from typing import Protocol

from tqdm import tqdm

from gan.atomic_file import write_atomically
from gan.config import ExperimentConfig
from gan.image_files.grid import draw_grid, to_png
from gan.run_folder import RunFolder

GRID_COLUMNS = 10
_MOST_GRID_ROWS = 10


def grid_labels(num_classes):
    """Labels of the sample grid: one row per class, ten classes at most."""
    return [row for row in range(min(num_classes, _MOST_GRID_ROWS)) for _ in range(GRID_COLUMNS)]


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
    """

    def __init__(
        self, config: ExperimentConfig, run: RunFolder, steps_done: int, seconds_done: float
    ):
        self._config = config
        self._run = run
        self._first_step = self._step = steps_done
        self._seconds_done = seconds_done
        self._started = self._paused_since = time.monotonic()  # paused until `start`
        self._terminal = sys.stderr.isatty()
        self._bar = tqdm(
            total=config.training.steps,
            initial=steps_done,
            disable=not self._terminal,
            dynamic_ncols=True,
            bar_format="step {n_fmt}/{total_fmt} |{bar}| {remaining} left{postfix}",
        )

    @property
    def seconds(self) -> float:
        """Seconds of training so far, earlier parts of the run included, pauses not."""
        now = self._paused_since or time.monotonic()
        return self._seconds_done + now - self._started

    @property
    def images_per_second(self) -> float:
        """Images (steps times batch size) per second since training started or went on."""
        seconds = self.seconds - self._seconds_done
        images = (self._step - self._first_step) * self._config.training.batch_size
        return images / seconds if seconds > 0 else 0.0

    def start(self):
        """Starts the clock, when the first step is about to run, or lets it go on."""
        self._started += time.monotonic() - self._paused_since
        self._paused_since = None

    def pause(self):
        """Stops the clock, for an evaluation; `start` lets it go on."""
        self._paused_since = time.monotonic()

    def log_due(self, step) -> bool:
        """Whether `step` becomes a point of the curves: then everything measured is wanted."""
        return step % self._config.training.log_every == 0 or step == self._config.training.steps

    def step(self, step, measured: dict[str, float], writer: SummaryWriter):
        """Records that training has reached `step`.

        Args:
            step: steps done in all.
            measured: names of curves to values: "loss/generator", "loss/discriminator",
                and whatever else the engine measures when `log_due`.
            writer: of the engine, for TensorBoard.
        """
        self._step = step
        losses = (
            f"G loss {measured['loss/generator']:.3f}, D loss {measured['loss/discriminator']:.3f}"
        )
        rate = f"{self.images_per_second:.0f} images/s"
        self._bar.update(step - self._bar.n)
        self._bar.set_postfix_str(f"{rate}, {losses}", refresh=False)
        if not self.log_due(step):
            return
        writer.scalars(step, {**measured, "images_per_second": self.images_per_second})
        if not self._terminal:
            left = (self._config.training.steps - step) * (
                (self.seconds - self._seconds_done) / max(1, step - self._first_step)
            )
            self.message(
                f"step {step}/{self._config.training.steps}, {rate}, {losses}, {left:.0f} s left"
            )

    def grid_due(self, step) -> bool:
        return step % self._config.training.grid_every == 0 or step == self._config.training.steps

    def grid(self, step, images, writer: SummaryWriter):
        """Saves and logs the sample grid of images made from `grid_labels`."""
        labels = grid_labels(self._config.model.num_classes)[::GRID_COLUMNS]
        png = to_png(draw_grid(images, GRID_COLUMNS, labels))
        write_atomically(self._run.grid_path(step), png)
        writer.picture(step, "samples", png)

    def message(self, text):
        """Prints a line without disturbing the progress bar."""
        self._bar.write(text, file=sys.stderr)

    def close(self):
        self._bar.close()
