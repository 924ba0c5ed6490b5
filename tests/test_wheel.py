"""What people install: the layers, and nothing else."""

import email
import os
import pathlib
import subprocess
import sys
import zipfile

import pytest
from packaging.requirements import Requirement

from ham_tf.requirements import OLDEST_KERAS_3

ROOT = pathlib.Path(__file__).parent.parent

PROGRAM = """
import numpy as np
from tensorflow import keras
import ham_tf
from ham_tf import NMFLayer
inputs = keras.Input([8, 8, 16])
model = keras.Model(inputs, keras.layers.Conv2D(3, 1)(NMFLayer(rank=2)(inputs)))
print(ham_tf.__file__)
print(model.predict(np.ones([1, 8, 8, 16]), verbose=0).shape)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    # A copy, so that the build leaves nothing in the tree.
    source = folder / "source"
    source.mkdir()
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        (source / name).write_bytes((ROOT / name).read_bytes())
    for path in (ROOT / "ham_tf").rglob("*.py"):
        target = source / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    build = "from setuptools import build_meta; import sys; build_meta.build_wheel(sys.argv[1])"
    subprocess.run(
        [sys.executable, "-c", build, str(folder)], cwd=source, check=True, capture_output=True
    )
    return next(folder.glob("*.whl"))


def test_holds_every_module_of_the_layers_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    modules = {name for name in names if ".dist-info/" not in name}
    assert modules == {
        path.relative_to(ROOT).as_posix() for path in (ROOT / "ham_tf").rglob("*.py")
    }


def test_installs_no_tensorflow_unasked_and_offers_only_what_belongs_to_the_layers(wheel):
    with zipfile.ZipFile(wheel) as files:
        name = next(name for name in files.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = email.message_from_bytes(files.read(name))
    extras = set(metadata.get_all("Provides-Extra"))
    assert extras == {"tensorflow", "tensorflow-cpu", "tensorflow-cuda", "onnx"}
    wanted = [Requirement(line) for line in metadata.get_all("Requires-Dist")]

    def requirements(extra):
        return {
            str(each.name) + "".join(f"[{name}]" for name in each.extras): each.specifier
            for each in wanted
            if each.marker is None or each.marker.evaluate({"extra": extra})
        }

    assert requirements("") == {}
    for extra, package in (
        ("tensorflow", "tensorflow"),
        ("tensorflow-cpu", "tensorflow-cpu"),
        ("tensorflow-cuda", "tensorflow[and-cuda]"),
    ):
        found = requirements(extra)
        assert set(found) == {package, "keras"}  # one TensorFlow each
        assert "2.15.1" in found[package] and "2.21.0" in found[package]
        assert "2.14.1" not in found[package]
        for version in ("2.15.0", f"{OLDEST_KERAS_3}.0", "3.10.0", "3.15.1"):
            assert version in found["keras"]
        for version in ("3.0.5", "3.1.1", "3.2.1", "3.3.3"):
            assert version not in found["keras"]
    assert set(requirements("onnx")) == {"tf2onnx", "onnxruntime"}


def test_a_five_line_model_runs_from_it(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path / "installed")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "installed"), "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    file, shape = done.stdout.split("\n")[:2]
    assert file.startswith(str(tmp_path))
    assert shape == "(1, 8, 8, 3)"
