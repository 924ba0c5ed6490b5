"""TFRecord files, whole and damaged."""

import random
import struct

import numpy as np
import pytest
import tensorflow as tf

from preprocessing.data_file import DataFile
from preprocessing.records import tfrecord
from preprocessing.records.tfrecord import Damage, Record, read_records

SIZES = (0, 1, 1000, 37, 5000, 12, 300)


@pytest.fixture(scope="module")
def payloads():
    generator = np.random.default_rng(0)
    return [generator.bytes(size) for size in SIZES]


@pytest.fixture
def path(tmp_path, payloads):
    path = str(tmp_path / "data.tfrecord")
    write(path, payloads)
    return path


def write(path, payloads):
    with tf.io.TFRecordWriter(path) as writer:
        for payload in payloads:
            writer.write(payload)


def read(path):
    with DataFile(path) as file:
        return list(read_records(file))


def offsets(payloads):
    return [0, *np.cumsum([len(payload) + 16 for payload in payloads]).tolist()]


def change(path, function):
    with tf.io.gfile.GFile(path, "rb") as file:
        content = bytearray(file.read())
    with tf.io.gfile.GFile(path, "wb") as file:
        file.write(bytes(function(content) or content))


@pytest.mark.parametrize("block", [4 << 20, 64])
@pytest.mark.parametrize("folder", ["", "ram://tfrecord"])
def test_whole_file(path, payloads, folder, block, monkeypatch):
    monkeypatch.setattr(tfrecord, "_BLOCK", block)
    if folder:
        path = f"{folder}/{block}"  # Writing there again would append.
        tf.io.gfile.makedirs(folder)
        write(path, payloads)
    expected = zip(range(len(payloads)), offsets(payloads), payloads)
    assert read(path) == [Record(*record) for record in expected]


def test_empty_file(path):
    write(path, [])
    assert read(path) == []


@pytest.mark.parametrize("block", [4 << 20, 64])
@pytest.mark.parametrize("victim", range(len(SIZES)))
def test_any_flipped_byte_is_one_damaged_record(path, payloads, victim, block, monkeypatch):
    """Length, its checksum, payload or its checksum: that record and no other."""
    monkeypatch.setattr(tfrecord, "_BLOCK", block)
    begins = offsets(payloads)
    length = begins[victim + 1] - begins[victim]
    for place in {*range(16), *range(length - 6, length), length // 2} & set(range(length)):
        for bit in (0, 7):

            def flip(content, at=begins[victim] + place, bit=bit):
                content[at] ^= 1 << bit

            change(path, flip)
            results = read(path)
            change(path, flip)
            assert [result.index for result in results] == list(range(len(payloads)))
            assert [result.offset for result in results] == begins[:-1]
            damage = results.pop(victim)
            assert isinstance(damage, Damage) and not damage.hides_records
            assert all(isinstance(result, Record) for result in results)


def test_messages(path, payloads):
    begin = offsets(payloads)[2]

    def flip(content):
        content[begin + 100] ^= 1

    change(path, flip)
    damage = read(path)[2]
    assert damage.found.startswith("the checksum of its 1000 bytes is 0x")
    assert damage.expected.endswith(", as stored with them")
    change(path, flip)

    def flip_length(content):
        content[begin + 1] ^= 1

    change(path, flip_length)
    damage = read(path)[2]
    assert damage.found.startswith(f"the checksum of its length, {1000 ^ 256}, is 0x")
    assert damage.expected.endswith(", as stored")


@pytest.mark.parametrize(
    ("kept", "found", "expected"),
    [
        (5, "the file ends after 5 bytes of it", "16 bytes at least"),
        (12, "the file ends after 12 bytes of it", "316 bytes"),
        (315, "the file ends after 315 bytes of it", "316 bytes"),
    ],
)
def test_truncated(path, payloads, kept, found, expected):
    begin = offsets(payloads)[-2]
    change(path, lambda content: content[: begin + kept])
    *records, damage = read(path)
    assert [record.payload for record in records] == payloads[:-1]
    assert damage == Damage(len(payloads) - 1, begin, found, expected)


def test_file_that_is_cut_while_it_is_read(path, payloads):
    with DataFile(path) as file:
        change(path, lambda content: content[: offsets(payloads)[3]])
        results = list(read_records(file))
    assert all(isinstance(result, Record) for result in results[:3])
    assert results[-1].found in (
        "the file became shorter while it was read",
        "the file ends after 0 bytes of it",
    )


@pytest.mark.parametrize("hole", [bytes, lambda count: b"\xff" * count])
def test_overwritten_stretch(path, payloads, hole):
    """A hole over several records: what lies behind is read; how many it hid is not known."""
    begins = offsets(payloads)

    def overwrite(content):
        content[begins[2] : begins[4] + 5] = hole(begins[4] + 5 - begins[2])

    change(path, overwrite)
    results = read(path)
    assert [type(result) for result in results] == [Record, Record, Damage, Record, Record]
    assert results[2].hides_records
    assert [r.payload for r in results[3:]] == payloads[5:]
    assert [r.index for r in results[3:]] == [3, 4]


@pytest.mark.parametrize("added", [b"", b"abc"])
def test_shifted_bytes(path, payloads, added):
    """Bytes lost from a payload, or added to it, cost the records they touch only."""
    begins = offsets(payloads)
    middle = begins[4] + 1000
    change(path, lambda content: content[:middle] + added + content[middle + (not added) * 10 :])
    results = read(path)
    assert [r.payload for r in results if isinstance(r, Record)] == payloads[:4] + payloads[5:]
    damages = [r for r in results if isinstance(r, Damage)]
    assert damages[0].index == 4 and damages[0].offset == begins[4]


def test_damage_at_the_end(path, payloads):
    begin = offsets(payloads)[-2]

    def flip(content):
        content[begin] ^= 1

    change(path, flip)
    damage = read(path)[-1]
    assert damage.index == len(payloads) - 1 and not damage.hides_records


def test_long_length_in_a_foreign_file(path):
    change(path, lambda content: b"<html>" * 100)
    (damage,) = read(path)
    assert damage.hides_records and damage.index == damage.offset == 0


def test_found_headers_are_those_a_slow_search_finds():
    generator = random.Random(1)
    for _ in range(20):
        content = bytearray(generator.randbytes(200))
        places = sorted(generator.sample(range(0, 160, 13), 3))
        for place in places:
            length = struct.pack("<Q", generator.randrange(20))
            crc = tfrecord.google_crc32c.value(length)
            content[place : place + 12] = length + struct.pack("<I", tfrecord._masked(crc))
        assert list(tfrecord._lengths_in(bytes(content), 200 - 16)) == places
