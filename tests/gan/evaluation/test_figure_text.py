"""Figures as a person reads them: no more digits than the deviation gives."""

import math

import pytest

from gan.evaluation.figure_text import figure_lines, number, rate, read_name


@pytest.mark.parametrize(
    ("value", "deviation", "text"),
    [
        (12.64, 1.36, "12.6 ± 1.4"),
        (822.61, 0.82, "822.6 ± 0.8"),
        (17000.4, 2.78, "17000 ± 3"),
        (1483, 57, "1480 ± 60"),
        (123, 46, "120 ± 50"),
        (9.254, 0.104, "9.25 ± 0.10"),
        (9.96, 0.96, "10.0 ± 1.0"),  # a deviation that a digit more begins with once rounded
        (9.96, 1.96, "10 ± 2"),
        (-0.000123, 0.000031, "-0.00012 ± 0.00003"),
        (1.05, 0.0, "1.05 ± 0.00"),
        (1.0, 1e-17, "1.00000 ± 0.00000"),  # rounding of equal values
        (12.345, None, "12.3"),
        (0.75, None, "0.750"),
        (16743.2, None, "16700"),
        (0.0, None, "0.00"),
        (999.9, None, "1000"),
        (math.nan, 1.0, "nan ± 1.0"),
        (12.345, math.nan, "12.3 ± nan"),
        (math.inf, None, "inf"),
    ],
)
def test_numbers(value, deviation, text):
    assert number(value, deviation) == text


def test_parts_of_one():
    assert number(0.99618, 0.0021, percent=True) == "99.6 % ± 0.2 %"
    assert number(0.13, 0.0283, percent=True) == "13 % ± 3 %"
    assert number(1.0, 0.0, percent=True) == "100 % ± 0 %"
    assert number(0.994, percent=True) == "99.4 %"


def test_names():
    assert read_name("fid_tfgan_bilinear299_validation_50176") == (
        "frechet_distance",
        "tfgan bilinear299 validation 50176",
    )
    assert read_name("class_accuracy_judge_1000") == ("class_accuracy", "judge 1000")
    for name in ("fid_a_spread", "frechet_distance_of_real_images", "step", "seconds"):
        assert read_name(name) is None


def test_lines():
    figures = {"class_accuracy": 0.996, "class_accuracy_spread": 0.002, "judge_accuracy": 0.994}
    figures.update({"frechet_distance": 12.64, "frechet_distance_of_real_images": 0.876, "x": 1})
    assert figure_lines(figures) == {
        "class_accuracy": "99.6 % ± 0.2 % (real: 99.4 %)",
        "frechet_distance": "12.6 (real: 0.876)",
    }


def test_rate():
    assert rate(100, 8.0) == 12.5
    assert rate(0, 0.0) is None
