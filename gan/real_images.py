"""The real images of a job: opened, and which of them it trains on and is evaluated against."""

import dataclasses
import os
import re
from collections.abc import Collection
from typing import Optional

from gan.config import ExperimentConfig
from gan.input_pipeline import open_real_images
from gan.run_folder import RunFolder
from preprocessing.data_error import DataError
from preprocessing.sources.labelled_images import ImageSource
from preprocessing.sources.split_part import split_part

SPLITS = ("train_split", "test_split")  # the settings that this is about
_OTHERS = ("test", "validation")  # to evaluate against, the first that there is
_SHARE = 10  # One of so many training images is held out where there is no other split,
_FEWEST_HELD_OUT = 2  # and at least so many: an evaluation needs two.


def as_it_began(
    config: ExperimentConfig, run: RunFolder, given: Collection[str] = ()
) -> ExperimentConfig:
    """The job as it goes on in its folder: what it found in its data stays as it was.

    Args:
        config: the job as it is asked for.
        run: its folder.
        given: those of `SPLITS` that a person has named, which stay.

    Returns:
        The job with the splits and the class names of the run, if there is one.
    """
    if not os.path.isfile(run.config_path):
        return config
    old = run.read_config()
    splits = {name: getattr(old.data, name) for name in SPLITS if name not in given}
    if config.data.train_split == old.found.held_out_of:
        splits["train_split"] = old.data.train_split
    config = config.replace(splits)
    return dataclasses.replace(config, found=old.found)


def open_and_choose(
    config: ExperimentConfig, given: Collection[str] = (), may_hold_out: bool = True
) -> tuple[ImageSource, ExperimentConfig, str]:
    """Opens the data set of a job and chooses its splits; see `choose_splits`.

    Returns:
        The images; the job with both splits and the names of the classes; and what is read
        from where, for a person.

    Raises:
        ClassesChangedError: if the data has other classes than the job, where those are known.
        DataError: if it cannot be used, or has no split of the name that was given.
    """
    source = open_real_images(config)
    config, choice = choose_splits(config, source, given, may_hold_out)
    names = source.class_names or config.found.class_names
    return source, config.with_found(class_names=names), source.description + choice


def choose_splits(
    config: ExperimentConfig,
    source: ImageSource,
    given: Collection[str] = (),
    may_hold_out: bool = True,
) -> tuple[ExperimentConfig, str]:
    """Chooses the split to evaluate against where the data has none of the preset's name.

    Another one of the usual names is taken; else a tenth of the training images, the last
    ones in stored order, which are then not trained on. The same data gives the same choice.

    Args:
        config: the job.
        source: the real images.
        given: those of `SPLITS` that a person has named, which stay.
        may_hold_out: whether training images can be: not those of a run that has begun.

    Returns:
        The job with both splits as they are used, and what was chosen, for a person; "" where
        there is no choice. Where nothing can be chosen, `test_split` is none of the data's.

    Raises:
        DataError: if there is no split to evaluate against of the name that was given.
    """
    train, test = config.data.train_split, config.data.test_split
    if "test_split" in given:
        count_split(source, "test_split", test)
    if _is_there(source, test):
        return config, ""
    missing = f"there is no split {test!r}"
    for other in _OTHERS:
        if other != _whole(train) and _is_there(source, other):
            config = config.replace({"test_split": other})
            return config, f"; evaluated against {other}: {missing}"
    parts = _held_out(source, train) if may_hold_out and _is_there(source, train) else None
    if parts is None:
        return config, f"; nothing to evaluate against: {missing}, and no images to hold out"
    config = config.replace(dict(zip(SPLITS, parts))).with_found(held_out_of=train)
    note = f"; trained on {parts[0]}, evaluated against {parts[1]}: {missing} and no other"
    return config, note


def count_split(source: ImageSource, flag: str, name: str) -> int:
    """Number of images of a split; DataError with the flag that names it if there is none."""
    try:
        return source.count(name)
    except DataError as error:
        raise DataError(f"--{flag}={name}: {error}") from error


def without_held_out_part(
    config: ExperimentConfig, given: Collection[str] = ()
) -> ExperimentConfig:
    """The job for another data set than that whose images `choose_splits` held out.

    Args:
        config: the job.
        given: those of `SPLITS` that a person has named for the other data set, which stay.
    """
    if config.found.held_out_of is None:
        return config
    splits = dict(zip(SPLITS, (config.found.held_out_of, _OTHERS[0])))
    config = config.replace({name: splits[name] for name in SPLITS if name not in given})
    return config.with_found(held_out_of=None)


def _whole(text):
    """The name of the split that a text names, or a part of: of "train[:90%]", "train"."""
    return re.match(r"[^\[]*", text)[0]


def _is_there(source, name):
    try:
        source.count(name)
    except DataError:
        return False
    return True


def _held_out(source, train) -> Optional[tuple[str, str]]:
    """Parts of a split to train on and to evaluate against; None if it has too few images."""
    name = _whole(train)
    count = source.count(name)
    try:
        _, first, end = split_part(train, {name: count})
    except KeyError:  # More than a part of one split, as tfds may write it.
        return None
    held_out = max(_FEWEST_HELD_OUT, round((end - first) / _SHARE))
    middle = end - held_out
    # Resized images for training may lack some of the original ones, all of them before the end.
    last = middle - (count - source.examples(name, True).records.count)
    if last <= first:
        return None
    return f"{name}[{first or ''}:{last}]", f"{name}[{middle}:{end if end < count else ''}]"
