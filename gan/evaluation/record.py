"""The record of an evaluation: what its figures are called, and how they are shown.

A record is flat, one JSON line: every figure under a name that carries its
conditions, `fid_tfgan_bilinear299_validation_50176`, and the sample standard
deviation over repetitions under the same name and `_spread`.
"""

from typing import Any, Optional

import numpy as np

from gan.evaluation.figure_text import SPREAD, TITLES, figure_lines
from gan.metrics.feature_network import FeatureNetwork

# Inception score of ImageNet's real validation images in the published pipeline, as the
# authors of Hamburger measured it.
PUBLISHED_REAL_SCORE, REAL_SCORE_TOLERANCE = 159.2, 2.0
_PUBLISHED_IMAGES = 49 * 1024


def figure_names(network: FeatureNetwork, split: str, images: int) -> dict[str, str]:
    """What the figures are called under these conditions.

    Args:
        network: what judges.
        split: of the real images.
        images: number of generated images.

    Returns:
        "frechet_distance", "kernel_distance", "classifier_score" and, where the
        network knows the labels, "class_accuracy", each to its full name.
    """
    alone, against = f"{network.conditions}_{images}", f"{network.conditions}_{split}_{images}"
    names = {
        "frechet_distance": f"{network.distance}_{against}",
        "kernel_distance": f"{network.kernel}_{against}",
        "classifier_score": f"{network.score}_{alone}",
    }
    if network.knows_labels:
        names["class_accuracy"] = f"class_accuracy_{alone}"
    return names


def summarize(names: dict[str, str], repetitions: list[dict[str, float]]) -> dict[str, float]:
    """Mean and, of several repetitions, sample standard deviation of every figure, by full name."""
    summary = {}
    for plain, name in names.items():
        values = [figures[plain] for figures in repetitions]
        summary[name] = float(np.mean(values))
        if len(values) > 1:
            summary[name + SPREAD] = float(np.std(values, ddof=1))
    return summary


def plain_figures(record: dict[str, Any], names: dict[str, str]) -> dict[str, float]:
    """The figures and spreads of a record under their plain names."""
    plain = {}
    for short, name in names.items():
        for ending in ("", SPREAD):
            if name + ending in record:
                plain[short + ending] = record[name + ending]
    return plain


def find_record(
    records: list[dict[str, Any]],
    names: dict[str, str],
    conditions: dict[str, str],
    step: int,
    repetitions: int = 1,
) -> Optional[dict[str, Any]]:
    """The newest record of a step under these conditions, repeated at least so often.

    Args:
        records: oldest first.
        names: of the figures; see `figure_names`.
        conditions: that names do not tell: "dataset", "resampling", and the judge's "sha256".
        step: of the checkpoint.
        repetitions: at least.
    """
    for record in reversed(records):
        # Earlier versions did not record the resampling, which was the run's.
        known = {"resampling": conditions["resampling"], **record}
        if (
            "model" not in record  # of another one, by `gan.evaluate --out`
            and record.get("step") == step
            and all(known.get(name) == value for name, value in conditions.items())
            and record.get("repetitions", 0) >= repetitions
            and all(name in record for name in names.values())
        ):
            return record
    return None


def pipeline_warning(
    network: FeatureNetwork, dataset: str, split: str, image_size: int, images: int, score: float
) -> Optional[str]:
    """What is wrong if the real images do not score as published; None if nothing is.

    Known for ImageNet's validation split at 128 pixels, 50,176 images and Inception.
    """
    conditions = (dataset.split(":")[0], split, image_size, images)
    if conditions != ("imagenet2012", "validation", 128, _PUBLISHED_IMAGES):
        return None
    if network.name != "tfgan" or abs(score - PUBLISHED_REAL_SCORE) <= REAL_SCORE_TOLERANCE:
        return None
    return (
        f"THE EVALUATION PIPELINE IS WRONG, do not trust its figures: the real images have an "
        f"Inception score of {score:.1f}, published is {PUBLISHED_REAL_SCORE} ± "
        f"{REAL_SCORE_TOLERANCE:g}. Check the Inception weights and how the images were prepared."
    )


def describe(record: dict[str, Any], names: dict[str, str]) -> str:
    """One line about one evaluation, and a second one if it must not be trusted."""
    figures = ", ".join(
        f"{TITLES[plain]} {text}"
        for plain, text in figure_lines({**record, **plain_figures(record, names)}).items()
    )
    line = f"step {record['step']}: {figures}, by {record['evaluated_images']} images"
    if record["repetitions"] > 1:
        line += f", {record['repetitions']} times"
    return "\n".join([line, *warnings_of(record)])


def table(record: dict[str, Any], names: dict[str, str]) -> str:
    """The figures of a record under their full names, one a line."""
    times = record["repetitions"]
    how = f"mean ± sample standard deviation of {times} repetitions" if times > 1 else "once"
    lines = [f"step {record['step']}: {record['evaluated_images']} generated images, {how}"]
    width = max(map(len, names.values()))
    for plain, text in figure_lines({**record, **plain_figures(record, names)}).items():
        lines.append(f"  {names[plain]:{width}}  {text}")
    return "\n".join(lines + warnings_of(record))


def warnings_of(record: dict[str, Any]) -> list[str]:
    """The record's warning, if it has one, in a list."""
    return [record["warning"]] if record.get("warning") else []
