"""The report of a finished run: its final figures, start and speed."""

from typing import Any, Optional

from gan.command import command_to_copy
from gan.config import ExperimentConfig
from gan.evaluation.figure_text import TITLES, figure_lines, number, rate
from gan.evaluation.record import plain_figures, warnings_of
from gan.run_folder import RunFolder

_OF_REAL_IMAGES = (
    "judge_accuracy",
    "frechet_distance_of_real_images",
    "classifier_score_of_real_images",
    "warning",
)


def make_report(
    config: ExperimentConfig,
    run: RunFolder,
    names: dict[str, str],
    first: Optional[dict[str, Any]],
    final: dict[str, Any],
) -> dict[str, Any]:
    """Gathers the report, with figures under plain names: "frechet_distance", and `_spread`.

    Args:
        config: the job.
        run: its folder.
        names: of the figures; see `gan.evaluation.record.figure_names`.
        first: record of the evaluation before training; None if there is none.
        final: record of the last evaluation.
    """
    seconds = run.seconds_at(final["step"])
    # The batch size may have changed on the way.
    images = run.images_at(final["step"]) or final["step"] * config.training.batch_size
    images_per_second = rate(images, seconds)
    return {
        **plain_figures(final, names),
        **{name: final[name] for name in _OF_REAL_IMAGES if name in final},
        "frechet_distance_at_start": (
            plain_figures(first, names)["frechet_distance"] if first else None
        ),
        "repetitions": final["repetitions"],
        "evaluated_images": final["evaluated_images"],
        "sha256": final["sha256"],
        "images_per_second": images_per_second and round(images_per_second, 3),
        "seconds": round(seconds, 1),
        "steps": final["step"],
        "seed": config.training.seed,
    }


def describe_report(report: dict[str, Any], run: RunFolder, seconds: float) -> str:
    """The figures of a finished run and where everything lies, for a person."""
    figures = figure_lines(report)
    if report["frechet_distance_at_start"] is not None:
        figures["frechet_distance"] += f"; {number(report['frechet_distance_at_start'])} at step 0"
    times = report["repetitions"]
    best = run.best()
    speed = number(report["images_per_second"] or 0)
    first_class = run.read_config().classes().flag_value(0)
    sample = command_to_copy("gan.generate", f"--run={run.path}", f"--class={first_class}")
    lines = [
        "",
        f"Trained {report['steps']} steps in {report['seconds']:.0f} s ({speed} images/s); this "
        f"command took {seconds:.0f} s.",
        *(f"  {TITLES[plain]:18} {text}" for plain, text in figures.items()),
        f"  of                 {report['evaluated_images']} generated images"
        + (f", mean ± sample standard deviation of {times} repetitions" if times > 1 else ""),
        f"  sample grid        {run.grid_path(report['steps'])}",
        f"  checkpoints        {run.checkpoint_dir}",
        *([f"  best of them       step {best['step']}, in {run.best_dir}"] if best else []),
        f"  configuration      {run.config_path}",
        f"  report             {run.report_path}",
        *warnings_of(report),
        f"Sample from it:      {sample}",
    ]
    return "\n".join(lines)
