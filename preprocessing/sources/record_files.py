"""The records of one split in TFRecord files, still undecoded."""

import dataclasses
from typing import NamedTuple

import tensorflow as tf

from preprocessing.storage import is_local

_FILES_AT_ONCE = 16  # that are read in turns, so that their records mix
_RECORDS_AT_ONCE = 16  # of one file, before the next has its turn
_REMOTE_BUFFER_BYTES = 8 << 20  # per file: a request to an object storage costs as much as this


class FilePiece(NamedTuple):
    """The `take` records of the file `path` that follow the first `skip`."""

    path: str
    skip: int
    take: int


@dataclasses.dataclass(frozen=True)
class RecordFiles:
    """Records as they lie in files.

    Attributes:
        pieces: of the files, in stored order.
    """

    pieces: tuple[FilePiece, ...]

    @property
    def count(self) -> int:
        """Number of records."""
        return sum(piece.take for piece in self.pieces)

    def share(self, num_hosts: int, host: int) -> "RecordFiles":
        """What one of several hosts reads: whole files if there are enough, else parts of each."""
        if len(self.pieces) >= num_hosts:
            return RecordFiles(self.pieces[host::num_hosts])
        return RecordFiles(tuple(_part(piece, num_hosts, host) for piece in self.pieces))

    def stored(self) -> tf.data.Dataset:
        """Scalar strings, in stored order."""
        return self._files().flat_map(self._records)

    def shuffled(self, seed, buffer: int, deterministic: bool = True) -> tf.data.Dataset:
        """Scalar strings: files in random order, some read in turns, then a shuffle buffer.

        Args:
            seed: int64 `[2]` tensor, by which all is decided.
            buffer: records held for shuffling.
            deterministic: False lets a file that is read slowly wait.
        """
        files = self._files().shuffle(
            len(self.pieces), seed=seed[0], reshuffle_each_iteration=False
        )
        # Local files are read ahead by the system; more threads would only cost.
        parallel = {"num_parallel_calls": tf.data.AUTOTUNE, "deterministic": deterministic}
        records = files.interleave(
            self._records,
            cycle_length=min(_FILES_AT_ONCE, len(self.pieces)),
            block_length=_RECORDS_AT_ONCE,
            **(parallel if self._are_remote else {}),
        )
        return records.shuffle(
            min(buffer, self.count), seed=seed[1], reshuffle_each_iteration=False
        )

    @property
    def _are_remote(self):
        return not all(is_local(piece.path) for piece in self.pieces)

    def _records(self, path, skip, take):
        # Local files unbuffered: the system has them in memory, and a buffer is one more copy.
        buffer_bytes = _REMOTE_BUFFER_BYTES if self._are_remote else 0
        records = tf.data.TFRecordDataset(path, buffer_size=buffer_bytes).skip(skip).take(take)
        # A file that was cut between two records would else go unnoticed.
        return records.apply(tf.data.experimental.assert_cardinality(take))

    def _files(self):
        pieces = [piece for piece in self.pieces if piece.take]
        paths, skips, takes = ([piece[i] for piece in pieces] for i in range(3))
        return tf.data.Dataset.from_tensor_slices(
            (
                tf.constant(paths, tf.string),
                tf.constant(skips, tf.int64),
                tf.constant(takes, tf.int64),
            )
        )


def _part(piece, num_parts, part):
    first, end = (piece.take * i // num_parts for i in (part, part + 1))
    return FilePiece(piece.path, piece.skip + first, end - first)
