"""Files that are whole or absent, and errors that say which one there was no room for."""

import errno

import pytest
from conftest import few_bytes

from gan.atomic_file import named_in_errors, open_atomically, write_atomically
from gan.run_folder import RunFolder


@pytest.mark.parametrize("size", [101, 1 << 20])  # written at the end, and before
def test_a_file_without_room_is_named(tmp_path, size):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with few_bytes(100), pytest.raises(OSError) as raised:
        write_atomically(str(path), bytes(size))
    assert (raised.value.errno, raised.value.filename) == (errno.EFBIG, str(path))
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_of_another_file_keeps_its_name(tmp_path):
    with pytest.raises(FileNotFoundError) as raised, open_atomically(str(tmp_path / "file")):
        (tmp_path / "missing").read_bytes()
    assert raised.value.filename == str(tmp_path / "missing")
    with pytest.raises(ZeroDivisionError), named_in_errors("file"):
        print(1 / 0)


def test_a_line_without_room_is_named(tmp_path):
    run = RunFolder(str(tmp_path))
    with few_bytes(20), pytest.raises(OSError) as raised:
        run.add_metrics({"step": 0, "value": "x" * 100})
    assert (raised.value.errno, raised.value.filename) == (errno.EFBIG, run.metrics_path)
