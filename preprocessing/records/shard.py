"""One shard: images from anywhere, encoded as records, in a file that is whole or absent."""

import contextlib
import dataclasses
import errno
import os
import uuid
from collections.abc import Iterator, Sequence
from typing import Any, Callable, Protocol

import tensorflow as tf

from preprocessing.data_error import DataError
from preprocessing.storage import is_local, join, names_in

UNFINISHED = ".unfinished-"  # how names of files begin that are still written, or never were
_MOST_NAMED = 10  # of images that cannot be decoded


class UndecodableImageError(DataError):
    """Bytes that are no image; the message says why, not which."""


class Images(Protocol):
    """The images of a shard, cheap to send to another process.

    Attributes:
        digest: of what tells whether one was replaced, as names and sizes; known without
            reading them.
    """

    digest: str

    def __len__(self) -> int: ...

    def read(self) -> Iterator[Any]:
        """Yields tuples of name, label and encoded image, in the order of the shard."""


class Encoder(Protocol):
    """What a record says of an image; frozen, and cheap to send to another process.

    Attributes:
        check: whether it decodes each image, and so finds those that are none.
    """

    check: bool

    def encode_image(self, encoded: bytes, label: int, name: str) -> bytes:
        """A serialized `tf.train.Example`; raises UndecodableImageError."""

    def record_sizes(self, names: Any, labels: Any, image_sizes: Any) -> Any:
        """Expected lengths of records, all `[count]` arrays."""


@dataclasses.dataclass(frozen=True)
class ShardTask:
    """A shard to be written.

    Attributes:
        file_name: of the shard, without its folder.
        images: the images.
        encoder: makes their records.
        skip_undecodable: whether to leave out what is no image, instead of stopping.
    """

    file_name: str
    images: Images
    encoder: Encoder
    skip_undecodable: bool = False


@dataclasses.dataclass(frozen=True)
class ShardResult:
    """A shard that was written.

    Attributes:
        records: number of its records.
        record_bytes: length of all records, without the file format's own bytes.
        file_bytes: length of the file.
        skipped: names of the images that were left out, with the reason.
        digest: of the images that it was made of.
        checked: whether each image was decoded.
    """

    records: int
    record_bytes: int
    file_bytes: int
    skipped: tuple[str, ...] = ()
    digest: str = ""
    checked: bool = False


def write_shard(task: ShardTask, folder: str, report: Callable[[int], None]) -> ShardResult:
    """Writes a shard into a folder.

    Args:
        task: what to write.
        folder: of the data set.
        report: called with the number of images done since the last call.

    Raises:
        UndecodableImageError: naming all such images of the shard.
        DataError: if the storage is full, or a file may not become as long.
    """
    records = record_bytes = 0
    skipped = []
    with _new_file(folder, task.file_name) as path:
        with tf.io.TFRecordWriter(path) as writer:
            for name, label, encoded in task.images.read():
                try:
                    record = task.encoder.encode_image(encoded, label, name)
                except UndecodableImageError as error:
                    skipped.append(f"{name}: {error}")
                else:
                    writer.write(record)
                    records += 1
                    record_bytes += len(record)
                report(1)
        if skipped and not task.skip_undecodable:
            raise UndecodableImageError(
                f"{list_undecodable(skipped)}. Replace {'them' if skipped[1:] else 'it'}, or leave "
                "out N such images by --max_undecodable=N"
            )
        file_bytes = tf.io.gfile.stat(path).length
    return ShardResult(
        records,
        record_bytes,
        file_bytes,
        tuple(skipped),
        task.images.digest,
        task.encoder.check,
    )


def list_undecodable(skipped: Sequence[str]) -> str:
    """Names images that were left out, the first of them if there are many."""
    if len(skipped) == 1:
        return skipped[0]
    more = f"; and {len(skipped) - _MOST_NAMED:,} more" if len(skipped) > _MOST_NAMED else ""
    return f"{len(skipped):,} images cannot be decoded: {'; '.join(skipped[:_MOST_NAMED])}{more}"


@contextlib.contextmanager
def _new_file(folder, name):
    """The path of a file that gets its name when the block has ended without an error."""
    path = join(folder, f"{UNFINISHED}{name}-{uuid.uuid4().hex[:8]}")
    try:
        yield path
        _sync(path)
        tf.io.gfile.rename(path, join(folder, name), overwrite=True)
    except BaseException as error:
        with contextlib.suppress(tf.errors.OpError):
            tf.io.gfile.remove(path)
        if is_full(error):
            reason = getattr(error, "strerror", None) or error.message.rpartition("; ")[2]
            raise DataError(f"no space left in {folder} for {name} ({reason})") from error
        raise


def write_file(folder: str, name: str, content: bytes):
    """Writes a small file; a reader, or a crash, sees all of it or nothing."""
    with _new_file(folder, name) as path, tf.io.gfile.GFile(path, "wb") as file:
        file.write(content)


def remove_unfinished(folder: str):
    """Removes what writes left behind that a crash cut short."""
    for name in names_in(folder):
        if name.startswith(UNFINISHED):
            with contextlib.suppress(tf.errors.NotFoundError):
                tf.io.gfile.remove(join(folder, name))


def is_full(error: BaseException) -> bool:
    """Whether this error means that the storage, a quota or a limit leaves no more space."""
    if isinstance(error, tf.errors.OutOfRangeError):  # TensorFlow's for a limit; not for that alone
        return os.strerror(errno.EFBIG) in error.message
    if isinstance(error, tf.errors.ResourceExhaustedError):
        return True
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def _sync(path):
    """Makes a local file survive a loss of power before its name says that it is whole."""
    if not is_local(path):
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
