"""TFRecord files read record by record, going on behind damage.

A file is a row of records, each a length (8 bytes, little-endian), the masked CRC32C of these
8 bytes, the payload, and the masked CRC32C of the payload.
"""

import functools
import struct
from collections.abc import Iterator
from typing import NamedTuple, Optional, Union

import google_crc32c
import numpy as np

from preprocessing.data_file import DataFile

_HEADER = struct.Struct("<QI")
_CHECKSUM = struct.Struct("<I")
_OVERHEAD = _HEADER.size + _CHECKSUM.size
_BLOCK = 4 << 20  # bytes read at once, unless a record is longer


class Record(NamedTuple):
    """A record whose checksums are right.

    Attributes:
        index: its place in the file, counted from 0; behind damage that may have hidden
            records, the lowest it can have.
        offset: where its length begins.
        payload: its bytes.
    """

    index: int
    offset: int
    payload: bytes


class Damage(NamedTuple):
    """A record that is not what was written.

    Attributes:
        index: as of a `Record`.
        offset: where its length begins, or should.
        found: what is there.
        expected: what should be.
        hides_records: whether more than this one record may lie in the damaged bytes.
    """

    index: int
    offset: int
    found: str
    expected: str
    hides_records: bool = False


def read_records(file: DataFile) -> Iterator[Union[Record, Damage]]:
    """Reads a file from its beginning to its end.

    Where a length cannot be trusted, the next record is found by its checksum. Memory is
    that of a few MiB and the longest record.

    Args:
        file: the opened file.

    Yields:
        Every record, or what is wrong with it, in order.

    Raises:
        OSError, tf.errors.OpError: if the file cannot be read.
    """
    return _Reader(file).records()


class _Reader:
    def __init__(self, file):
        self._file = file
        self._block, self._start = b"", 0

    def records(self):
        index = offset = 0
        while offset < self._file.size:
            result, offset = self._record(index, offset)
            yield result
            index += 1

    def _record(self, index, offset):
        """The record or damage at an offset, and where the next one begins."""
        size = self._file.size
        length = self._length_at(offset)
        if length is None:
            return self._without_length(index, offset)
        end = offset + _OVERHEAD + length
        if end > size:
            # A length that passes its checksum is right: the file was cut.
            found = f"the file ends after {size - offset} bytes of it"
            return Damage(index, offset, found, f"{end - offset} bytes"), size
        payload = self._bytes(offset + _HEADER.size, length)
        stored = self._bytes(end - _CHECKSUM.size, _CHECKSUM.size)
        if len(payload) < length or len(stored) < _CHECKSUM.size:
            found = "the file became shorter while it was read"
            return Damage(index, offset, found, f"{end - offset} bytes", True), size
        computed = _masked(google_crc32c.value(payload))
        stored = _CHECKSUM.unpack(stored)[0]
        if computed == stored:
            return Record(index, offset, payload), end
        found = f"the checksum of its {length} bytes is {computed:#010x}"
        expected = f"{stored:#010x}, as stored with them"
        if end < size and self._length_at(end) is None:
            # Either the next length is damaged, too, or bytes were lost or added here.
            following = self._next_header(offset + _HEADER.size, end + 1)
            if following is not None:
                return Damage(index, offset, found, expected, True), following
        return Damage(index, offset, found, expected), end

    def _without_length(self, index, offset):
        size = self._file.size
        header = self._bytes(offset, _HEADER.size)
        if len(header) < _HEADER.size:
            found = f"the file ends after {len(header)} bytes of it"
            return Damage(index, offset, found, f"{_OVERHEAD} bytes at least"), size
        length, stored = _HEADER.unpack(header)
        computed = _masked(google_crc32c.value(header[:8]))
        following = self._next_header(offset + 1, size)
        following = size if following is None else following
        found = f"the checksum of its length, {length}, is {computed:#010x}"
        hides = not self._is_payload(offset + _HEADER.size, following)
        return Damage(index, offset, found, f"{stored:#010x}, as stored", hides), following

    def _bytes(self, offset, count):
        begin = offset - self._start
        if begin < 0 or begin + count > len(self._block):
            wanted = min(max(count, _BLOCK), self._file.size - offset)
            self._block, self._start = self._file.read_at(offset, wanted), offset
            begin = 0
        return self._block[begin : begin + count]

    def _length_at(self, offset) -> Optional[int]:
        header = self._bytes(offset, _HEADER.size)
        if len(header) < _HEADER.size:
            return None
        length, stored = _HEADER.unpack(header)
        return length if _masked(google_crc32c.value(header[:8])) == stored else None

    def _next_header(self, begin, end) -> Optional[int]:
        """The first offset in [begin, end) where a length lies that fits and is right."""
        while begin < end:
            block = self._bytes(begin, min(_BLOCK, self._file.size - begin))
            last = len(block) - _HEADER.size
            if last < 0:
                return None
            for place in _lengths_in(block, self._file.size - begin - _OVERHEAD):
                if begin + place >= end:
                    return None
                return begin + place
            begin += last + 1
        return None

    def _is_payload(self, begin, end) -> bool:
        """Whether these bytes are one payload and its checksum, so that they hide no record."""
        end -= _CHECKSUM.size
        if end < begin:
            return False
        crc = 0
        while begin < end:
            piece = self._file.read_at(begin, min(_BLOCK, end - begin))
            if not piece:
                return False
            crc = google_crc32c.extend(crc, piece)
            begin += len(piece)
        stored = self._file.read_at(end, _CHECKSUM.size)
        return stored == _CHECKSUM.pack(_masked(crc))


def _masked(crc):
    """TFRecord's masking: a CRC of data that holds CRCs would be weak."""
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def _lengths_in(block, room) -> Iterator[int]:
    """Places in a block where a length and its checksum lie that leaves room for the payload."""
    content = np.frombuffer(block, np.uint8)
    candidates = []
    for phase in range(8):  # An unaligned view of 64-bit numbers for each.
        count = (len(block) - _HEADER.size - phase) // 8 + 1
        if count <= 0:
            continue
        lengths = np.frombuffer(block, "<u8", count, phase)
        places = np.flatnonzero(lengths <= max(room, 0)) * 8 + phase
        fits = lengths[(places - phase) // 8] + places.astype(np.uint64) <= max(room, 0)
        candidates.append(places[fits])
    places = np.sort(np.concatenate(candidates)) if candidates else np.array([], np.int64)
    constant, tables = _checksum_tables()
    crc = np.full(len(places), constant, np.uint32)
    stored = np.zeros(len(places), np.uint32)
    for i in range(8):
        crc ^= tables[i][content[places + i]]
    for i in range(4):
        stored |= content[places + 8 + i].astype(np.uint32) << np.uint32(8 * i)
    masked = ((crc >> np.uint32(15)) | (crc << np.uint32(17))) + np.uint32(0xA282EAD8)
    yield from places[masked == stored].tolist()


@functools.lru_cache(maxsize=1)
def _checksum_tables():
    """CRC32C of 8 bytes as an exclusive or: a constant and `[8, 256]` by place and byte."""
    constant = google_crc32c.value(bytes(8))
    tables = np.zeros([8, 256], np.uint32)
    for place in range(8):
        for byte in range(256):
            content = bytes(place) + bytes([byte]) + bytes(7 - place)
            tables[place, byte] = google_crc32c.value(content) ^ constant
    return constant, tables
