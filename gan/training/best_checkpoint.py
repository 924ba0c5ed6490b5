"""The best checkpoint by a figure, kept in a folder of its own while newer ones come and go."""

import math
import os
import shutil

from checkpoints.checkpoint_files import checkpoint_files, find_steps
from gan.atomic_file import UNFINISHED
from gan.run_folder import RunFolder


def keep_if_best(
    run: RunFolder, step: int, figure: str, value: float, conditions: dict[str, str]
) -> bool:
    """Keeps a checkpoint in `RUN/best` if it is the best one so far.

    Its files are links to the run's, where the file system has links: nothing is
    written twice. A kill at any moment leaves the old best one or the new one.

    Args:
        run: the run's folder; its checkpoint of `step` must be there.
        step: of the checkpoint.
        figure: full name of what it was judged by.
        value: the figure; smaller is better.
        conditions: that its name does not tell: real images and judge. Values of another
            name or other conditions are not compared, the new one is kept.

    Returns:
        Whether it is.
    """
    best = run.best()
    is_better = best is None or best["figure"] != figure or value < best["value"]
    # An earlier version recorded no conditions: they were the run's.
    is_better = is_better or best.get("conditions", conditions) != conditions
    if not math.isfinite(value) or not is_better:
        return False
    path = os.path.join(run.checkpoint_dir, f"model.ckpt-{step}")
    os.makedirs(run.best_dir, exist_ok=True)
    try:
        # Without its index there is no checkpoint: it goes last.
        for file in reversed(checkpoint_files(path)):
            _link(file, os.path.join(run.best_dir, os.path.basename(file)))
    except FileNotFoundError:
        return False  # Another process trains, and has removed it meanwhile.
    if step not in find_steps(run.best_dir):
        return False
    run.write_best({"step": step, "figure": figure, "value": value, "conditions": conditions})
    kept = {os.path.basename(file) for file in checkpoint_files(path)}
    for name in os.listdir(run.best_dir):
        if name.startswith(("model.ckpt-", UNFINISHED)) and name not in kept:
            os.remove(os.path.join(run.best_dir, name))
    return True


def _link(source, target):
    aside = os.path.join(os.path.dirname(target), UNFINISHED + os.path.basename(target))
    if os.path.exists(aside):
        os.remove(aside)
    try:
        os.link(source, aside)
    except FileNotFoundError:
        raise
    except OSError:  # A file system without links.
        shutil.copy2(source, aside)
    os.replace(aside, target)
