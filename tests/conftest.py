"""What all tests share: quiet TensorFlow, reference numbers."""

import contextlib
import functools
import gc
import os
import pathlib
import resource
import sys
import types

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from gan.command import execute

# Two logical devices for the tests of distribution strategies, before anything runs.
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)

DATA = pathlib.Path(__file__).parent / "data"

needs_tfgan = pytest.mark.skipif(
    not hasattr(tf, "estimator"),
    reason=f"needs TF-GAN, which needs TensorFlow 2.15; this is {tf.__version__}",
)


@pytest.fixture(scope="session", autouse=True)
def cache_dir(tmp_path_factory):
    """Keeps the tests, and the commands they start, out of the user's cache folder."""
    with pytest.MonkeyPatch.context() as patch:
        folder = str(tmp_path_factory.mktemp("cache"))
        patch.setenv("HAM_TF_CACHE_DIR", folder)
        yield folder


@pytest.fixture(autouse=True, scope="module")
def no_left_over_graphs():
    """Frees the graphs of a file's models, which refer to one another in circles."""
    yield
    gc.collect()


@pytest.fixture(autouse=True)
def random_seed():
    """Lets a test draw the same numbers whatever ran before it, in whichever process."""
    keras.utils.set_random_seed(0)


@pytest.fixture
def run_main(monkeypatch, capsys):
    """Runs an entry point's `main` in this process; returns exit status, output and errors."""

    def run(main, *arguments):
        monkeypatch.setattr(sys, "argv", ["command", *map(str, arguments)])
        status = 0
        try:
            execute(main)
        except SystemExit as error:
            status = error.code or 0
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


# Here, and not beside its tests: of two modules called conftest only one can be imported from.
@pytest.fixture
def verify_at(run_main):
    """Runs the command that checks prepared images; returns status and output lines."""
    from preprocessing import verify

    def run(data_dir, *flags, partial=True):
        flags = ("--processes=1", *(["--allow_partial"] if partial else []), *flags)
        status, out, err = run_main(verify.main, f"--data_dir={data_dir}", *flags)
        return status, [*out.splitlines(), *err.splitlines()]

    return run


@pytest.fixture(scope="session")
def golden():
    """Loads a file of reference numbers by name."""
    return lambda name: dict(np.load(DATA / name))


def relative_error(actual, expected):
    """Largest difference over the largest expected magnitude."""
    actual, expected = (np.asarray(tf.convert_to_tensor(array)) for array in (actual, expected))
    return np.abs(actual - expected).max() / np.abs(expected).max()


def tf_variable(weight):
    """The TensorFlow variable of a Keras weight, to differentiate by."""
    return weight if isinstance(weight, tf.Variable) else weight.value


@functools.cache
def two_devices():
    """The strategy over both logical devices.

    One for all tests: TensorFlow numbers the collective operations of each strategy
    anew and then takes those of another for its own.
    """
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


class StoredBases(keras.initializers.Initializer):
    """Returns reference bases `[samples · groups, channels, rank]` for any shape of their size."""

    def __init__(self, bases):
        self.bases = bases

    def __call__(self, shape, dtype=None, **kwargs):
        return tf.cast(tf.reshape(self.bases, shape), dtype)


@contextlib.contextmanager
def few_bytes(count):
    """Files of this process can have no more; the system's error names none of them."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (count, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def write_checkpoint(path, variables):
    """Writes a TensorFlow checkpoint of `{name: array}` in eager mode."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    tf.raw_ops.SaveV2(
        prefix=path,
        tensor_names=list(variables),
        shape_and_slices=[""] * len(variables),
        tensors=[tf.convert_to_tensor(value) for value in variables.values()],
    )


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory):
    """A folder with small tfds data sets, good and bad."""
    tfds = pytest.importorskip("tensorflow_datasets")
    folder = str(tmp_path_factory.mktemp("tfds"))
    image = tfds.features.Image(shape=(None, None, 3))
    examples = [
        {"image": np.full([20 + i, 30, 3], 10 * i, np.uint8), "label": i % 3} for i in range(12)
    ]

    def write(name, features, examples):
        class SmallDataSet(tfds.core.GeneratorBasedBuilder, skip_registration=True):
            VERSION = tfds.core.Version("1.0.0")
            pkg_dir_path = tmp_path_factory.mktemp("package")

            def _info(self):
                return tfds.core.DatasetInfo(
                    builder=self, features=tfds.features.FeaturesDict(features)
                )

            def _split_generators(self, dl_manager):
                del dl_manager
                return {"train": enumerate(examples), "test": enumerate(examples[:6])}

            def _generate_examples(self):
                raise NotImplementedError

        # Registered, it would answer `tfds.load` of any other data set of its name.
        named = types.new_class(name.capitalize(), (SmallDataSet,), {"skip_registration": True})
        named(data_dir=folder).download_and_prepare()

    write("colours", {"image": image, "label": tfds.features.ClassLabel(num_classes=3)}, examples)
    write("numbers", {"image": image, "label": tf.int64}, examples)
    many = [{**e, "label": [e["label"]]} for e in examples]
    write("many", {"image": image, "label": tfds.features.Sequence(tf.int64)}, many)
    sizes = [{**e, "image": np.float32(3)} for e in examples]
    write("sizes", {"image": tf.float32, "label": tf.int64}, sizes)
    write("unlabelled", {"image": image}, [{"image": e["image"]} for e in examples])
    return folder
