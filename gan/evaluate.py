"""python -m gan.evaluate: judges a checkpoint."""

import dataclasses
import os
import sys

from checkpoints.catalogue import describe_released, name_of
from checkpoints.model_flag import add_model_flags
from gan.command import Parser, execute, integer
from gan.command_line import add_config_flags, model_settings

_DATA = ("dataset", "data_dir", "train_split", "test_split", "resampling", "resized")
_EVALUATION = ("eval_images", "eval_batch_size", "eval_repetitions", "inception")


def main():
    parser = Parser(
        prog="python -m gan.evaluate",
        usage="python -m gan.evaluate [--model=NAME_OR_PATH] [--num=N] [--repetitions=N] "
        "[--FLAG=VALUE ...]",
        description="Judges the images a checkpoint generates by a feature network: Fréchet "
        "distance and kernel distance to real images, classifier score; of Inception these are "
        "FID, KID and IS. Images of up to 32 pixels are judged by a small classifier trained on "
        "the real ones, which gives the class accuracy, too; larger ones, and all with "
        "--inception, by Inception. What is not given is as in the checkpoint's configuration. "
        "Needs no TF-GAN.",
    )
    group = parser.add_argument_group("checkpoint")
    add_model_flags(group)
    group.add_argument("--step", type=integer, help="which checkpoint (default: the newest)")
    group.add_argument("--preset", help="preset of an authors' checkpoint")
    group = parser.add_argument_group("protocol")
    group.add_argument(
        "--num",
        "--eval_images",
        dest="eval_images",
        type=integer,
        metavar="INT",
        help="generated images (published: 50176)",
    )
    group.add_argument(
        "--repetitions",
        "--eval_repetitions",
        dest="eval_repetitions",
        type=integer,
        metavar="INT",
        help="how often, each time from other latents (published: 5)",
    )
    group.add_argument(
        "--batch_size",
        "--eval_batch_size",
        dest="eval_batch_size",
        type=integer,
        metavar="INT",
        help="images generated at once, at most; changes no figure",
    )
    group.add_argument(
        "--inception",
        help="TensorFlow Hub handle of Inception, or folder of its SavedModel (default: TF-GAN's "
        "handle)",
    )
    group = parser.add_argument_group("real images")
    group.add_argument(
        "--dataset", help="'digits', the name of a tfds data set, or a folder of class folders"
    )
    group.add_argument("--data_dir", help="folder of tfds data sets")
    group.add_argument("--split", "--test_split", dest="test_split", help="split to compare with")
    group.add_argument("--train_split", help="split that the small judge is trained on")
    group.add_argument("--resampling", help="how images become smaller: bilinear or antialiased")
    group.add_argument(
        "--resized",
        help="auto reads images stored exactly at this size already, if there are any; never reads "
        "the original ones",
    )
    group = parser.add_argument_group("output")
    group.add_argument(
        "--out",
        help="folder whose metrics.jsonl and eval/ (TensorBoard) get the figures; what is there of "
        "another model is no evaluation of the run there (default: the run folder itself, or "
        "runs/evaluations/NAME)",
    )
    group.add_argument(
        "--cache_dir",
        help="folder for statistics of the real images and for judges that belong to no run "
        "(default: $HAM_TF_CACHE_DIR, or ham_tf in the user's cache folder)",
    )
    add_config_flags(parser, sections=("model",))
    parser.epilog = (
        "Flags of the model are for an authors' checkpoint; see python -m checkpoints.convert."
        "\n\nreleased models:\n" + describe_released()
    )
    arguments = parser.parse_args()
    changes = {
        name: getattr(arguments, name)
        for name in _DATA + _EVALUATION
        if getattr(arguments, name) is not None
    }
    for name, least in (("eval_images", 2), ("eval_repetitions", 1), ("eval_batch_size", 1)):
        if changes.get(name, least) < least:
            parser.error(f"{parser.named(name, changes[name])}: must be at least {least}.")

    # TensorFlow takes seconds to import: only once the flags are known to be good.
    from checkpoints.loading import load_opened
    from checkpoints.opening import open_checkpoint
    from gan.evaluation.cache_folder import cache_folder
    from gan.evaluation.feature_networks import (
        describe_network,
        open_inception,
        open_judge,
        shared_judge_path,
    )
    from gan.evaluation.log import EvaluationLog
    from gan.evaluation.protocol import Evaluation, check_real_images
    from gan.evaluation.record import table
    from gan.run_folder import RunFolder

    settings = model_settings(arguments)
    checkpoint = open_checkpoint(arguments.model, arguments.step, arguments.preset, settings)
    config = checkpoint.config.replace(changes)
    is_own_data = config.data.dataset == checkpoint.config.data.dataset
    run = RunFolder(arguments.model)
    if not (os.path.isfile(run.config_path) and os.path.isdir(run.checkpoint_dir)):
        run = None
    source, config, description = _open_data(config, changes, is_own_data)
    data = config.data
    out = arguments.out or (run.path if run else _default_out(arguments.model))
    log = EvaluationLog(out)
    log.check()
    network = open_inception(config)
    check_real_images(config, source, for_judge=network is None)
    print(f"Real images: {description}", flush=True)
    for line in checkpoint.notes():
        print(line, file=sys.stderr)
    models = load_opened(checkpoint, discriminator=False)
    # Whatever can be wrong is known by now; from here on things are written.
    cache_dir = cache_folder(arguments.cache_dir)
    if network is None:
        runs_data = dataclasses.replace(checkpoint.config.data, data_dir=data.data_dir)
        is_runs_data = run and runs_data == data
        path = run.judge_path if is_runs_data else shared_judge_path(config, cache_dir)
        network = open_judge(config, source, path)
    print(describe_network(network), flush=True)

    evaluation = Evaluation(config, source, network, cache_dir)
    record = evaluation.evaluate(
        lambda: (models.generator, models.step),
        config.evaluation.eval_repetitions,
        run.seconds_at(models.step) if run else None,
        run.images_at(models.step) if run else None,
    )
    print(table(record, evaluation.names), flush=True)
    # A run's own records are of the run; others of whatever was recorded there.
    is_runs_own = run and os.path.realpath(out) == os.path.realpath(run.path)
    log.add(record if is_runs_own else {"model": name_of(arguments.model), **record})
    print(f"Recorded in {RunFolder(out).metrics_path}")


def _open_data(config, given, is_own):
    """Opens the real images.

    Args:
        config: the model's configuration, with the settings that were given.
        given: names of these.
        is_own: whether the data set is the one that the model was trained on.

    Returns:
        As `gan.real_images.open_and_choose`.
    """
    from gan.real_images import open_and_choose, without_held_out_part
    from preprocessing.class_list import ClassesChangedError, describe

    if not is_own:
        config = without_held_out_part(config, given)
    try:
        return open_and_choose(config, given, may_hold_out=not is_own)
    except ClassesChangedError:
        if is_own:
            raise
    print(
        f"warning: --dataset={config.data.dataset}: has other classes than the model was trained "
        f"with, {describe(config.found.class_names)}; they are compared by number.",
        file=sys.stderr,
    )
    return open_and_choose(config.with_found(class_names=None), given)


def _default_out(name_or_path):
    # Not runs/NAME: that is where a preset of this name trains.
    name = os.path.basename(os.path.normpath(name_or_path))
    return os.path.join("runs", "evaluations", name, "")


if __name__ == "__main__":
    execute(main)
