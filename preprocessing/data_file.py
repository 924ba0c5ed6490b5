"""Reading pieces of large files, wherever they lie."""

import os

import tensorflow as tf

from preprocessing.storage import is_local


class DataFile:
    """A file read at any place: an archive, a shard.

    Local files are read by `pread`: TensorFlow's own reading fetches 512 KiB from every
    place, five times what an image of ImageNet needs. Others, as `gs://...`, by
    `tf.io.gfile`.

    Args:
        path: of the file, local or with a scheme that TensorFlow knows.

    Raises:
        OSError, tf.errors.OpError: if there is no such file.
    """

    def __init__(self, path: str):
        self.path = path
        self._descriptor = self._file = None
        if not is_local(path):
            self.size = tf.io.gfile.stat(path).length
            self._file = tf.io.gfile.GFile(path, "rb")
        else:
            self._descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
            self.size = os.fstat(self._descriptor).st_size

    def read_at(self, offset: int, count: int) -> bytes:
        """Reads `count` bytes from `offset`, fewer at the end of the file."""
        if self._file is not None:
            self._file.seek(offset)
            return self._file.read(count)
        pieces = []
        while count > 0:  # The system may return less than was asked for.
            piece = os.pread(self._descriptor, count, offset)
            if not piece:
                break
            pieces.append(piece)
            offset, count = offset + len(piece), count - len(piece)
        return b"".join(pieces)

    def close(self):
        """Closes the file; it cannot be read any more."""
        if self._file is not None:
            self._file.close()
        elif self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()
