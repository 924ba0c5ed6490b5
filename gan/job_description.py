"""What a job says of itself before it begins: the rest is in its `config.json`."""

from typing import Optional

from gan.config import ExperimentConfig
from gan.presets import differences


def describe_job(
    config: ExperimentConfig, run: str, source: str, engine: Optional[str] = None
) -> str:
    """A job in a few lines, the first of which tells the most.

    Args:
        config: the job.
        run: path of its run folder.
        source: what its real images are, and from where.
        engine: what trains it; None if it only evaluates.
    """
    model, training, evaluation = config.model, config.training, config.evaluation
    size = f"{model.image_size}×{model.image_size}×{model.image_channels}"
    trained_by = f", engine {engine.split()[0]}" if engine else ""
    lines = [
        f"Preset {config.preset}, data set {config.data.dataset}, {_hams(model)} networks of "
        f"{size} images, {training.steps:,} steps of batch {training.batch_size:,}{trained_by}, "
        f"run folder {run}",
        f"Networks: {model.num_classes:,} classes; "
        + "; ".join(
            f"{name} of {channels} channels, {_hamburger(hamburger)}"
            for name, channels, hamburger in (
                ("generator", model.generator_channels, model.generator_hamburger),
                ("discriminator", model.discriminator_channels, model.discriminator_hamburger),
            )
        ),
    ]
    if engine:
        lines.append(
            f"Training: learning rates {training.generator_lr:g} and {training.discriminator_lr:g} "
            f"of generator and discriminator, seed {training.seed}, a checkpoint every "
            f"{training.checkpoint_every:,} steps"
        )
    lines += [
        f"Evaluation: {evaluation.eval_images:,} generated images against split "
        f"{config.data.test_split!r}, every {evaluation.eval_every:,} steps, and "
        f"{evaluation.eval_repetitions} times at the end",
        f"Changed from the preset: {_changes(config)}",
        *([f"Engine: {engine}"] if engine else []),
        f"Real images: {source}",
    ]
    return "\n".join(lines)


def _hams(model):
    return " and ".join(
        dict.fromkeys((model.generator_hamburger.ham, model.discriminator_hamburger.ham))
    )


def _hamburger(hamburger):
    if hamburger.ham == "none":
        return "no ham"
    text = f"{hamburger.ham} ham of {hamburger.channels} channels"
    is_attention = hamburger.ham.endswith("attention")
    return text if is_attention else f"{text}, rank {hamburger.rank}, {hamburger.steps} steps"


def _changes(config):
    changed = differences(config)
    if changed is None:
        return "the preset is not known here"
    return ", ".join(f"{name}={now} (not {was})" for name, (now, was) in changed.items()) or "none"
