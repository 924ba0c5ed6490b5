"""What a person sees of a conversion: the plan before, a bar meanwhile, the figures after."""

import sys

from tqdm import tqdm

from preprocessing.records.conversion import Conversion, Outcome

_MOST_LISTED = 10  # of images left out


def progress_bar(total: int, initial: int):
    """A bar of images with their rate and the time left, on standard error."""
    return tqdm(
        total=total,
        initial=initial,
        unit=" images",
        unit_scale=total >= 100_000,
        dynamic_ncols=True,
        mininterval=0.5,
        file=sys.stderr,
    )


class ScanCounter(tqdm):
    """Shows how many images a scan has found, on standard error."""

    def __init__(self):
        super().__init__(
            desc="looking through", unit=" images", dynamic_ncols=True, file=sys.stderr
        )

    def show(self, count: int):
        """Shows the number found so far."""
        self.update(count - self.n)


def describe_plan(conversion: Conversion) -> str:
    """Says what will be written, how much of it, and where."""
    target = conversion.target
    free = target.free_bytes()
    room = "" if free is None else f" ({free / 1e9:,.1f} GB free)"
    lines = [f"writes {target.folder}{room}:"]
    for name, split in conversion.splits.items():
        lines.append(
            f"  {name:12}{split.num_images:>10,} images in {len(split.shards):>5,} shards, "
            f"{_size(split.record_bytes)}"
        )
    return "\n".join(lines)


def describe_outcome(conversion: Conversion, outcome: Outcome) -> str:
    """Says what was written and how fast, and which images are not in it."""
    lines = []
    for name, shards in outcome.splits.items():
        records = sum(shard.records for shard in shards)
        size = _size(sum(shard.file_bytes for shard in shards))
        lines.append(f"  {name:12}{records:>10,} images in {len(shards):>5,} shards, {size}")
    earlier = conversion.num_images - outcome.images
    if earlier:
        lines.append(f"  {earlier:,} images of these were written by an earlier run.")
    skipped = outcome.skipped
    if skipped:
        lines.append(f"  {len(skipped):,} images were left out:")
        lines += [f"    {name}" for name in skipped[:_MOST_LISTED]]
        if len(skipped) > _MOST_LISTED:
            lines.append(f"    and {len(skipped) - _MOST_LISTED:,} more")
    if outcome.images:
        rate = outcome.images / max(outcome.seconds, 1e-9)
        lines.append(f"  {_duration(outcome.seconds)}, {rate:,.0f} images/s")
    return "\n".join([f"done: {conversion.target.folder}", *lines])


def _size(count):
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:,.1f} MB"


def _duration(seconds):
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {seconds:02} s"
