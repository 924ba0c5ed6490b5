"""Rewriting a checkpoint of any format in ours."""

import math
import os
import sys
from typing import Any, Optional

from tqdm import tqdm

from checkpoints.checkpoint_files import CheckpointError
from checkpoints.loading import MAKERS, read_finite
from checkpoints.opening import Checkpoint, open_checkpoint
from checkpoints.weights_folder import Description, check_target, sha256, write_weights_folder
from gan.networks import weights_by_path


def convert(
    source: str,
    target: str,
    step: Optional[int] = None,
    preset: Optional[str] = None,
    settings: Optional[dict[str, Any]] = None,
) -> Checkpoint:
    """Converts a checkpoint; see `checkpoints.opening.open_checkpoint` for the arguments.

    Args:
        target: folder to write.

    Returns:
        The source, opened. The target is whole: after an error there is none.

    Raises:
        CheckpointError: if the source cannot be read wholly or does not fit, or the
            target is not free. Names and shapes are checked before anything is written.
        ConfigError, RunFolderError: for a configuration that cannot be used.
    """
    check_target(target)
    checkpoint = open_checkpoint(source, step, preset, settings)
    if "generator" not in checkpoint.networks:
        raise CheckpointError(f"{checkpoint.path}: no generator is stored.")
    names = checkpoint.names(
        {
            network: weights_by_path(MAKERS[network](checkpoint.config.model))
            for network in checkpoint.networks
        }
    )
    stored = [
        (f"{network}/{path}", name) for network in names for path, name in names[network].items()
    ]
    files = checkpoint.files
    total = sum(map(os.path.getsize, files)) + sum(
        4 * math.prod(checkpoint.shapes[name]) for _, name in stored
    )
    with tqdm(total=total, unit="B", unit_scale=True, disable=not sys.stderr.isatty()) as bar:

        def arrays():
            for path, name in stored:
                bar.set_postfix_str(path, refresh=False)
                value = read_finite(checkpoint, name)
                yield path, value
                bar.update(value.nbytes)

        bar.set_postfix_str("SHA-256 of the source", refresh=False)
        digests = {os.path.basename(file): sha256(file, bar.update) for file in files}
        # A converted checkpoint's own record names its source already.
        record = {**checkpoint.source, **({"files": digests} if files else {})}
        description = Description(checkpoint.config, checkpoint.step, record, checkpoint.assumed)
        write_weights_folder(target, description, arrays())
    return checkpoint
