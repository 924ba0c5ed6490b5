"""Opening a checkpoint of any format: what it is, what it holds, its arrays on demand."""

import dataclasses
import os
import zipfile
from typing import Any, Callable, Optional

import numpy as np

from checkpoints.catalogue import RELEASED
from checkpoints.checkpoint_files import (
    CheckpointError,
    VariableReader,
    find_checkpoint,
    find_steps,
    step_in_name,
)
from checkpoints.released_config import released_config
from checkpoints.tensor_names import (
    SCOPES,
    average_name,
    engine_names,
    is_counter,
    is_released,
    released_names,
    variable_of_average,
    variable_of_slot,
)
from checkpoints.weights_folder import WeightsFolder, folder_of_file, is_weights_folder
from gan.config import INFERRED, ConfigError, ExperimentConfig, field_names
from gan.presets import get_preset
from gan.run_folder import RunFolder

_PYTORCH_ENDINGS = (".pt", ".pth", ".pkl", ".pth.tar")
AVERAGED = "averaged"  # entry of a source's record: the generator is a moving average
_MOST_NAMED = 20  # variables in one message
# Of the variables in TensorFlow's files and of the arrays in ours.
_PREFIXES = (SCOPES, {network: f"{network}/" for network in SCOPES})


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """A checkpoint of any format.

    Attributes:
        path: the file, prefix or folder it was found at.
        format: what it is, for people.
        config: the job, as far as it is known.
        step: generator steps trained.
        assumed: fields of the configuration that the checkpoint does not tell.
        source: where it came from, for the record of a conversion.
        files: those of it whose SHA-256 belongs into that record.
        shapes: stored names to shapes.
        read: stored name to array.
        names_of: network and the paths of its weights to the stored names of these.
        averaged: whether those of the generator are moving averages of its weights.
    """

    path: str
    format: str
    config: ExperimentConfig
    step: int
    assumed: list[str]
    source: dict[str, Any]
    files: list[str]
    shapes: dict[str, tuple]
    read: Callable[[str], np.ndarray]
    names_of: Callable[[str, list[str]], dict[str, str]]
    averaged: bool = False

    @property
    def networks(self) -> list[str]:
        """Those that are stored: "generator", and mostly "discriminator"."""
        return [
            network
            for network in SCOPES
            if any(name.startswith(prefix[network]) for name in self.shapes for prefix in _PREFIXES)
        ]

    def names(self, weights: dict[str, dict[str, Any]]) -> dict[str, dict[str, str]]:
        """Finds the stored variable of every weight.

        Args:
            weights: network to the weights by path of its Keras model.

        Returns:
            Network to path to stored name.

        Raises:
            CheckpointError: naming all that is missing, unknown or of another shape.
        """
        names = {network: self.names_of(network, list(own)) for network, own in weights.items()}
        problems, used = [], set()
        for network, own in weights.items():
            for path, weight in own.items():
                name = names[network].get(path)
                if name is None:
                    problems.append(f"{network}/{path} has no counterpart")
                    continue
                used.add(name)
                if name not in self.shapes:
                    problems.append(f"{name} is missing")
                elif self.shapes[name] != tuple(weight.shape):
                    problems.append(
                        f"{name} has shape {list(self.shapes[name])}, not {list(weight.shape)}"
                    )
        others = tuple(
            prefix[network] for network in SCOPES if network not in weights for prefix in _PREFIXES
        )
        problems += [
            f"{name} is unknown"
            for name in self.shapes
            if not self._known(name, used) and not name.startswith(others)
        ]
        if problems:
            more = len(problems) - _MOST_NAMED
            listed = "; ".join(problems[:_MOST_NAMED]) + (f"; and {more} more" if more > 0 else "")
            raise CheckpointError(f"{self.path}: does not fit its configuration: {listed}.")
        return names

    def describe_assumed(self) -> str:
        """The assumed fields with their values, as `ham=nmf, ham_steps=6`; "" if there are none."""
        return ", ".join(f"{name}={getattr(self.config.model, name)}" for name in self.assumed)

    def note_of_assumptions(self) -> str:
        """What a command says of them."""
        return f"Not told by the checkpoint, assumed as published: {self.describe_assumed()}."

    def notes(self) -> list[str]:
        """What a command says of the weights before it uses them, a line each."""
        notes = [self.note_of_assumptions()] if self.assumed else []
        if self.averaged:
            notes.append("Weights of the generator: their moving averages over training.")
        return notes

    def extra_entries(self) -> dict[str, int]:
        """What is stored beside weights: kind to number of entries."""
        slots = sum(variable_of_slot(name) is not None for name in self.shapes)
        counters = sum(map(is_counter, self.shapes))
        averages = sum(variable_of_average(name) is not None for name in self.shapes)
        return {"optimizer slots": slots, "counters": counters, "moving averages": averages}

    def _known(self, name, used):
        if name in used or average_name(name) in used or is_counter(name):
            return True
        # Of a variable that is stored: if that is not used, it is named as unknown itself.
        variable = variable_of_slot(name) or variable_of_average(name)
        return variable in used or variable in self.shapes


def open_checkpoint(
    name_or_path: str,
    step: Optional[int] = None,
    preset: Optional[str] = None,
    settings: Optional[dict[str, Any]] = None,
    averaged: bool = True,
) -> Checkpoint:
    """Opens a released model by name, or a checkpoint by path.

    Args:
        name_or_path: a name of `checkpoints.catalogue`, not where the working
            directory holds something of the same name; a run folder, or the folder
            `best` in it, where its best checkpoint is; a folder that
            `checkpoints.convert` wrote; or a TensorFlow checkpoint of the authors:
            its folder, its path prefix `.../model.ckpt-STEP`, or one of its files.
        step: which checkpoint of a folder with several; None for the newest.
        preset: the preset of an authors' checkpoint; only checked for others.
        settings: fields of `ModelConfig` that an authors' checkpoint does not tell.
        averaged: whether the generator's weights are their moving averages where
            these are stored, or those that were trained.

    Raises:
        CheckpointError: if there is none, or it is damaged or something else.
        ConfigError, RunFolderError: for a configuration that cannot be used.
    """
    unknown = sorted(set(settings or {}) - set(field_names("model")))
    if unknown:
        raise ConfigError(
            f"Unknown setting {unknown[0]!r}. Known settings of a model: "
            f"{', '.join(field_names('model'))}."
        )
    released = RELEASED.get(name_or_path)
    path, step = _folder_meant(name_or_path, step)
    if released is not None and released.folder is not None:
        if os.path.exists(path) and not os.path.samefile(path, released.folder):
            raise CheckpointError(
                f"{name_or_path}: names a released model, and there is something of that name "
                f"here. Give {os.path.join(os.curdir, path)} for what is here, or "
                f"{released.folder} for the released model."
            )
        path = released.folder
    elif released is not None and not os.path.exists(path):
        raise CheckpointError(
            f"{name_or_path}: does not ship with us. Download it from {released.place}, and "
            "give the folder's path in place of the name."
        )
    known = dict(settings or {})
    if preset is not None:
        model = dataclasses.asdict(get_preset(preset).model)
        known = {**{name: value for name, value in model.items() if value is not None}, **known}
    if is_weights_folder(path):
        checkpoint = _open_weights_folder(path, step, averaged)
    elif os.path.isfile(RunFolder(path).config_path) and os.path.isdir(
        RunFolder(path).checkpoint_dir
    ):
        checkpoint = open_run(path, step, averaged)
    else:
        return _open_released(_find_prefix(path, step), preset, known)
    model, asked = checkpoint.config.model, dataclasses.replace(checkpoint.config.model, **known)
    if _meaning(asked) != _meaning(model):
        wrong = next(name for name in known if getattr(asked, name) != getattr(model, name))
        raise CheckpointError(
            f"{path}: {wrong} is {getattr(model, wrong)}, but {known[wrong]} was given."
        )
    return checkpoint


def _meaning(model):
    """A model's settings, the discriminator's ham as it is and not as a difference."""
    fields = dataclasses.asdict(model)
    hams = (model.generator_hamburger, model.discriminator_hamburger)
    return {name: value for name, value in fields.items() if "ham" not in name}, hams


def _folder_meant(path, step):
    """The folder of a run or of our format, if a part of it was given; and the step."""
    part = os.path.basename(os.path.normpath(path))
    if part in ("checkpoints", "best"):
        run = RunFolder(os.path.dirname(os.path.abspath(path)))
        if os.path.isfile(run.config_path) and find_steps(path):
            if part == "best" and step is None:
                best = run.best()
                step = best["step"] if best else find_steps(path)[-1]
            return run.path, step
    return folder_of_file(path), step


def _open_weights_folder(path, step, averaged):
    folder = WeightsFolder(path)
    config, found, source, assumed = folder.description
    holds_averages = bool(source.get(AVERAGED))
    if holds_averages and not averaged:
        raise CheckpointError(
            f"{path}: holds moving averages of the generator's weights alone. Load the run it was "
            "converted from."
        )
    if step is not None and step != found:
        raise CheckpointError(f"{path}: no checkpoint of step {step}. There is: {found}.")
    return Checkpoint(
        path,
        "weights converted by ham_tf",
        config,
        found,
        assumed,
        source,
        [],
        folder.shapes,
        folder.read,
        lambda network, paths: {path: f"{network}/{path}" for path in paths},
        holds_averages,
    )


def open_run(path: str, step: Optional[int] = None, averaged: bool = True) -> Checkpoint:
    """Opens a checkpoint of a run by the path of its folder, whatever that is called.

    The arguments and errors are those of `open_checkpoint`.
    """
    run = RunFolder(path)
    config = run.read_config()
    is_best_alone = step in find_steps(run.best_dir) and step not in find_steps(run.checkpoint_dir)
    prefix = find_checkpoint(run.best_dir if is_best_alone else run.checkpoint_dir, step)
    reader = VariableReader(prefix)
    averaged = averaged and any(map(variable_of_average, reader.shapes))

    def names_of(network, paths):
        names = engine_names(network, paths)
        if averaged and network == "generator":
            return {path: average_name(name) for path, name in names.items()}
        return names

    return Checkpoint(
        prefix,
        "checkpoint of a run of ham_tf",
        config,
        step_in_name(os.path.basename(prefix)),
        [],
        {
            "name": os.path.basename(prefix),
            "format": "run of ham_tf",
            **({AVERAGED: True} if averaged else {}),
        },
        _files(prefix),
        reader.shapes,
        reader.read,
        names_of,
        averaged,
    )


def _open_released(prefix, preset, settings):
    reader = VariableReader(prefix)
    if not is_released(reader.shapes):
        raise CheckpointError(
            f"{prefix}: a TensorFlow checkpoint, but not of HamGAN: no variable begins with "
            f"{SCOPES['generator']}g_. A run of ours is loaded by its run folder."
        )
    model, assumed = released_config(prefix, reader.shapes, settings)
    config = get_preset(preset) if preset is not None else ExperimentConfig(preset=INFERRED)
    if "global_step" in reader.shapes:
        step = int(reader.read("global_step"))
    else:
        step = step_in_name(os.path.basename(prefix)) or 0
    return Checkpoint(
        prefix,
        "TensorFlow 1 checkpoint of the authors' HamGAN",
        dataclasses.replace(config, model=model),
        step,
        assumed,
        {"name": os.path.basename(prefix), "format": "TensorFlow 1 checkpoint of the authors"},
        _files(prefix),
        reader.shapes,
        reader.read,
        released_names,
    )


def _files(prefix):
    """The files of a TensorFlow checkpoint that hold its variables."""
    folder, name = os.path.split(prefix)
    return sorted(
        os.path.join(folder, file)
        for file in os.listdir(folder or ".")
        if file == f"{name}.index" or file.startswith(f"{name}.data-")
    )


def _find_prefix(path, step):
    """The path prefix of the TensorFlow checkpoint at `path`."""
    if not os.path.exists(path) and not os.path.exists(f"{path}.index"):
        near = ", ".join(RELEASED)
        raise CheckpointError(
            f"{path}: there is no such file or folder, and no released model of that name. "
            f"Released: {near}."
        )
    if os.path.isdir(path):
        if find_steps(path):
            return find_checkpoint(path, step)
        indices = sorted(name for name in os.listdir(path) if name.endswith(".index"))
        if len(indices) != 1:
            raise CheckpointError(_nothing_in(path, indices))
        path = os.path.join(path, indices[0])
    elif _is_pytorch(path):
        raise CheckpointError(
            f"{path}: a PyTorch file. HamGAN was released as TensorFlow checkpoints only "
            "(model.ckpt-STEP.index and .data); the authors' PyTorch files are segmentation "
            "networks."
        )
    elif path.endswith(".index"):
        pass
    elif os.path.isfile(path) and ".data-" in os.path.basename(path):
        path = path[: path.rindex(".data-")] + ".index"
    elif os.path.isfile(f"{path}.index"):
        path = f"{path}.index"
    else:
        raise CheckpointError(
            f"{path}: no checkpoint. Expected a folder, or files of a TensorFlow checkpoint "
            "(model.ckpt-STEP.index and .data)."
        )
    if not os.path.isfile(path):
        raise CheckpointError(f"{path}: missing; without it the checkpoint cannot be read.")
    prefix = path[: -len(".index")]
    found = step_in_name(os.path.basename(prefix))
    if step is not None and found is not None and step != found:
        raise CheckpointError(f"{prefix}: of step {found}, but step {step} was asked for.")
    return prefix


def _nothing_in(folder, indices):
    if indices:
        return f"{folder}: holds several checkpoints ({', '.join(indices)}). Name one of them."
    names = sorted(os.listdir(folder))
    pytorch = [name for name in names if _is_pytorch(os.path.join(folder, name))]
    if pytorch:
        return f"{folder}: holds PyTorch files ({pytorch[0]}), no TensorFlow checkpoint."
    return (
        f"{folder}: no checkpoint here. Expected a run folder, a converted checkpoint "
        "(config.json and weights.npz), or files model.ckpt-STEP.index and .data."
    )


def _is_pytorch(path):
    if not os.path.isfile(path):
        return False
    if path.lower().endswith(_PYTORCH_ENDINGS):
        return True
    with open(path, "rb") as file:
        is_pickle = file.read(2) == b"\x80\x02"
    if not zipfile.is_zipfile(path):
        return is_pickle
    with zipfile.ZipFile(path) as archive:  # as torch.save writes
        return any(name.endswith("/data.pkl") for name in archive.namelist())
