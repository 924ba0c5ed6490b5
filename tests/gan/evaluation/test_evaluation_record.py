"""Names, means and spreads of an evaluation's figures, and how they are shown."""

import types

import pytest

from gan.evaluation.record import (
    describe,
    figure_names,
    find_record,
    pipeline_warning,
    plain_figures,
    summarize,
    table,
)
from gan.metrics.inception import Inception
from gan.metrics.judge import Judge

JUDGE = types.SimpleNamespace(
    **{
        name: getattr(Judge, name)
        for name in ("name", "conditions", "knows_labels", "distance", "score", "kernel")
    }
)
NAMES = figure_names(JUDGE, "test", 1000)
CONDITIONS = {"dataset": "digits", "resampling": "bilinear", "sha256": "a"}


def test_names_carry_their_conditions():
    assert figure_names(Inception, "validation", 50176) == {
        "frechet_distance": "fid_tfgan_bilinear299_validation_50176",
        "kernel_distance": "kid_tfgan_bilinear299_validation_50176",
        "classifier_score": "is_tfgan_bilinear299_50176",
    }
    assert NAMES == {
        "frechet_distance": "frechet_distance_judge_test_1000",
        "kernel_distance": "kernel_distance_judge_test_1000",
        "classifier_score": "classifier_score_judge_1000",
        "class_accuracy": "class_accuracy_judge_1000",
    }


def figures(value):
    return {name: value + index for index, name in enumerate(NAMES)}


def record(*values, **changes):
    return {
        "step": 20,
        **CONDITIONS,
        "repetitions": len(values),
        "evaluated_images": 1000,
        **summarize(NAMES, [figures(value) for value in values]),
        **changes,
    }


def test_mean_and_sample_standard_deviation():
    summary = summarize(NAMES, [figures(value) for value in (1.0, 2.0, 6.0)])
    assert summary["frechet_distance_judge_test_1000"] == 3
    assert summary["classifier_score_judge_1000"] == 5
    # (4 + 1 + 9) / (3 - 1) = 7
    assert summary["frechet_distance_judge_test_1000_spread"] == pytest.approx(7**0.5)
    once = summarize(NAMES, [figures(1.0)])
    assert set(once) == set(NAMES.values())  # One has no spread.
    plain = plain_figures(record(1.0, 2.0, 6.0), NAMES)
    assert plain["kernel_distance"] == 4
    assert plain["kernel_distance_spread"] == pytest.approx(7**0.5)


def test_find_record():
    old = {"step": 20, "frechet_distance": 3.0, "evaluated_images": 1000}  # of an earlier version
    once, thrice = record(1.0), record(1.0, 2.0, 6.0)
    of_another = {"model": "digits", **record(1.0, 2.0, 6.0, 7.0)}
    records = [old, thrice, once, record(1.0, step=30), of_another, {}]
    assert find_record(records, NAMES, CONDITIONS, 20) is once
    assert find_record(records, NAMES, CONDITIONS, 20, repetitions=3) is thrice
    assert find_record(records, NAMES, CONDITIONS, 20, repetitions=4) is None
    assert find_record(records, NAMES, CONDITIONS, 10) is None
    for name in CONDITIONS:
        assert find_record(records, NAMES, {**CONDITIONS, name: "other"}, 20) is None
    assert find_record([old], NAMES, CONDITIONS, 20) is None
    assert find_record(records, figure_names(JUDGE, "test", 999), CONDITIONS, 20) is None


def test_a_record_from_before_the_resampling_was_recorded():
    earlier = record(1.0)
    del earlier["resampling"]
    assert find_record([earlier], NAMES, CONDITIONS, 20) is earlier


def test_descriptions():
    one = record(0.25, frechet_distance_of_real_images=0.125, judge_accuracy=0.99)
    assert describe(one, NAMES) == (
        "step 20: class accuracy 325 % (real: 99.0 %), Fréchet distance 0.250 (real: 0.125), "
        "kernel distance 1.25, classifier score 2.25, by 1000 images"
    )
    lines = table(record(1.0, 2.0, 6.0), NAMES).splitlines()
    assert lines[0] == (
        "step 20: 1000 generated images, mean ± sample standard deviation of 3 repetitions"
    )
    assert "  frechet_distance_judge_test_1000  3 ± 3" in lines
    assert "  classifier_score_judge_1000       5 ± 3" in lines
    warned = record(1.0, warning="WRONG")
    assert describe(warned, NAMES).endswith("\nWRONG")
    assert table(warned, NAMES).endswith("\nWRONG")


@pytest.mark.parametrize(
    ("score", "changes", "wrong"),
    [
        (159.2, {}, False),
        (157.3, {}, False),
        (161.1, {}, False),
        (161.3, {}, True),
        (2.5, {}, True),  # what images that were not resized give
        (2.5, {"dataset": "imagenet2012:5.1.0"}, True),
        (2.5, {"dataset": "digits"}, False),
        (2.5, {"split": "train"}, False),
        (2.5, {"image_size": 64}, False),
        (2.5, {"images": 1000}, False),
        (2.5, {"network": Judge}, False),
    ],
)
def test_pipeline_is_checked_by_the_real_images(score, changes, wrong):
    conditions = {
        "network": Inception,
        "dataset": "imagenet2012",
        "split": "validation",
        "image_size": 128,
        "images": 50176,
        **changes,
    }
    warning = pipeline_warning(score=score, **conditions)
    assert (warning is not None) == wrong
    if wrong:
        assert "EVALUATION PIPELINE IS WRONG, do not trust its figures" in warning
        assert f"score of {score}" in warning
        assert "159.2 ± 2" in warning
