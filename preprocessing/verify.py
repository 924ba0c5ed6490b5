"""python -m preprocessing.verify: reads a data set and says what is wrong with it."""

import functools
import os
import sys

from gan.command import Parser, add_switch, check_printed, execute, integer

_MOST_LISTED = 20


def main():
    parser = Parser(
        prog="python -m preprocessing.verify",
        usage="python -m preprocessing.verify --data_dir=DIR [--dataset=NAME] [--FLAG=VALUE ...]\n"
        "       python -m preprocessing.verify --dataset=FOLDER [--FLAG=VALUE ...]",
        description="Reads every record of a data set that tfds, preprocessing.imagenet or "
        "preprocessing.resize prepared, and names file and record of anything wrong: checksums, "
        "shards and counts against the data set's metadata, values and labels, images that cannot "
        "be decoded, file names that are there twice. For ImageNet also the class that a file "
        "name stands for and the official numbers of images. Of a folder of class folders it reads "
        "every image as training does. Writes nothing into the data set.",
        epilog="exit status: 0 if nothing is wrong; 1 if something is, or there is no such data "
        "set.",
    )
    parser.add_argument(
        "--data_dir", default="", help="folder of tfds data sets (default: tfds's own)"
    )
    parser.add_argument(
        "--dataset",
        default="imagenet2012",
        help="name, NAME/CONFIG or NAME:VERSION, as imagenet2012_resized/128_bilinear_float32 "
        "(default: %(default)s, the newest version there is); or the path of a folder of class "
        "folders, as ./FOLDER",
    )
    parser.add_argument("--split", help="splits to read, separated by commas (default: all)")
    parser.add_argument(
        "--processes",
        type=integer,
        metavar="INT",
        help="processes that read (default: as many as there are cores)",
    )
    add_switch(
        parser,
        "--allow_partial",
        help="accept fewer images of ImageNet than the official 1281167 and 50000",
    )
    parser.add_argument(
        "--decode",
        choices=("full", "none"),
        default="full",
        help="'none' leaves the images' content unread, ten times as fast (default: %(default)s)",
    )
    parser.add_argument(
        "--problems",
        metavar="FILE",
        help=f"write all problems there, a JSON object each; printed are {_MOST_LISTED} of a kind",
    )
    arguments = parser.parse_args()
    processes = os.cpu_count() if arguments.processes is None else arguments.processes
    if processes < 1:
        parser.error(f"--processes={processes}: must be at least 1.")
    splits = None if arguments.split is None else arguments.split.split(",")

    # TensorFlow takes seconds to import: only once the flags are known to be good.
    from tqdm import tqdm

    from preprocessing.sources.image_folder import is_folder_path, list_folder
    from preprocessing.verification.folder_verification import verify_folder
    from preprocessing.verification.prepared_data_set import open_prepared
    from preprocessing.verification.report import json_lines, report_lines
    from preprocessing.verification.verification import verify

    def progress_bar(total):
        return tqdm(
            total=total,
            unit=" records",
            dynamic_ncols=True,
            disable=not sys.stderr.isatty(),
        )

    most_problems = None if arguments.problems else _MOST_LISTED
    decode = arguments.decode == "full"
    if is_folder_path(arguments.dataset):
        folder = list_folder(arguments.dataset)
        place = arguments.dataset
        judge = functools.partial(verify_folder, folder, splits, processes)
    else:
        data_set = open_prepared(arguments.data_dir, arguments.dataset)
        place = data_set.folder
        judge = functools.partial(verify, data_set, splits, processes, arguments.allow_partial)
    if arguments.problems:
        _write_problems(arguments.problems, [])  # Now, not after an hour.
    print(f"Verifying {place}", flush=True)
    verdict = judge(decode, most_problems, progress_bar)
    for line in report_lines(verdict, _MOST_LISTED):
        print(line)
    if arguments.problems:
        _write_problems(arguments.problems, json_lines(verdict))
    check_printed()
    if verdict.problems.total:
        sys.exit(1)


def _write_problems(path, lines):
    import tensorflow as tf

    from preprocessing.data_error import DataError
    from preprocessing.storage import tf_path

    try:
        with tf.io.gfile.GFile(tf_path(path), "w") as file:
            file.write("".join(f"{line}\n" for line in lines))
    except tf.errors.OpError as error:
        raise DataError(f"--problems={path}: cannot be written: {error.message}.") from error


if __name__ == "__main__":
    execute(main)
