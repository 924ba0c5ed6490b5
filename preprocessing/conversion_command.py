"""What the commands that write data sets have in common: their flags, and what they say.

No TensorFlow is imported before the flags are known to be good.
"""

import argparse
import os
from collections.abc import Iterable, Sequence

from gan.command import Parser, add_switch, check_printed, command_to_copy, integer
from preprocessing.choices import RESAMPLINGS, STORES
from preprocessing.data_error import DataError


def add_cache_flags(parser: Parser, required: bool):
    """Adds the flags that decide which pre-resized cache is written."""
    group = parser.add_argument_group("pre-resized cache")
    group.add_argument(
        "--size",
        type=integer,
        required=required,
        help="side of the stored images in pixels" + ("" if required else " (default: no cache)"),
    )
    group.add_argument(
        "--resampling",
        choices=RESAMPLINGS,
        default=RESAMPLINGS[0],
        help="bilinear: as published, without antialiasing. antialiased: another data set "
        "(default: bilinear)",
    )
    group.add_argument(
        "--store",
        choices=STORES,
        default=STORES[0],
        help="float32: exactly what training would compute, 12 bytes per pixel. uint8: rounded, 3 "
        "bytes. jpeg: quality 95, about 1 byte (default: float32)",
    )


def add_work_flags(parser: Parser):
    """Adds the flags that decide where a data set is written, and by whom."""
    group = parser.add_argument_group("work")
    group.add_argument(
        "--data_dir", default="", help="folder of tfds data sets (default: tfds's own)"
    )
    group.add_argument(
        "--processes",
        type=integer,
        default=os.cpu_count() or 1,
        help="how many work at once (default: one per core, here %(default)s)",
    )
    group.add_argument(
        "--max_undecodable",
        type=integer,
        default=0,
        help="how many images may be left out because they cannot be decoded (default: 0, which "
        "stops at the first shard with one and names all of it)",
    )
    add_switch(
        group,
        "--beam",
        help="let Apache Beam write the shards; flags behind a -- are Beam's own, as "
        "`-- --runner=DataflowRunner --project=NAME`",
    )
    add_switch(group, "--dry_run", help="say what there is and what would be written, and stop")
    group.add_argument("beam_flags", nargs="*", help=argparse.SUPPRESS)


def check_flags(parser: Parser, arguments: argparse.Namespace):
    """Answers values that cannot work."""
    for name, least in (("processes", 1), ("max_undecodable", 0), ("size", 2)):
        value = getattr(arguments, name)
        if value is not None and value < least:
            parser.error(f"--{name}={value}: must be at least {least}.")
    if arguments.beam_flags and not arguments.beam:
        parser.error(f"{arguments.beam_flags[0]}: expected flags alone, or --beam before the --.")


def say_if_finished(target, splits: Iterable[str], allow_partial: bool = False) -> bool:
    """Says so if a data set is there already, and names what killed tools left beside it.

    Args:
        target: `preprocessing.records.target.Target`.
        splits: what it must have.
        allow_partial: whether splits may be missing, which is said then.

    Raises:
        DataError: if the data set is there without some of the splits, or half-written.
    """
    finished = target.finished_splits()
    for leftover in target.leftovers():
        print(f"note: {leftover} is what a killed tfds left behind; it can be deleted.")
    if finished is None:
        return False
    target.remove_notes()
    missing = [split for split in splits if split not in finished]
    if missing and not allow_partial:
        raise DataError(
            f"{target.folder} is there already, but without the {' and '.join(missing)} split; it "
            f"has {', '.join(finished)}. Move it away or delete it, then repeat the command to "
            "write all splits."
        )
    images = ", ".join(f"{name} {count:,}" for name, count in finished.items())
    print(f"{target.folder} is there already: {images} images. Nothing to do.")
    for split in missing:
        print(f"note: there is no {split} split in it.")
    return True


def carry_out(conversion, arguments: argparse.Namespace, verify: Sequence[str]):
    """Writes a data set as the flags say, and reports.

    Args:
        conversion: `preprocessing.records.conversion.Conversion`.
        arguments: of `add_work_flags`.
        verify: flags by which `preprocessing.verify` finds the data set.
    """
    from preprocessing.records.beam_engine import with_beam
    from preprocessing.records.conversion import convert, with_processes
    from preprocessing.records.report import describe_outcome, describe_plan, progress_bar

    print(describe_plan(conversion), flush=True)
    if arguments.dry_run:
        check_printed()
        return
    if arguments.beam:
        engine = with_beam(arguments.beam_flags)
    else:
        engine = with_processes(arguments.processes)
    outcome = convert(conversion, engine, arguments.max_undecodable, progress_bar)
    print(describe_outcome(conversion, outcome))
    print(f"next: {command_to_copy('preprocessing.verify', *verify)}")
