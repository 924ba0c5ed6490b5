"""TF_CONFIG as people write it, and workers that wait for each other."""

import json
import random
import socket
import threading
import time

import pytest

from gan.training.cluster import (
    Cluster,
    ClusterError,
    cluster_hidden,
    is_chief,
    num_workers,
    read_cluster,
    wait_for_workers,
    worker_index,
)


@pytest.fixture
def set_config(monkeypatch):
    def set_config(cluster=None, task=None, text=None):
        monkeypatch.setenv("TF_CONFIG", text or json.dumps({"cluster": cluster, "task": task}))

    return set_config


def free_addresses(count):
    sockets = [socket.create_server(("", 0)) for _ in range(count)]
    addresses = tuple(f"localhost:{opened.getsockname()[1]}" for opened in sockets)
    for opened in sockets:
        opened.close()
    return addresses


def test_without_one(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert (num_workers(), worker_index(), is_chief()) == (1, 0, True)
    monkeypatch.setenv("TF_CONFIG", "{}")
    assert (num_workers(), worker_index(), is_chief()) == (1, 0, True)


@pytest.mark.parametrize(("index", "chief"), [(0, True), (1, False), ("1", False)])
def test_workers(set_config, index, chief):
    set_config({"worker": ["a:1", "b:2"]}, {"type": "worker", "index": index})
    assert (num_workers(), worker_index(), is_chief()) == (2, int(index), chief)


def test_hidden(set_config):
    with cluster_hidden():
        assert num_workers() == 1
    set_config({"worker": ["a:1", "b:2"]}, {"type": "worker", "index": 1})
    with cluster_hidden():
        assert num_workers() == 1
    assert num_workers() == 2


@pytest.mark.parametrize(("kind", "index"), [("chief", 0), ("worker", 1)])
def test_a_chief_is_the_first_worker(set_config, kind, index):
    set_config({"worker": ["b:2"], "chief": ["a:1"]}, {"type": kind, "index": 0})
    assert read_cluster() == Cluster(("a:1", "b:2"), index)
    assert is_chief() == (kind == "chief")


WORKERS = {"worker": ["a:1", "b:2"]}
FIRST = {"type": "worker", "index": 0}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"text": "{worker: 0}"}, "TF_CONFIG is no JSON"),
        ({"text": "[1]"}, r"it is \[1\]; expected an object"),
        ({"cluster": ["a:1"]}, "cluster is .*; expected an object"),
        ({"cluster": WORKERS}, "task is null; expected type and index"),
        ({"cluster": WORKERS, "task": {"type": "worker"}}, "task is .*; expected type and index"),
        ({"cluster": {**WORKERS, "ps": ["c:3"]}, "task": FIRST}, 'cluster is "ps"; expected'),
        (
            {"cluster": {**WORKERS, "chief": "c:3"}, "task": FIRST},
            '"c:3"; expected a list',
        ),
        ({"cluster": {**WORKERS, "chief": ["c:3", "d:4"]}, "task": FIRST}, "expected one address"),
        ({"cluster": {"worker": ["a:1", "b"]}, "task": FIRST}, 'worker is "b"; expected .*port'),
        ({"cluster": {"worker": ["a:1", "a:1"]}, "task": FIRST}, "expected different addresses"),
        ({"cluster": WORKERS, "task": {"type": "evaluator", "index": 0}}, '"evaluator"; expected'),
        (
            {"cluster": WORKERS, "task": {"type": "worker", "index": 2}},
            "is 2; expected one of 2",
        ),
        (
            {"cluster": WORKERS, "task": {"type": "worker", "index": "x"}},
            '"x"; expected an int',
        ),
        ({"cluster": WORKERS, "task": {"type": "chief", "index": 0}}, "one of 0 of type chief"),
    ],
)
def test_one_line_says_what_is_wrong(set_config, arguments, message):
    set_config(**arguments)
    with pytest.raises(ClusterError, match=message) as raised:
        read_cluster()
    assert "\n" not in str(raised.value)


def test_missing_workers_are_named(capsys):
    addresses = free_addresses(4)
    answering = socket.create_server(("", int(addresses[1].split(":")[1])))
    with answering, pytest.raises(ClusterError) as raised:
        wait_for_workers(Cluster(addresses, 0), 0.5)
    assert f"no answer within 0.5 s from {addresses[2]}, {addresses[3]}." in str(raised.value)
    assert "\n" not in str(raised.value)
    waiting = capsys.readouterr().err.splitlines()
    assert waiting == [f"Waiting up to 0.5 s for {addresses[2]}, {addresses[3]}."]


def test_a_port_in_use():
    addresses = free_addresses(2)
    other_job = socket.create_server(("", int(addresses[1].split(":")[1])))
    with other_job, pytest.raises(ClusterError, match=f"own {addresses[1]} cannot be opened"):
        wait_for_workers(Cluster(addresses, 1), 5)


@pytest.mark.parametrize("seed", range(5))
def test_workers_that_come_and_close_in_any_order(seed):
    """Each goes on when it has met the others, and is deaf until its server has started."""
    draw = random.Random(seed)
    addresses = free_addresses(4)
    delays = [(draw.uniform(0, 0.5), draw.uniform(0, 0.5)) for _ in addresses]
    met, all_met = [], threading.Event()

    def work(index):
        late, deaf = delays[index]
        time.sleep(late)
        wait_for_workers(Cluster(addresses, index), 60)
        time.sleep(deaf)
        with socket.create_server(("", int(addresses[index].split(":")[1]))):
            met.append(index)
            if len(met) == len(addresses):
                all_met.set()
            all_met.wait(60)

    threads = [threading.Thread(target=work, args=[index]) for index in range(len(addresses))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(met) == [0, 1, 2, 3]
