"""Which engine a job gets that asks for none."""

import importlib.util
import json

import pytest
import tensorflow as tf

from gan.presets import smoke
from gan.training import engine as engine_module
from gan.training.engine import default_engine


@pytest.fixture(autouse=True)
def here(monkeypatch):
    """A TensorFlow with TF-GAN and the given number of GPUs."""
    find_spec = importlib.util.find_spec
    monkeypatch.delenv("TF_CONFIG", raising=False)
    monkeypatch.setattr(tf, "estimator", None, raising=False)
    monkeypatch.setattr(
        engine_module.importlib.util,
        "find_spec",
        lambda name: "found" if name == "tensorflow_gan" else find_spec(name),
    )

    def with_gpus(count):
        gpus = [tf.config.PhysicalDevice(f"GPU:{index}", "GPU") for index in range(count)]
        monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: gpus)

    with_gpus(0)
    return with_gpus


@pytest.mark.parametrize("gpus", [0, 1])
def test_one_device(here, gpus):
    here(gpus)
    assert default_engine(smoke()) == ("estimator", "TF-GAN is installed")


def test_several_gpus(here):
    """The estimator would leave all but one idle."""
    here(4)
    assert default_engine(smoke()) == ("distribute", "training on all 4 GPUs needs it")
    assert default_engine(smoke().replace({"tpu": "local"}))[0] == "estimator"


def test_several_workers(monkeypatch):
    task = {"type": "worker", "index": 0}
    cluster = {"worker": ["a:1", "b:2"]}
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": cluster, "task": task}))
    name, reason = default_engine(smoke())
    assert (name, reason) == ("distribute", "a TF_CONFIG of several workers needs it")


@pytest.mark.parametrize(
    "flag", [{"strategy": "mirrored"}, {"precision": "mixed_bfloat16"}, {"deterministic": True}]
)
def test_flags_of_the_distribute_engine(flag):
    assert default_engine(smoke().replace(flag)) == ("distribute", f"--{next(iter(flag))} needs it")


def test_without_tf_gan(monkeypatch):
    monkeypatch.delattr(tf, "estimator")
    assert default_engine(smoke())[0] == "distribute"
