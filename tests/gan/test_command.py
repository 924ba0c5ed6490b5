"""How flags are read, whatever the command."""

import json

import pytest

import gan.train
from gan.command import Parser, integer


@pytest.fixture(autouse=True)
def home(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ada")


def test_a_path_may_begin_at_home():
    """A shell leaves `~` behind an equals sign as it is."""
    parser = Parser()
    parser.add_argument("run")
    parser.add_argument("--steps", type=integer)
    parser.add_argument_group("output").add_argument("--out", action="append")
    flags = parser.parse_args(["~/run", "--out=~/x.png", "--out", "a~/y.png", "--steps=3"])
    assert (flags.run, flags.out) == ("/home/ada/run", ["/home/ada/x.png", "a~/y.png"])
    assert flags.steps == 3


def test_settings_that_are_paths(run_main):
    flags = ["--preset=smoke", "--data_dir=~/data", "--warm_start=~/run", "--dry_run"]
    status, out, _ = run_main(gan.train.main, *flags)
    assert status == 0
    config = json.loads(out)
    assert config["data"]["data_dir"] == "/home/ada/data"
    assert config["training"]["warm_start"] == "/home/ada/run"
