"""Moving averages and augmentation, measured on digits: python -m benchmarks.digits_variants.

Trains one run per augmentation and seed, all with a moving average of the generator's
weights, and judges the last checkpoint of each twice: with the trained weights and with
their averages. Training is the same for both, as nothing in it reads the averages. The
first row, no augmentation and trained weights, is the published method.

Every run lies in a folder of its own under --runs; a stopped benchmark goes on from there.
"""

import argparse
import json
import os
import statistics
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

FIGURES = ("frechet_distance", "class_accuracy")
POLICIES = ("", "color", "translation", "cutout", "translation,cutout", "color,translation,cutout")


def job_of(arguments, policy, seed):
    """The configuration of one run."""
    from gan.presets import get_preset

    steps = arguments.steps or get_preset(arguments.preset).training.steps
    values = dict(
        steps=steps,
        seed=seed,
        augmentation=policy,
        ema_decay=arguments.ema_decay,
        ema_start=arguments.ema_start,
        engine="distribute",
        # Nothing but the last checkpoint is judged.
        checkpoint_every=steps,
        eval_every=steps,
        grid_every=steps,
        log_every=max(1, steps // 4),
    )
    return get_preset(arguments.preset).replace(values)


def train_and_judge(config, path, evaluation):
    """Trains one run, unless it is trained already.

    Returns:
        The figures, by whether the generator's weights are averages.
    """
    from checkpoints.loading import load
    from gan.evaluation.record import plain_figures
    from gan.job import Job
    from gan.run_folder import RunFolder

    run = RunFolder(path)
    if os.path.exists(run.config_path) and run.read_config().training != config.training:
        sys.exit(f"{path}: was trained with other settings. Choose another --runs.")
    Job(config, path).train()
    figures = {}
    for averaged in (False, True):

        def generator_and_step(averaged=averaged):
            models = load(path, config.training.steps, discriminator=False, averaged=averaged)
            assert models.averaged == averaged
            return models.generator, models.step

        record = evaluation.evaluate(generator_and_step, config.evaluation.eval_repetitions)
        plain = plain_figures(record, evaluation.names)
        figures[averaged] = {name: plain[name] for name in FIGURES}
    return figures


def row(policy, averaged, of_seeds):
    """One row of the table: mean and sample standard deviation over the seeds."""
    cells = {"augmentation": policy or "none", "weights": "averaged" if averaged else "trained"}
    for name in FIGURES:
        values = [figures[averaged][name] for figures in of_seeds]
        cells[name] = statistics.mean(values)
        cells[f"{name}_spread"] = statistics.stdev(values) if len(values) > 1 else None
        cells[f"{name}_of_seeds"] = values
    return cells


def print_table(rows):
    """The rows as a Markdown table."""

    def cell(row, name, scale, digits):
        spread = row[f"{name}_spread"]
        text = f"{scale * row[name]:.{digits}f}"
        return text if spread is None else f"{text} ± {scale * spread:.{digits}f}"

    print("| augmentation | weights | Fréchet distance | class accuracy, % |")
    print("|---|---|---|---|")
    for row in rows:
        cells = (
            row["augmentation"],
            row["weights"],
            cell(row, "frechet_distance", 1, 2),
            cell(row, "class_accuracy", 100, 1),
        )
        print("| " + " | ".join(cells) + " |", flush=True)


def parse(argv=None):
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.digits_variants",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )

    def at_least(least):
        def read(text):
            if int(text) < least:
                raise argparse.ArgumentTypeError(f"{text}: must be at least {least}")
            return int(text)

        return read

    def policies(text):
        chosen = ["" if name == "none" else name for name in text.split("+")]
        unknown = [name for name in chosen if name not in POLICIES]
        if unknown:
            offered = ", ".join(name or "none" for name in POLICIES)
            raise argparse.ArgumentTypeError(f"{unknown[0]}: expected one of {offered}")
        return chosen

    parser.add_argument("--seeds", type=at_least(1), default=5, help="runs per augmentation")
    parser.add_argument("--first_seed", type=at_least(0), default=0, help="the others follow")
    parser.add_argument("--steps", type=at_least(1), help="of every run (default: the preset's)")
    parser.add_argument("--preset", choices=("digits", "smoke"), default="digits")
    parser.add_argument(
        "--augmentations",
        type=policies,
        default=["", "translation", "color,translation,cutout"],
        help="joined by +, as none+translation+color,translation,cutout (the default)",
    )
    parser.add_argument("--ema_decay", type=float, help="default: that of the preset digits_ema")
    parser.add_argument("--ema_start", type=int, help="default: that of the preset digits_ema")
    parser.add_argument("--runs", default="runs/digits_variants", help="folder of the runs")
    parser.add_argument("--json", help="file for the rows as JSON")
    return parser.parse_args(argv)


def main(argv=None):
    """Trains, judges, prints and returns all rows."""
    arguments = parse(argv)
    from gan.presets import digits_ema

    averaging = digits_ema().training
    if arguments.ema_decay is None:
        arguments.ema_decay = averaging.ema_decay
    if arguments.ema_start is None:
        arguments.ema_start = averaging.ema_start
    config = job_of(arguments, "", arguments.first_seed)

    import tensorflow as tf

    tf.get_logger().setLevel("ERROR")  # It warns of the judge, which is traced for each run.
    from gan.evaluation.cache_folder import cache_folder
    from gan.evaluation.feature_networks import open_judge, shared_judge_path
    from gan.evaluation.protocol import Evaluation
    from gan.input_pipeline import open_real_images

    source = open_real_images(config)
    # One judge for all runs: their figures can be compared.
    judge = open_judge(config, source, shared_judge_path(config, cache_folder()))
    evaluation = Evaluation(config, source, judge, cache_folder())
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.seeds)
    setting = {
        "tensorflow": tf.__version__,
        "preset": arguments.preset,
        "steps": config.training.steps,
        "seeds": list(seeds),
        "ema_decay": arguments.ema_decay,
        "ema_start": arguments.ema_start,
        "evaluated_images": config.evaluation.eval_images,
        "repetitions": config.evaluation.eval_repetitions,
        "judge_sha256": judge.sha256,
    }
    figures = {policy: [] for policy in arguments.augmentations}
    # Seed by seed: stopped early, every augmentation has as many.
    for seed in seeds:
        for policy in arguments.augmentations:
            name = f"{policy.replace(',', '_') or 'none'}_seed_{seed}"
            of_run = train_and_judge(
                job_of(arguments, policy, seed), os.path.join(arguments.runs, name), evaluation
            )
            figures[policy].append(of_run)
            for averaged in (False, True):
                print(json.dumps({"run": name, "averaged": averaged, **of_run[averaged]}))
            sys.stdout.flush()
    rows = [
        row(policy, averaged, figures[policy])
        for policy in arguments.augmentations
        for averaged in (False, True)
    ]
    print("\n" + ", ".join(f"{name} {value}" for name, value in setting.items()) + "\n")
    print_table(rows)
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump({**setting, "rows": rows}, file, indent=1)
    return rows


if __name__ == "__main__":
    main(sys.argv[1:])
