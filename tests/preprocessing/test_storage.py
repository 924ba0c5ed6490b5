"""Paths as the system and TensorFlow take them."""

import os

import pytest
import tensorflow as tf

from preprocessing.data_error import DataError
from preprocessing.storage import check_utf8, exists, is_folder, tf_path

NO_TEXT = os.fsdecode(b"/data/caf\xe9")


def test_a_path_for_tensorflow_is_that_of_the_system(tmp_path):
    for name in (b"plain", "café".encode(), b"caf\xe9"):
        path = os.fsencode(tmp_path) + b"/" + name
        assert tf_path(os.fsdecode(path)) == path
        assert not exists(os.fsdecode(path)) and not is_folder(os.fsdecode(path))
        os.mkdir(path)
        assert exists(os.fsdecode(path))
        assert is_folder(os.fsdecode(path))
        assert tf.io.gfile.isdir(tf_path(os.fsdecode(path)))
    assert tf_path("gs://bucket/café") == "gs://bucket/café".encode()


def test_what_tfds_cannot_open_is_said(monkeypatch):
    for path in ("", "/data/café", "gs://bucket/café"):
        check_utf8("data_dir", path)
    with pytest.raises(DataError, match="--data_dir=/data/caf.: the name is not UTF-8"):
        check_utf8("data_dir", NO_TEXT)
    # Where file names are of another encoding, TensorFlow would open another file.
    monkeypatch.setattr(os, "fsencode", lambda path: path.encode("koi8-r"))
    check_utf8("data_dir", "/data/plain")
    with pytest.raises(DataError, match="--data_dir=/data/жук: the name is not UTF-8"):
        check_utf8("data_dir", "/data/жук")
