"""What people install: the layers, and nothing else."""

import os
import pathlib
import subprocess
import sys
import zipfile

import pytest

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
