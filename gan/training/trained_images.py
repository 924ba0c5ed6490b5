"""How many images a checkpoint has been trained on."""

from gan.config import ExperimentConfig
from gan.run_folder import RunFolder


def images_of(config: ExperimentConfig, run: RunFolder, arrays: dict) -> int:
    """Images trained on up to a checkpoint, repetitions counted.

    Args:
        config: the job's.
        run: folder of the run, whose log is asked where the checkpoint does not say.
        arrays: the checkpoint's variables by name.
    """
    if "distribute/images" in arrays:
        return int(arrays["distribute/images"])
    step = int(arrays["global_step"])  # Of a version that counted steps alone.
    return run.images_at(step) or step * config.training.batch_size
