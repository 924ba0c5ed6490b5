"""python -m preprocessing.imagenet: ImageNet, from its tars or from an extracted tree."""

from gan.command import Parser, add_switch, execute
from preprocessing.conversion_command import (
    add_cache_flags,
    add_work_flags,
    carry_out,
    check_flags,
    say_if_finished,
)


def main():
    parser = Parser(
        prog="python -m preprocessing.imagenet",
        usage="python -m preprocessing.imagenet --source=PATH [--data_dir=FOLDER] [--size=PIXELS] "
        "[--FLAG=VALUE ...]",
        description="Makes the data set that tfds.load('imagenet2012') reads, or with --size only "
        "its pre-resized cache, from ILSVRC2012's tars or from the extracted images. Killed at any "
        "moment, the same command goes on where it was.",
    )
    group = parser.add_argument_group("source")
    group.add_argument(
        "--source",
        required=True,
        help="folder with ILSVRC2012_img_train.tar and ILSVRC2012_img_val.tar (and the test tar, "
        "if there), or with the extracted tree: train/nXXXXXXXX/*.JPEG and val/, the latter flat "
        "or sorted into class folders",
    )
    add_switch(
        group,
        "--allow_partial",
        help="take fewer images, classes or splits than ImageNet has, as for a trial",
    )
    add_switch(
        group,
        "--no_decode_check",
        help="do not try to decode each image: several times faster, and python -m "
        "preprocessing.verify finds the same images later (original size only)",
    )
    add_work_flags(parser)
    add_cache_flags(parser, required=False)
    arguments = parser.parse_args()
    check_flags(parser, arguments)

    # TensorFlow takes seconds to import: only once the flags are known to be good.
    from preprocessing.ilsvrc.challenge import LABELLED
    from preprocessing.ilsvrc.original_data_set import imagenet_info, original_target
    from preprocessing.resized.cache_plan import cache_key, cache_target

    info, data_dir = imagenet_info(arguments.data_dir)
    if arguments.size:
        key = cache_key(info, arguments.size, arguments.resampling, arguments.store)
        target = cache_target(key, data_dir)
        verify = [f"--data_dir={data_dir}", f"--dataset={key.name}/{key.config}"]
    else:
        key, target = None, original_target(info, data_dir)
        verify = [f"--data_dir={data_dir}"]
    if not say_if_finished(target, LABELLED, arguments.allow_partial):
        carry_out(_conversion(arguments, info, key, target), arguments, verify)


def _conversion(arguments, info, key, target):
    from preprocessing.ilsvrc.original_data_set import original_conversion
    from preprocessing.ilsvrc.source import find_source
    from preprocessing.ilsvrc.split_plans import plan_splits
    from preprocessing.records.report import ScanCounter
    from preprocessing.resized.cache_plan import cache_conversion

    source = find_source(arguments.source)
    print(source.describe(), flush=True)
    with ScanCounter() as counter:
        listings = source.scan(arguments.allow_partial, counter.show)
    for note in source.notes:
        print(f"note: {note}")
    skip = arguments.max_undecodable > 0
    if key is None:
        check = not arguments.no_decode_check
        return original_conversion(info, target, listings, check, skip)
    begun = target.begun_splits()
    return cache_conversion(
        info, key, target, lambda encoder: plan_splits(listings, key.name, encoder, skip, begun)
    )


if __name__ == "__main__":
    execute(main)
