"""How many images a checkpoint has been trained on."""

import numpy as np

from gan.presets import smoke
from gan.run_folder import RunFolder
from gan.training.trained_images import images_of


def test_the_checkpoint_says_so(tmp_path):
    arrays = {"global_step": np.int64(5), "distribute/images": np.int64(52)}
    assert images_of(smoke(), RunFolder(str(tmp_path)), arrays) == 52


def test_without_a_count_steps_are_counted(tmp_path):
    arrays = {"global_step": np.int64(5)}
    config = smoke()
    assert images_of(config, RunFolder(str(tmp_path)), arrays) == 5 * config.training.batch_size


def test_without_a_count_the_log_is_asked_first(tmp_path, monkeypatch):
    run = RunFolder(str(tmp_path))
    monkeypatch.setattr(run, "images_at", {5: 44}.get)
    assert images_of(smoke(), run, {"global_step": np.int64(5)}) == 44
