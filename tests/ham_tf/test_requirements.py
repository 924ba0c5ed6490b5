"""What importing the layers says where they cannot run, and where nobody imported them."""

import os
import pathlib
import subprocess
import sys
import types

import pytest
from tensorflow import keras

import ham_tf
from ham_tf.requirements import check_requirements

ROOT = pathlib.Path(__file__).parent.parent.parent
KERAS_3 = hasattr(keras, "config")


class MissingKeras:
    """`tensorflow.keras` where Keras cannot be imported: any attribute says so."""

    def __getattr__(self, name):
        raise ImportError("Keras cannot be imported. Check that it is installed.")


def keras_3(version, backend="tensorflow"):
    config = types.SimpleNamespace(backend=lambda: backend)
    return types.SimpleNamespace(version=lambda: version, config=config)


KERAS_2 = types.SimpleNamespace()


@pytest.fixture
def installed(monkeypatch):
    """Puts another TensorFlow, Keras and environment in place of ours."""

    def install(version=None, keras=KERAS_2, **variables):
        module = types.ModuleType("tensorflow")
        if version is not None:
            module.__version__, module.keras = version, keras
        monkeypatch.setitem(sys.modules, "tensorflow", module)
        for package in ("keras", "tf_keras"):
            monkeypatch.setitem(sys.modules, package, None)  # cannot be imported
        for name in ("KERAS_BACKEND", "TF_USE_LEGACY_KERAS"):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return module

    return install


def the_line():
    with pytest.raises(ImportError) as caught:
        check_requirements()
    line = str(caught.value)
    assert "\n" not in line
    assert line.startswith("ham_tf needs ")
    return line


def test_what_is_installed_here_will_do():
    check_requirements()


def test_no_tensorflow(installed, monkeypatch):
    installed()
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    line = the_line()
    assert "TensorFlow 2.15 or newer, and none is installed. Run `pip install tensorflow`" in line
    assert "`tensorflow-cpu`" in line and "`tensorflow[and-cuda]`" in line


def test_a_broken_tensorflow_says_itself_what_it_lacks(installed, monkeypatch, tmp_path):
    installed()
    monkeypatch.delitem(sys.modules, "tensorflow")
    (tmp_path / "tensorflow.py").write_text("import no_such_package")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="no_such_package"):
        check_requirements()


def test_rests_of_a_tensorflow(installed):
    """What is left when one of two packages that hold the same files is uninstalled."""
    installed().__path__ = ["/site-packages/tensorflow"]
    line = the_line()
    assert "only parts of one are in /site-packages/tensorflow" in line
    assert "--force-reinstall" in line


@pytest.mark.parametrize("version", ["2.14.1", "2.9.0", "1.15.5"])
def test_tensorflow_too_old(installed, version):
    installed(version)
    assert f"2.15 or newer, and {version} is installed. Run `pip install" in the_line()


@pytest.mark.parametrize("version", ["2.15.0", "2.15.0-rc1", "2.16.2", "2.100.0", "3.0.0-dev2027"])
@pytest.mark.parametrize("keras", [KERAS_2, keras_3("3.4.0"), keras_3("3.10.0"), keras_3("4.0")])
def test_what_will_do(installed, version, keras):
    installed(version, keras)
    check_requirements()


@pytest.mark.parametrize("version", ["3.0.0", "3.0.5", "3.3.3"])
def test_a_keras_that_narrows_what_must_stay_in_32_bits(installed, version):
    installed("2.16.2", keras_3(version))
    line = the_line()
    assert f"Keras {version} is installed beside TensorFlow 2.16.2" in line
    assert "Run `pip install 'keras>=3.4'`" in line


@pytest.mark.parametrize("backend", ["jax", "torch", "numpy"])
def test_another_backend(installed, backend):
    installed("2.21.0", keras_3("3.15.1", backend))
    line = the_line()
    assert f"the backend is {backend}. Set KERAS_BACKEND=tensorflow" in line


@pytest.mark.parametrize(
    "version, variables, package, remedy",
    [
        ("2.21.0", {}, "keras", "Run `pip install 'keras>=3.4'`"),
        ("2.15.1", {}, "keras", "Run `pip install 'keras~=2.15.0'`"),
        ("2.21.0", {"KERAS_BACKEND": "jax"}, "keras", "KERAS_BACKEND is jax: set it to tensorflow"),
        ("2.18.1", {"TF_USE_LEGACY_KERAS": "1"}, "tf_keras", "pip install 'tf_keras~=2.18.0'"),
        ("2.15.1", {"TF_USE_LEGACY_KERAS": "True"}, "tf_keras", "pip install 'tf_keras~=2.15.0'"),
    ],
)
def test_keras_cannot_be_imported(installed, version, variables, package, remedy):
    installed(version, MissingKeras(), **variables)
    line = the_line()
    assert f"TensorFlow {version} cannot import it ({package}: " in line
    assert remedy in line


def run(program, **variables):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3", **variables}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return done.stdout.strip(), done.stderr.strip()


@pytest.mark.skipif(not KERAS_3, reason="Keras 2 has one backend, whatever the variable says")
def test_importing_the_layers_checks():
    _, errors = run("import ham_tf", KERAS_BACKEND="torch")
    assert errors.splitlines()[-1].startswith("ImportError: ham_tf needs Keras with its backend")


UNKNOWN = "Could not locate class 'NMFLayer'. Make sure custom classes and functions are decorated"
NOT_IMPORTED = {
    "functional.keras": f"{UNKNOWN} with `@keras.saving.register_keras_serializable()`."
    if KERAS_3
    else "'str' object is not callable",
    "sequential.keras": UNKNOWN
    if KERAS_3
    else "The added layer must be an instance of class Layer. Received: layer=NMFLayer",
    "functional.h5": "Unknown layer: 'ham_tf>NMFLayer'.",
    "sequential.h5": "Unknown layer: 'ham_tf>NMFLayer'.",
}


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_a_model_loaded_without_the_import_fails_as_the_docstring_and_readme_say(tmp_path):
    inputs = keras.Input([4, 4, 8])
    functional = keras.Model(inputs, ham_tf.NMFLayer(2)(inputs))
    sequential = keras.Sequential([keras.Input([4, 4, 8]), ham_tf.NMFLayer(2)])
    for name, model in (("functional", functional), ("sequential", sequential)):
        for ending in ("keras", "h5"):
            model.save(str(tmp_path / f"{name}.{ending}"))
    output, _ = run(
        "import pathlib\n"
        "from tensorflow import keras\n"
        f"for path in pathlib.Path({str(tmp_path)!r}).iterdir():\n"
        "    try: keras.models.load_model(str(path))\n"
        "    except Exception as error: print(path.name, ' '.join(str(error).split()), sep='|')"
    )
    found = dict(line.split("|", 1) for line in output.splitlines())
    assert set(found) == set(NOT_IMPORTED)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name, text in NOT_IMPORTED.items():
        assert text in found[name]
        for document in (ham_tf.__doc__, readme):
            assert text in " ".join(document.split())
