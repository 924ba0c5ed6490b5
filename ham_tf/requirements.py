"""TensorFlow and Keras as the layers need them: checked before anything else is imported."""

import importlib
import os
import re

OLDEST_TENSORFLOW = "2.15"
# Older ones cast NumPy inputs, or stored bases, to 16 bits before a layer sees them.
OLDEST_KERAS_3 = "3.4"

INSTALL = (
    "Run `pip install tensorflow`, or `tensorflow-cpu` for x86-64 without a GPU, or "
    "`tensorflow[and-cuda]` for a GPU under Linux"
)


def check_requirements() -> None:
    """Checks that the layers can run on what is installed.

    Raises:
        ImportError: if not; one line with what was found, what is needed and what to do.
    """
    tensorflow = _tensorflow()
    keras = tensorflow.keras
    try:
        keras_3 = hasattr(keras, "config")  # TensorFlow imports Keras here.
    except (ImportError, ValueError):
        raise ImportError(_no_keras(tensorflow.__version__)) from None
    if not keras_3:
        return  # Keras 2 has one backend, and comes with its TensorFlow.
    version = keras.version()
    if _numbers(version) < _numbers(OLDEST_KERAS_3):
        raise ImportError(
            f"ham_tf needs Keras {OLDEST_KERAS_3} or newer, or Keras 2; Keras {version} is "
            f"installed beside TensorFlow {tensorflow.__version__}. "
            f"Run `pip install 'keras>={OLDEST_KERAS_3}'`."
        )
    backend = keras.config.backend()
    if backend != "tensorflow":
        raise ImportError(
            f"ham_tf needs Keras with its backend tensorflow, and the backend is {backend}. "
            "Set KERAS_BACKEND=tensorflow before anything imports Keras."
        )


def _tensorflow():
    needed = f"ham_tf needs TensorFlow {OLDEST_TENSORFLOW} or newer"
    try:
        tensorflow = importlib.import_module("tensorflow")
    except ModuleNotFoundError as error:
        if error.name != "tensorflow":
            raise
        raise ImportError(f"{needed}, and none is installed. {INSTALL}.") from None
    version = getattr(tensorflow, "__version__", None)
    if version is None:  # what uninstalling one of two TensorFlows leaves
        folders = ", ".join(getattr(tensorflow, "__path__", ()))
        raise ImportError(
            f"{needed}, and only parts of one are in {folders}. {INSTALL}, each with "
            "`--force-reinstall`."
        )
    if _numbers(version) < _numbers(OLDEST_TENSORFLOW):
        raise ImportError(f"{needed}, and {version} is installed. {INSTALL}.")
    return tensorflow


def _no_keras(version):
    """Why TensorFlow of that version does not import its Keras, which it does not tell."""
    legacy = os.environ.get("TF_USE_LEGACY_KERAS", "").lower() in ("1", "true")
    package = "tf_keras" if legacy else "keras"
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    try:
        importlib.import_module(package)
        reason = "an unknown reason"
    except Exception as error:  # whatever it is, it is the reason
        reason = str(error)
    minor = ".".join(map(str, _numbers(version)))
    if legacy:
        remedy = f"Run `pip install 'tf_keras~={minor}.0'`, or unset TF_USE_LEGACY_KERAS"
    elif _numbers(version) < (2, 16):
        remedy = f"Run `pip install 'keras~={minor}.0'`"
    elif backend != "tensorflow":
        remedy = f"KERAS_BACKEND is {backend}: set it to tensorflow before anything imports Keras"
    else:
        remedy = f"Run `pip install 'keras>={OLDEST_KERAS_3}'`"
    return (
        f"ham_tf needs Keras with its backend tensorflow, and TensorFlow {version} cannot import "
        f"it ({package}: {reason}). {remedy}."
    )


def _numbers(version):
    """Major and minor number of a version."""
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])
