"""python -m gan.invert: finds the latent that draws a given image."""

import dataclasses
import io
import os
import sys
import time

from checkpoints.model_flag import add_model_flags
from gan.atomic_file import obstacle, write_atomically
from gan.command import Parser, execute, integer, number
from gan.command_line import add_config_flags, model_settings
from gan.inversion.settings import InversionSettings

_MOST_CLASSES_TRIED = 10
_SNAPSHOTS = (0, 0.05, 0.2, 0.5)  # of all steps: most happens early


def main():
    parser = Parser(
        prog="python -m gan.invert",
        usage="python -m gan.invert --image=FILE [--model=NAME_OR_PATH] [--class=CLASS] "
        "[--FLAG=VALUE ...]",
        description="Finds the latent and, among at most 10, the class whose generated image is "
        "closest to the given one. Writes a picture of target, steps and result, and beside it "
        "the latent. The same arguments give the same files, byte for byte, on the same machine "
        "and TensorFlow. Needs no TF-GAN.",
    )
    model = parser.add_argument_group("checkpoint")
    add_model_flags(model)
    model.add_argument("--step", type=integer, help="which checkpoint (default: the newest)")
    model.add_argument("--preset", help="preset of an authors' checkpoint")
    image = parser.add_argument_group("image")
    image.add_argument(
        "--image",
        required=True,
        help="image file; its central square is taken. It should look like the training data: for "
        "the digits, one white digit on black that fills the height",
    )
    image.add_argument(
        "--class",
        dest="class_text",
        metavar="CLASS",
        help="its class: an index counted from 0, a name, or a WordNet id (default: all are "
        f"tried, if there are at most {_MOST_CLASSES_TRIED})",
    )
    optimisation = parser.add_argument_group("optimisation")
    for field in dataclasses.fields(InversionSettings):
        optimisation.add_argument(
            f"--{field.name}",
            type={int: integer, float: number}[field.type],
            default=field.default,
            metavar=field.type.__name__.upper(),
            help=f"{field.metadata['help']} (default: {field.default})",
        )
    output = parser.add_argument_group("output")
    output.add_argument(
        "--out",
        help="PNG file to write; the latent goes to the same name with .npz "
        "(default: inverted_IMAGE.png in RUN/samples, or in samples for a released model)",
    )
    add_config_flags(parser, sections=("model",))
    parser.epilog = (
        "Flags of the model are for an authors' checkpoint; see python -m checkpoints.convert."
    )
    arguments = parser.parse_args()
    settings = InversionSettings(
        **{
            field.name: getattr(arguments, field.name)
            for field in dataclasses.fields(InversionSettings)
        }
    )
    picture_path = arguments.out or _default_path(arguments.model, arguments.image)
    named = parser.named("out", picture_path)
    base, extension = os.path.splitext(picture_path)
    if extension.lower() != ".png":
        parser.error(f"{named}: must end in .png; the latent is written beside it.")
    latent_path = base + ".npz"
    if os.path.realpath(picture_path) == os.path.realpath(arguments.image):
        parser.error(f"{named}: is the image itself. Give another file to write.")
    for path in (picture_path, latent_path):
        reason = f"{path} is a folder" if os.path.isdir(path) else obstacle(path)
        if reason:
            parser.error(f"{named}: {reason}. Give the name of a file to write by --out.")

    from preprocessing.image_file import network_input, read_image

    picture = read_image(arguments.image)

    from checkpoints.loading import load_opened
    from checkpoints.opening import open_checkpoint
    from gan.image_files.grid import to_png
    from gan.inversion.optimisation import invert
    from gan.inversion.picture import draw_inversion
    from preprocessing.class_names import ClassNameError

    checkpoint = open_checkpoint(
        arguments.model, arguments.step, arguments.preset, model_settings(arguments)
    )
    classes = checkpoint.config.model.num_classes
    names = checkpoint.config.classes()
    if arguments.class_text is not None:
        try:
            labels = [names.resolve(arguments.class_text)]
        except ClassNameError as error:
            parser.error(f"--class={arguments.class_text}: {error}")
    elif classes <= _MOST_CLASSES_TRIED:
        labels = range(classes)
    else:
        parser.error(
            f"--class: must be given. The model has {classes} classes; all are tried only where "
            f"there are at most {_MOST_CLASSES_TRIED}."
        )
    for line in checkpoint.notes():
        print(line, file=sys.stderr)
    models = load_opened(checkpoint, discriminator=settings.feature_weight > 0)
    if models.discriminator is None and settings.feature_weight > 0:
        print(
            "The checkpoint has no discriminator: pixels alone are compared.",
            file=sys.stderr,
        )
    target = network_input(
        picture, models.config.model.image_size, models.config.model.image_channels
    )
    started = time.monotonic()
    with _progress_bar(settings.steps) as bar:

        def show(step, loss):
            bar.set_postfix_str(f"loss {loss:.4f}", refresh=False)
            bar.update(step - bar.n)

        result = invert(
            models.generator,
            models.discriminator,
            target,
            labels,
            settings,
            [round(part * settings.steps) for part in _SNAPSHOTS],
            show,
        )
    write_atomically(latent_path, _archive(result))
    write_atomically(picture_path, to_png(draw_inversion(target, result)))
    print(_describe(result, names, time.monotonic() - started))
    print(f"step {models.step}: {picture_path}, {latent_path}")


def _default_path(model, image):
    from gan.run_folder import RunFolder

    run = RunFolder(model)
    folder = run.samples_dir if os.path.isdir(run.checkpoint_dir) else "samples"
    name = os.path.splitext(os.path.basename(image))[0]
    return os.path.join(folder, f"inverted_{name}.png")


def _progress_bar(steps):
    from tqdm import tqdm

    return tqdm(
        total=steps,
        disable=not sys.stderr.isatty(),
        dynamic_ncols=True,
        bar_format="step {n_fmt}/{total_fmt} |{bar}| {remaining} left{postfix}",
    )


def _archive(result):
    """The result as `.npz`: z, label and image to use, and what the losses were."""
    import numpy as np

    buffer = io.BytesIO()
    np.savez(
        buffer,
        z=result.latent,
        label=np.int32(result.label),
        image=result.image,
        **{f"{name}_loss": losses for name, losses in result.history._asdict().items()},
        classes=np.array(list(result.class_losses), np.int32),
        class_losses=np.array(list(result.class_losses.values()), np.float32),
    )
    return buffer.getvalue()


def _describe(result, names, seconds):
    """The outcome in a line."""
    first, best = result.history, result.losses
    text = f"class {_class(result.label, names)}"
    others = sorted(
        (loss, label) for label, loss in result.class_losses.items() if label != result.label
    )
    if others:
        text += (
            f" (loss {best.total:.4f}; of {len(others) + 1} classes tried the next is "
            f"{_class(others[0][1], names)}: {others[0][0]:.4f})"
        )
    text += f": mean squared pixel error {first.pixel[0]:.4f} at the start, {best.pixel:.4f} now"
    if best.feature:
        text += f"; feature error {first.feature[0]:.4f}, {best.feature:.4f}"
    return f"{text}; {seconds:.1f} s"


def _class(label, names):
    """Index and name, where the name says more; a name that is a number comes first."""
    name = names.name(label)
    if name == str(label):
        return name
    is_named_by_index = names.flag_value(label) == str(label)
    return f"{label} ({name})" if is_named_by_index else f"{name} (label {label})"


if __name__ == "__main__":
    execute(main)
