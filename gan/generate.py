"""python -m gan.generate: draws images from a trained model."""

import dataclasses
import os
import sys

from gan.atomic_file import obstacle
from gan.command import execute
from gan.generate_flags import read_flags
from gan.image_files.output_path import OutputError
from gan.run_folder import RunFolder


def main():
    flags = read_flags()
    # A run's images lie with it; others, by the model's name, where the command is run.
    run = RunFolder(flags.model)
    is_run = os.path.isdir(run.checkpoint_dir)
    folder = run.samples_dir if is_run else "samples"
    model_name = os.path.basename(os.path.abspath(flags.model))
    if not flags.out and (reason := obstacle(os.path.join(folder, "any.png"))):
        raise OutputError(f"{folder}: {reason}. Give another place by --out.")

    from checkpoints.loading import load_opened
    from checkpoints.opening import open_checkpoint
    from gan.image_files.several_outputs import open_outputs
    from gan.image_files.writer import open_writer
    from gan.sampling.image_request import ImageRequest, plan_images

    # Before the model is built, which takes long: everything that can be wrong.
    checkpoint = open_checkpoint(flags.model, flags.step, flags.preset, flags.settings)
    model = checkpoint.config.model
    names = checkpoint.config.classes()
    request = ImageRequest(
        **{field.name: getattr(flags, field.name) for field in dataclasses.fields(ImageRequest)}
    )
    plan, plan_name, plan_title, note = plan_images(request, names)
    if note:
        print(note, file=sys.stderr)
    for line in checkpoint.notes():
        print(line, file=sys.stderr)
    title = f"{plan_title}, step {checkpoint.step}"
    name = f"{'' if is_run else model_name + '_'}{plan_name}_step_{checkpoint.step}"
    endings = (".png", ".gif") if flags.interpolate else (".png",)
    paths = flags.out or [os.path.join(folder, name + ending) for ending in endings]
    writers = {
        path: open_writer(path, plan, model.image_size, model.image_channels, names, title)
        for path in paths
    }
    generator = load_opened(checkpoint, discriminator=False).generator
    with open_outputs(writers) as write:
        _draw(generator, plan, model, flags.batch_size, write)
    print(f"{plan.count} images of step {checkpoint.step}: {', '.join(paths)}")


def _draw(generator, plan, model, batch_size, write):
    """Draws the images of a plan, and hands one after the other to `write`."""
    from tqdm import tqdm

    from gan.image_files.grid import to_uint8
    from gan.sampling.sampler import sample_images

    bar = tqdm(
        total=plan.count,
        unit=" images",
        disable=not sys.stderr.isatty(),
        dynamic_ncols=True,
        bar_format="{n_fmt}/{total_fmt} images |{bar}| {rate_fmt}, {remaining} left",
    )
    with bar:
        images = sample_images(generator, plan.samples, model.z_dim, model.num_classes, batch_size)
        for index, (sample, image) in enumerate(images):
            write(index, sample, to_uint8(image))
            bar.update()


if __name__ == "__main__":
    execute(main)
