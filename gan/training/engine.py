"""Which engine trains a job here."""

import importlib.util
import warnings
from typing import Protocol

import tensorflow as tf

from gan.config import ExperimentConfig
from gan.training.cluster import num_workers


class EngineError(ImportError):
    """The engine cannot run with what is installed."""


class Engine(Protocol):
    """What trains a job.

    Attributes:
        config: the job. Its splits and classes may be set until it trains: an engine is made
            before the data is opened.
        description: what it is and runs on, for a person.
        is_chief: whether this process, of all that train together, writes the run folder.
    """

    config: ExperimentConfig
    description: str
    is_chief: bool

    def wait_for_all(self):
        """Returns when all processes that train together have called it."""

    def check_same_start(self, run, step):
        """Checks that they all go on from `step`: their run folders may differ."""

    def train(self, run, source, monitor, on_checkpoint, interruption, initial_weights):
        """Trains to the last step; see `gan.training.distribute_engine`."""


def make_engine(config: ExperimentConfig) -> Engine:
    """Makes the engine that a job asks for, or the one that fits it.

    To be called before TensorFlow does anything: several workers need that.

    Raises:
        EngineError: if it was asked for by name and TF-GAN, or a TensorFlow with
            estimators, is missing.
        StrategyError, TrainingError: if what it is to run on is not there.
    """
    name, reason = config.execution.engine, "asked for"
    if name == "auto":
        name, reason = default_engine(config)
    if name == "distribute":
        from gan.training.distribute_engine import DistributeEngine

        engine = DistributeEngine(config)
        engine.description = f"distribute ({reason}), on {engine.description}"
        return engine
    if not hasattr(tf, "estimator"):
        raise EngineError(
            f"--engine=estimator needs TF-GAN, which needs TensorFlow 2.15; this is TensorFlow "
            f"{tf.__version__}. Use --engine=distribute, or run `make setup STACK=tfgan` (Python "
            "3.9 to 3.11) and use .venv-tfgan/bin/python."
        )
    tf.compat.v1.logging.set_verbosity(tf.compat.v1.logging.ERROR)
    try:
        with warnings.catch_warnings():  # TF-GAN's tensorflow_hub warns of its own pkg_resources.
            warnings.simplefilter("ignore")
            from gan.training.estimator_engine import EstimatorEngine
    except ModuleNotFoundError as error:
        raise EngineError(
            f"--engine=estimator needs TF-GAN, and {error.name} is not installed. Use "
            "--engine=distribute, or run `make setup STACK=tfgan`."
        ) from error
    engine = EstimatorEngine(config)
    engine.description = f"estimator ({reason}), on {engine.description}"
    return engine


def default_engine(config: ExperimentConfig) -> tuple[str, str]:
    """The name of the engine that fits a job here, and why, for a person."""
    if not hasattr(tf, "estimator") or importlib.util.find_spec("tensorflow_gan") is None:
        return "distribute", f"there is no TF-GAN for TensorFlow {tf.__version__} here"
    execution = config.execution
    several_steps = execution.steps_per_execution > 1 and not execution.tpu
    gpus = len(tf.config.list_physical_devices("GPU"))
    wanted = {
        "a TF_CONFIG of several workers": not execution.tpu and num_workers() > 1,
        f"training on all {gpus} GPUs": not execution.tpu and gpus > 1,
        "--strategy": execution.strategy in ("one_device", "mirrored", "multi_worker"),
        "--precision": execution.precision != "float32",
        "--jit_compile": execution.jit_compile,
        "--deterministic": execution.deterministic,
        "--steps_per_execution": several_steps,
    }
    for what, is_wanted in wanted.items():
        if is_wanted:
            return "distribute", f"{what} needs it"
    return "estimator", "TF-GAN is installed"
