"""The examples do what they say."""

import importlib.util
import pathlib

EXAMPLES = pathlib.Path(__file__).parent.parent / "examples"


def test_digit_classifier():
    path = EXAMPLES / "digit_classifier.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    accuracy, same = example.main(epochs=3)
    assert accuracy > 0.7
    assert same
