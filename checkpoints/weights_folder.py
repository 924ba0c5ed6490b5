"""Our own format of a checkpoint: a folder with `config.json` and `weights.npz`.

The arrays are called `generator/PATH` and `discriminator/PATH`, with the paths of
`gan.networks.weights_by_path`. `config.json` says what they are: the job's
configuration, the step, the source with the SHA-256 of its files, and the SHA-256
of `weights.npz`.
"""

import hashlib
import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterable
from typing import Any, Callable, NamedTuple

import numpy as np

from checkpoints.checkpoint_files import CheckpointError
from gan.atomic_file import UNFINISHED, file_ending, named_in_errors, obstacle
from gan.config import ConfigError, ExperimentConfig, field_names

FORMAT = "ham_tf checkpoint"
_VERSION = 1
_CONFIG, _WEIGHTS = "config.json", "weights.npz"
_BLOCK = 1 << 22


class Description(NamedTuple):
    """What `config.json` says.

    Attributes:
        config: the job, as far as it is known.
        step: generator steps trained.
        source: where the weights come from: format, files and their SHA-256.
        assumed: fields of the configuration that the source did not tell.
    """

    config: ExperimentConfig
    step: int
    source: dict[str, Any]
    assumed: list[str]


def is_weights_folder(folder: str) -> bool:
    """Whether a folder is of this format, damaged or not."""
    if os.path.isfile(os.path.join(folder, _WEIGHTS)):
        return True
    try:
        with open(os.path.join(folder, _CONFIG), encoding="utf-8") as file:
            return json.load(file).get("format") == FORMAT
    except (OSError, ValueError, AttributeError):
        return False


def folder_of_file(path: str) -> str:
    """The folder, if `path` is one of the two files in it; else `path`."""
    folder, name = os.path.split(path)
    is_ours = name in (_CONFIG, _WEIGHTS) and os.path.isfile(path) and is_weights_folder(folder)
    return folder if is_ours else path


def write_weights_folder(
    folder: str, description: Description, arrays: Iterable[tuple[str, np.ndarray]]
):
    """Writes a checkpoint: the folder appears when it is complete, or not at all.

    Args:
        folder: its path; must not exist, or be empty.
        description: goes into `config.json`.
        arrays: names and arrays, written one by one.

    Raises:
        CheckpointError: if the target is not free.
    """
    check_target(folder)
    folder = os.path.abspath(folder)
    os.makedirs(os.path.dirname(folder), exist_ok=True)
    temporary = tempfile.mkdtemp(dir=os.path.dirname(folder), prefix=UNFINISHED)
    try:
        weights = os.path.join(temporary, _WEIGHTS)
        with named_in_errors(folder), zipfile.ZipFile(weights, "w") as archive:
            for name, array in arrays:
                # A fixed date: the same weights give the same bytes.
                entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
                with archive.open(entry, "w", force_zip64=True) as file:
                    np.lib.format.write_array(file, np.asarray(array), allow_pickle=False)
        content = {
            "format": FORMAT,
            "version": _VERSION,
            "step": description.step,
            "source": description.source,
            "assumed": description.assumed,
            "weights": {"file": _WEIGHTS, "sha256": sha256(weights)},
            "config": json.loads(description.config.to_json()),
        }
        config = os.path.join(temporary, _CONFIG)
        with named_in_errors(folder), open(config, "w", encoding="utf-8") as file:
            file.write(json.dumps(content, indent=2) + "\n")
        for name in (_WEIGHTS, _CONFIG):
            _synchronize(os.path.join(temporary, name))
        os.chmod(temporary, 0o755)
        os.replace(temporary, folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def check_target(folder: str):
    """Raises CheckpointError unless a checkpoint can be written to `folder`."""
    if os.path.isdir(folder) and os.listdir(folder):
        raise CheckpointError(
            f"{folder}: the folder is not empty. Choose another target, or delete it first."
        )
    if os.path.exists(folder) and not os.path.isdir(folder):
        raise CheckpointError(f"{folder}: this is a file. Choose a folder.")
    if (ending := file_ending(folder)) and not os.path.exists(folder):
        raise CheckpointError(
            f"{folder}: ends in {ending} as a file does. Choose a folder, or put a slash behind it."
        )
    if reason := obstacle(folder):
        raise CheckpointError(f"{folder}: cannot be written ({reason}). Choose another target.")


class WeightsFolder:
    """A checkpoint of our format, opened for reading.

    Args:
        folder: its path.

    Attributes:
        description: what `config.json` says.
        shapes: names to shapes.

    Raises:
        CheckpointError: if a file is missing, damaged, or not the one that was written.
    """

    def __init__(self, folder: str):
        self._folder = folder
        content = self._read_config()
        self.description = Description(
            content["config"], content["step"], content["source"], content["assumed"]
        )
        path = os.path.join(folder, _WEIGHTS)
        if not os.path.isfile(path):
            raise CheckpointError(f"{folder}: {_WEIGHTS} is missing. Convert the source again.")
        if sha256(path) != content["weights"]["sha256"]:
            raise CheckpointError(
                f"{path}: the checkpoint is damaged (its SHA-256 is not the one in {_CONFIG}). "
                "Copy it, or convert the source, again."
            )
        self._archive = np.load(path)
        self.shapes = {name: self._shape(name) for name in sorted(self._archive.files)}

    def read(self, name: str) -> np.ndarray:
        """Reads one array."""
        return self._archive[name]

    def _shape(self, name):
        with self._archive.zip.open(f"{name}.npy") as file:
            np.lib.format.read_magic(file)
            return np.lib.format.read_array_header_1_0(file)[0]

    def _read_config(self):
        path = os.path.join(self._folder, _CONFIG)
        try:
            with open(path, encoding="utf-8") as file:
                content = json.load(file)
            if content["version"] != _VERSION:
                raise CheckpointError(
                    f"{path}: format version {content['version']}, expected {_VERSION}. "
                    "Convert the source again with this version of ham_tf."
                )
            config = ExperimentConfig.from_json(json.dumps(content["config"]), path)
            return {
                **content,
                "config": config,
                "step": int(content["step"]),
                "source": dict(content["source"]),
                "assumed": [name for name in content["assumed"] if name in field_names("model")],
                "weights": {"sha256": content["weights"]["sha256"]},
            }
        except ConfigError:
            raise
        except (OSError, ValueError, KeyError, TypeError) as error:
            if isinstance(error, CheckpointError):
                raise
            raise CheckpointError(
                f"{path}: the checkpoint is damaged ({type(error).__name__}: {error}). Copy it, or "
                "convert the source, again."
            ) from error


def sha256(path: str, progress: Callable[[int], None] = lambda count: None) -> str:
    """SHA-256 of a file, in hexadecimal; `progress` is told of the bytes as they are read."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            progress(len(block))
    return digest.hexdigest()


def _synchronize(path):
    with open(path, "rb") as file:
        os.fsync(file.fileno())
