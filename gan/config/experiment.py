"""One object that describes a job: frozen, validated, JSON in and out."""

import dataclasses
import json
from typing import Any, Optional

from gan.config.data import DataConfig
from gan.config.evaluation import EvaluationConfig
from gan.config.execution import ExecutionConfig
from gan.config.fields import ConfigError, require
from gan.config.found import FoundData
from gan.config.model import ModelConfig
from gan.config.training import TrainingConfig
from preprocessing.class_names import ClassNames, class_names

INFERRED = "inferred"  # preset of a job of which only the model is known


@dataclasses.dataclass(frozen=True)
class ExperimentConfig:
    """A whole job. Stored as `config.json` beside its checkpoints.

    Attributes:
        preset: name of the preset it started from.
        model, data, training, evaluation, execution, found: see the classes.
    """

    preset: str = "hamgan_strong"
    model: ModelConfig = dataclasses.field(default_factory=ModelConfig)
    data: DataConfig = dataclasses.field(default_factory=DataConfig)
    training: TrainingConfig = dataclasses.field(default_factory=TrainingConfig)
    evaluation: EvaluationConfig = dataclasses.field(default_factory=EvaluationConfig)
    execution: ExecutionConfig = dataclasses.field(default_factory=ExecutionConfig)
    found: FoundData = dataclasses.field(default_factory=FoundData)

    def __post_init__(self):
        every, saved = self.evaluation.eval_every, self.training.checkpoint_every
        require(
            every % saved == 0,
            "eval_every",
            every,
            f"must be a multiple of --checkpoint_every={saved}: checkpoints are evaluated.",
        )
        loop = self.execution.steps_per_execution
        for name in ("steps", "checkpoint_every", "grid_every", "log_every"):
            value = getattr(self.training, name)
            require(
                value % loop == 0,
                name,
                value,
                f"must be a multiple of --steps_per_execution={loop}: the host sees no other step.",
            )

    def replace(self, values: dict[str, Any], preset: Optional[str] = None) -> "ExperimentConfig":
        """Returns a copy with fields of any section replaced by name.

        Args:
            values: field name to new value, whatever section the field is in.
            preset: new name of the preset; None keeps the old one.

        Raises:
            ConfigError: for a name that no section has, or a value that cannot work.
        """
        known = {name for section in SECTIONS for name in field_names(section)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise ConfigError(
                f"Unknown setting {unknown[0]!r}. Known settings: {', '.join(sorted(known))}."
            )
        sections = {}
        for section in SECTIONS:
            mine = {name: values[name] for name in field_names(section) if name in values}
            sections[section] = dataclasses.replace(getattr(self, section), **mine)
        return dataclasses.replace(self, preset=preset or self.preset, **sections)

    def with_found(self, **values) -> "ExperimentConfig":
        """Returns a copy with fields of `FoundData` replaced by name."""
        return dataclasses.replace(self, found=dataclasses.replace(self.found, **values))

    def classes(self) -> ClassNames:
        """The classes by name, index and, of ImageNet, WordNet id."""
        return class_names(self.data.dataset, self.model.num_classes, self.found.class_names)

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self), indent=2) + "\n"

    @classmethod
    def from_json(cls, text, source: Optional[str] = None) -> "ExperimentConfig":
        """Reads `to_json`'s result, text or UTF-8 bytes; `source` is named in errors.

        Raises:
            ConfigError: if the text is not a configuration of this version.
        """
        source = source or "configuration"
        try:
            content = json.loads(text)
            # Jobs of versions without engines to choose from have no such section.
            content.setdefault("execution", {})
            sections = {name: SECTIONS[name](**content.pop(name)) for name in SECTIONS}
            found = FoundData.from_json(content.pop("found", None), sections["model"].num_classes)
            return cls(**content, **sections, found=found)
        except ConfigError as error:
            raise ConfigError(f"{source}: {error}") from error
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ConfigError(
                f"{source} is not a configuration that this version writes ({error}). "
                "Expected the config.json of a run folder."
            ) from error


SECTIONS = {
    "model": ModelConfig,
    "data": DataConfig,
    "training": TrainingConfig,
    "evaluation": EvaluationConfig,
    "execution": ExecutionConfig,
}


def field_names(section: str):
    """Names of the fields of a section, in order of declaration."""
    return [field.name for field in dataclasses.fields(SECTIONS[section])]
