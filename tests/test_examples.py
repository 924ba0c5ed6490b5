"""The examples do what they say."""

import importlib.util
import pathlib
import runpy
import sys

import pytest

EXAMPLES = pathlib.Path(__file__).parent.parent / "examples"


def test_digit_classifier():
    path = EXAMPLES / "digit_classifier.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    accuracy, same = example.main(epochs=3)
    assert accuracy > 0.7
    assert same


@pytest.mark.parametrize(
    "module", ["examples.digit_classifier", "examples.two_workers", "benchmarks.propositions"]
)
def test_help_does_nothing_but_help(monkeypatch, capsys, module):
    monkeypatch.setattr(sys, "argv", [module, "--help"])
    monkeypatch.delitem(sys.modules, module, raising=False)  # as another test imported it
    with pytest.raises(SystemExit) as end:
        runpy.run_module(module, run_name="__main__")
    assert end.value.code == 0
    out = capsys.readouterr().out
    assert out.startswith(f"usage: python -m {module} ")
    assert "epoch " not in out.lower()
