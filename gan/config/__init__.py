"""One object that describes a job: frozen, validated, JSON in and out.

Each field is declared once, with its default, unit and meaning; the command
line is generated from these declarations. Defaults are the published
HamGAN-strong.
"""

from gan.config.data import DataConfig
from gan.config.evaluation import EvaluationConfig
from gan.config.execution import ExecutionConfig
from gan.config.experiment import INFERRED, SECTIONS, ExperimentConfig, field_names
from gan.config.fields import ConfigError, option, value_type
from gan.config.model import HamburgerConfig, ModelConfig
from gan.config.training import TrainingConfig

__all__ = [
    "INFERRED",
    "SECTIONS",
    "ConfigError",
    "DataConfig",
    "EvaluationConfig",
    "ExecutionConfig",
    "ExperimentConfig",
    "HamburgerConfig",
    "ModelConfig",
    "TrainingConfig",
    "field_names",
    "option",
    "value_type",
]
