"""python -m gan.generate: draws images from a trained run."""

import math
import os

from gan.command_line import Parser, execute, integer


def main():
    parser = Parser(
        prog="python -m gan.generate",
        description="Draws images of one class, or of all, from a run folder's checkpoint as one "
        "PNG grid. The same arguments give the same file, byte for byte. Needs no TF-GAN.",
    )
    model = parser.add_argument_group("model")
    model.add_argument("--run", default="runs/digits", help="run folder (default: runs/digits)")
    model.add_argument("--step", type=integer, help="which checkpoint (default: the newest)")
    images = parser.add_argument_group("images")
    images.add_argument(
        "--class",
        dest="class_index",
        type=integer,
        help="class, counted from 0 (default: all in turn, one per row)",
    )
    images.add_argument(
        "--num", type=integer, help="number of images (default: 16, or 10 of each class)"
    )
    images.add_argument(
        "--seed", type=integer, default=0, help="seed of the latents, 0 to 2147483647 (default: 0)"
    )
    output = parser.add_argument_group("output")
    output.add_argument(
        "--out", help="PNG file to write (default: RUN/samples/class_C_num_N_seed_S_step_T.png)"
    )
    arguments = parser.parse_args()
    if arguments.num is not None and arguments.num < 1:
        parser.error(f"--num={arguments.num}: must be at least 1.")
    if not 0 <= arguments.seed < 2**31:
        parser.error(f"--seed={arguments.seed}: must be in [0, 2147483648).")

    from checkpoints import load
    from gan.image_grid import save_grid
    from gan.run_folder import RunFolder
    from gan.sampling import sample_images

    model = RunFolder(arguments.run).read_config().model
    label = arguments.class_index
    if label is not None and not 0 <= label < model.num_classes:
        parser.error(
            f"--class={label}: the run has {model.num_classes} classes, 0 to "
            f"{model.num_classes - 1}."
        )
    if label is None:
        columns = 10
        num = arguments.num or columns * model.num_classes
        labels = [index // columns % model.num_classes for index in range(num)]
        row_labels = [str(labels[first]) for first in range(0, num, columns)]
    else:
        num = arguments.num or 16
        columns, row_labels = math.ceil(math.sqrt(num)), None
        labels = [label] * num

    models = load(arguments.run, arguments.step)
    images = sample_images(models.generator, labels, model.z_dim, arguments.seed)
    what = "all" if label is None else label
    name = f"class_{what}_num_{num}_seed_{arguments.seed}_step_{models.step}.png"
    path = arguments.out or os.path.join(RunFolder(arguments.run).samples_dir, name)
    save_grid(path, images, columns, row_labels)
    print(f"{num} images of step {models.step}: {path}")


if __name__ == "__main__":
    execute(main)
