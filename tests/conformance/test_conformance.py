"""Every layer in every environment; on both stacks, since all tests run on both."""

import pathlib

import pytest
from registry import ENVIRONMENTS, LAYERS, conformance_table

README = pathlib.Path(__file__).parents[2] / "README.md"


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("layer", LAYERS)
def test_conformance(layer, environment, tmp_path):
    check, without, reason = ENVIRONMENTS[environment]
    if layer in without:
        pytest.skip(reason)
    check(LAYERS[layer], tmp_path)


def test_readme_shows_this_table():
    assert conformance_table() in README.read_text(encoding="utf-8")
