"""python -m preprocessing.resize: the pre-resized cache of a prepared data set."""

from gan.command import Parser, execute
from preprocessing.conversion_command import (
    add_cache_flags,
    add_work_flags,
    carry_out,
    check_flags,
    say_if_finished,
)


def main():
    parser = Parser(
        prog="python -m preprocessing.resize",
        usage="python -m preprocessing.resize --size=PIXELS [--dataset=NAME] [--data_dir=FOLDER] "
        "[--FLAG=VALUE ...]",
        description="Stores the images of a tfds data set already cropped and resized, exactly as "
        "training would do it each time; training finds and uses them. Killed at any moment, the "
        "same command goes on where it was.",
    )
    parser.add_argument(
        "--dataset",
        default="imagenet2012",
        help="name of a prepared tfds data set with image and label (default: %(default)s)",
    )
    add_work_flags(parser)
    add_cache_flags(parser, required=True)
    arguments = parser.parse_args()
    check_flags(parser, arguments)

    # TensorFlow takes seconds to import: only once the flags are known to be good.
    from preprocessing.data_error import DataError
    from preprocessing.resized.cache_plan import (
        cache_conversion,
        cache_key,
        cache_target,
        plan_stored_splits,
    )
    from preprocessing.sources.image_folder import is_folder_path
    from preprocessing.sources.tfds_source import UnknownDataSetError, open_prepared
    from preprocessing.storage import is_folder

    no_folder = DataError(
        f"--dataset={arguments.dataset}: a folder. Expected the name of a prepared tfds data "
        "set; training resizes the images of folders while it reads them."
    )
    if is_folder_path(arguments.dataset):
        raise no_folder
    try:
        info, data_dir = open_prepared(arguments.dataset, arguments.data_dir)
    except UnknownDataSetError:
        if is_folder(arguments.dataset):
            raise no_folder from None
        raise
    key = cache_key(info, arguments.size, arguments.resampling, arguments.store)
    target = cache_target(key, data_dir)
    if say_if_finished(target, info.splits):
        return
    skip = arguments.max_undecodable > 0
    conversion = cache_conversion(
        info, key, target, lambda encoder: plan_stored_splits(info, key, encoder, skip)
    )
    verify = [f"--data_dir={data_dir}", f"--dataset={key.name}/{key.config}"]
    carry_out(conversion, arguments, verify)


if __name__ == "__main__":
    execute(main)
