"""Which strategy a job gets, and what is refused."""

import json
import threading

import pytest
import tensorflow as tf
from conftest import two_devices

from gan.config import ExecutionConfig
from gan.training import strategy as strategy_module
from gan.training.strategy import (
    StrategyError,
    check_batch_size,
    describe_strategy,
    lost_workers_explained,
    make_strategy,
)

HAS_GPU = bool(tf.config.list_physical_devices("GPU"))


@pytest.fixture(autouse=True)
def no_config(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)


@pytest.mark.skipif(HAS_GPU, reason="what is made depends on the GPUs")
def test_without_gpus():
    for name in ("auto", "one_device"):
        strategy = make_strategy(ExecutionConfig(strategy=name))
        assert strategy.num_replicas_in_sync == 1
        assert describe_strategy(strategy) == "1 CPU"
    strategy = make_strategy(ExecutionConfig(strategy="mirrored"))
    assert strategy.num_replicas_in_sync == 2
    assert describe_strategy(strategy) == "2 CPUs mirrored"


def test_auto_takes_all_gpus(monkeypatch):
    gpus = [tf.config.LogicalDevice(f"/device:GPU:{index}", "GPU") for index in range(3)]
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: gpus)
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: gpus)
    monkeypatch.setattr(tf.distribute, "MirroredStrategy", lambda devices: devices)
    assert make_strategy(ExecutionConfig()) == [f"/device:GPU:{index}" for index in range(3)]


def test_auto_takes_the_workers_of_tf_config(monkeypatch):
    cluster = {"worker": ["a:1", "b:2"]}
    task = {"type": "worker", "index": 1}
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": cluster, "task": task}))
    waited = []
    monkeypatch.setattr(strategy_module, "wait_for_workers", lambda *args: waited.append(args))
    monkeypatch.setattr(tf.distribute, "MultiWorkerMirroredStrategy", lambda: "several")
    assert make_strategy(ExecutionConfig(worker_timeout=7.0)) == "several"
    ((met, timeout),) = waited
    assert (met.addresses, met.index, timeout) == (("a:1", "b:2"), 1, 7.0)
    with pytest.raises(StrategyError, match="--strategy=one_device: TF_CONFIG names 2 workers"):
        make_strategy(ExecutionConfig(strategy="one_device"))


def test_workers_without_tf_config():
    with pytest.raises(StrategyError, match="--strategy=multi_worker: needs .* TF_CONFIG"):
        make_strategy(ExecutionConfig(strategy="multi_worker"))


@pytest.mark.parametrize(("batch_size", "nearest"), [(7, "6 or 8"), (1, "2")])
def test_batch_that_cannot_be_shared_out(batch_size, nearest):
    message = rf"--batch_size={batch_size}: .* 2 replicas \(2 CPUs mirrored\)\. Use {nearest}\."
    with pytest.raises(StrategyError, match=message):
        check_batch_size(batch_size, two_devices())


def test_batch_that_can():
    check_batch_size(8, two_devices())
    check_batch_size(7, tf.distribute.OneDeviceStrategy("/CPU:0"))


@pytest.mark.parametrize(
    "error",
    [
        tf.errors.InternalError(None, None, "Collective ops is aborted by: Socket closed"),
        tf.errors.UnavailableError(None, None, "Connection reset by peer"),
    ],
)
def test_a_worker_that_dies(error):
    with (
        pytest.raises(StrategyError, match="Another worker .* has ended"),
        lost_workers_explained(),
    ):
        raise error


def test_other_errors_stay_as_they_are():
    error = tf.errors.ResourceExhaustedError(None, None, "out of memory")
    with pytest.raises(tf.errors.ResourceExhaustedError), lost_workers_explained():
        raise error


@pytest.mark.parametrize("tpu", ["nonsuch", "local", "grpc://localhost:9", "grpc://localhost"])
def test_a_tpu_that_is_not_there(tpu):
    with pytest.raises(StrategyError, match=f"--tpu={tpu}: no such TPU .*Give the name") as raised:
        make_strategy(ExecutionConfig(tpu=tpu))
    assert "\n" not in str(raised.value)


def test_a_tpu_that_never_resolves(monkeypatch):
    end = threading.Event()
    monkeypatch.setattr(strategy_module, "_RESOLVE_SECONDS", 0.1)
    monkeypatch.setattr(strategy_module, "_resolve", lambda execution: end.wait())
    with pytest.raises(StrategyError, match=r"--tpu=slow: .*\(no answer within 0.1 s\)"):
        make_strategy(ExecutionConfig(tpu="slow"))
    end.set()
