"""Two workers, and two devices, train as one device does."""

import json
import pathlib
import re
import shutil
import socket
import subprocess
import sys

import numpy as np
import pytest
from conftest import two_devices

from checkpoints.loading import load
from examples.two_workers import free_ports, start_worker
from gan import train
from gan.networks import weights_by_path
from gan.training import distribute_engine

ROOT = pathlib.Path(__file__).parents[3]
STEPS = 10
# Every replica draws bases of its own, so that two of them cannot equal one: no ham.
FLAGS = [
    "--preset=smoke",
    "--mode=train",
    "--ham=none",
    f"--steps={STEPS}",
    f"--checkpoint_every={STEPS}",
    f"--eval_every={STEPS}",
]


# Batch norm subtracts these biases again: their gradients are rounding alone, of which
# Adam makes whole steps. The moving means hold them.
ARBITRARY = re.compile(r"generator/(block\d/(conv\d|shortcut)/bias|.*/moving_mean)")


def result(run):
    """What a run's last checkpoint holds: all weights, those of no gradient included.

    Beside them the images that it generates by the moments of their batch.
    """
    models = load(str(run))
    assert models.step == STEPS
    arrays = {
        f"{network}/{path}": np.array(weight.numpy())
        for network in ("generator", "discriminator")
        for path, weight in weights_by_path(getattr(models, network)).items()
    }
    latents = np.random.RandomState(0).randn(10, models.config.model.z_dim).astype(np.float32)
    arrays["images"] = np.asarray(models.generator([latents, np.arange(10)], training=True))
    return arrays


def assert_equal(actual, expected):
    assert actual.keys() == expected.keys()
    for name, value in expected.items():
        if not ARBITRARY.match(name):
            np.testing.assert_allclose(actual[name], value, atol=1e-4, rtol=0, err_msg=name)


@pytest.fixture(scope="module")
def run_of_one_device(tmp_path_factory):
    """The run folder of what one device trains."""
    run = tmp_path_factory.mktemp("one") / "run"
    flags = ["--engine=distribute", "--strategy=one_device", f"--run={run}"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["gan.train", *FLAGS, *flags])
        train.main()
    return run


@pytest.fixture(scope="module")
def one_device(run_of_one_device):
    """What one device trains."""
    return result(run_of_one_device)


def start_two_workers(*flags):
    return subprocess.run(
        [sys.executable, "-m", "examples.two_workers", *flags],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_two_devices(one_device, tmp_path, run_main, monkeypatch):
    # TensorFlow has one such strategy per process: that of the tests.
    monkeypatch.setattr(distribute_engine, "make_strategy", lambda execution: two_devices())
    flags = ["--engine=distribute", "--strategy=mirrored", f"--run={tmp_path / 'run'}"]
    status, output, errors = run_main(train.main, *FLAGS, *flags)
    assert status == 0, errors
    assert "2 CPUs mirrored" in output + errors
    assert_equal(result(tmp_path / "run"), one_device)


def test_two_workers(one_device, tmp_path):
    # Deterministic: each takes its part of the very batch that one device gets.
    flags = ["--deterministic=true", f"--run={tmp_path / 'run'}"]
    done = start_two_workers(*FLAGS, *flags)
    assert done.returncode == 0, done.stderr
    assert "worker 0 of 2" in done.stdout + done.stderr
    assert_equal(result(tmp_path / "run"), one_device)


def test_one_that_fails_ends_both(tmp_path):
    done = start_two_workers(f"--run={tmp_path / 'run'}", "--batch_size=7")
    assert done.returncode == 1
    assert "error: --batch_size=7: must be a multiple of the 2 replicas" in done.stderr
    assert "worker 1 said:" in done.stderr
    assert "error: a worker ended with status 1; both have stopped." in done.stderr


def test_folders_that_differ(run_of_one_device, tmp_path):
    """The first worker would go on, the second begin: gradients of different weights."""
    shutil.copytree(run_of_one_device, tmp_path / "first")
    addresses = [f"localhost:{port}" for port in free_ports(2)]
    workers = []
    for index, name in enumerate(("first", "second")):
        flags = [*FLAGS, f"--steps={STEPS + 1}", f"--run={tmp_path / name}"]
        with open(tmp_path / f"{name}.log", "w") as log:
            workers.append(start_worker(addresses, index, flags, log))
    try:
        assert [worker.wait(120) for worker in workers] == [1, 1]
    finally:
        for worker in workers:
            worker.kill()
    for name, own, other in (
        ("first", f"worker 0 would go on from step {STEPS}", "worker 1 from step 0"),
        ("second", "worker 1 would go on from step 0", f"worker 0 from step {STEPS}"),
    ):
        said = (tmp_path / f"{name}.log").read_text()
        assert f"error: --run={tmp_path / name}: {own} of this folder, {other}." in said
        assert "copy worker 0's to all others" in said


def test_missing_worker(tmp_path, run_main, monkeypatch):
    sockets = [socket.create_server(("", 0)) for _ in range(2)]
    addresses = [f"localhost:{opened.getsockname()[1]}" for opened in sockets]
    for opened in sockets:
        opened.close()
    task = {"type": "worker", "index": 0}
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": {"worker": addresses}, "task": task}))
    flags = ["--engine=distribute", "--worker_timeout=0.5", f"--run={tmp_path / 'run'}"]
    status, _, errors = run_main(train.main, *FLAGS, *flags)
    assert status == 1
    assert f"error: TF_CONFIG: no answer within 0.5 s from {addresses[1]}." in errors
