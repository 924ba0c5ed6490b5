"""What is drawn for what is asked for: classes, seeds, places in the picture, names."""

import math

import pytest

from gan.sampling.image_plan import Sample
from gan.sampling.image_request import ImageRequest, PlanError, plan_images
from preprocessing.class_names import class_names

DIGITS, IMAGENET = class_names("digits", 10), class_names("imagenet2012", 1000)


def request(names=DIGITS, classes=(), **values):
    plan, name, title, note = plan_images(ImageRequest(list(classes), **values), names)
    samples = list(plan.samples)
    assert len(samples) == plan.count
    # Each image has a cell of its own, within the picture.
    cells = [plan.layout.place(index) for index in range(plan.count)]
    assert len(set(cells)) == plan.count
    assert all(row < plan.layout.rows and column < plan.layout.columns for row, column in cells)
    return samples, plan.layout, name, title, note


def pairs(samples):
    return [(sample.label, sample.seed) for sample in samples]


def test_one_class():
    samples, layout, name, title, _ = request(classes=["7"], seed=3, truncation=0.5)
    assert pairs(samples) == [(7, seed) for seed in range(3, 19)]
    assert {sample.truncation for sample in samples} == {0.5}
    assert (layout.rows, layout.columns, layout.row_labels) == (4, 4, {})
    assert name == "class_7_num_16_seed_3_truncation_0.5"
    assert title == "class 7, seeds 3-18, truncation 0.5"


def test_all_of_ten_classes():
    samples, layout, name, _, note = request()
    assert pairs(samples) == [(label, seed) for label in range(10) for seed in range(10)]
    assert layout.row_labels == {row: str(row) for row in range(10)}
    assert layout.column_labels == [str(seed) for seed in range(10)]
    assert [layout.place(index) for index in (0, 9, 10, 99)] == [(0, 0), (0, 9), (1, 0), (9, 9)]
    assert name == "class_all_seeds_0-9"
    assert note == ""


def test_ten_of_many_classes_and_it_says_so():
    samples, layout, _, _, note = request(IMAGENET)
    assert sorted({sample.label for sample in samples}) == list(range(0, 1000, 100))
    assert layout.row_labels[0] == "tench"
    assert note.startswith("The model has 1000 classes: 10 of them are drawn.")


def test_a_number_is_dealt_over_the_classes_in_equal_blocks():
    samples, layout, _, _, _ = request(classes=["2,5,7"], num=40, seed=1)
    assert [seed for _, seed in pairs(samples)] == list(range(1, 41))
    counts = [sum(label == wanted for label, _ in pairs(samples)) for wanted in (2, 5, 7)]
    assert counts == [14, 13, 13]
    assert (layout.rows, layout.columns) == (6, 10)  # every class begins a row
    assert layout.row_labels == {0: "2", 2: "5", 4: "7"}
    assert [layout.place(index) for index in (9, 10, 13, 14)] == [(0, 9), (1, 0), (1, 3), (2, 0)]


def test_a_number_takes_all_classes_of_many():
    samples, layout, _, _, note = request(IMAGENET, num=2000)
    assert [label for label, _ in pairs(samples)] == [i // 2 for i in range(2000)]
    assert (layout.rows, layout.columns, note) == (1000, 2, "")
    samples, layout, _, _, _ = request(IMAGENET, num=10)
    assert [label for label, _ in pairs(samples)] == list(range(0, 1000, 100))
    assert (layout.rows, layout.columns, layout.row_labels) == (3, 4, {})


def test_seeds_for_each_class():
    samples, layout, name, _, _ = request(classes=["3", "three,1"], seeds=[5, 9, 5])
    assert pairs(samples) == [(3, 5), (3, 9), (1, 5), (1, 9)]
    assert (layout.row_labels, layout.column_labels) == ({0: "3", 1: "1"}, ["5", "9"])
    assert name == "class_3,1_seeds_5,9"


def test_many_images_are_planned_as_they_are_asked_for():
    plan, name, _, _ = plan_images(ImageRequest([], num=10**9), IMAGENET)
    assert next(plan.samples) == Sample(0, 0)
    assert name == "class_all_num_1000000000_seed_0"


def test_from_seed_to_seed():
    samples, layout, name, title, _ = request(
        classes=["0", "1"], interpolate="latents", seeds=[4, 6, 4], frames=3
    )
    path = [(4, 6, 0.0), (4, 6, 0.5), (6, 4, 0.0), (6, 4, 0.5), (6, 4, 1.0)]
    assert [(s.label, s.seed, s.to_seed, s.position) for s in samples] == [
        (label, *step) for label in (0, 1) for step in path
    ]
    assert (layout.rows, layout.columns) == (2, 5)
    assert name == "latents_class_0-1_seeds_4,6,4_frames_3"
    assert title == "from seed 4 to 6 to 4"


def test_from_class_to_class():
    samples, layout, _, title, _ = request(
        IMAGENET, ["goldfish", "tench"], interpolate="classes", seeds=[8, 9], frames=2
    )
    assert [(s.label, s.to_label, s.seed, s.position) for s in samples] == [
        (1, 0, 8, 0.0),
        (1, 0, 8, 1.0),
        (1, 0, 9, 0.0),
        (1, 0, 9, 1.0),
    ]
    assert layout.row_labels == {0: "seed 8", 1: "seed 9"}
    assert title == "from goldfish to tench"


def test_thresholds_are_rows():
    samples, layout, name, title, _ = request(
        classes=["5"], truncation_sweep=[0.2, math.inf], seeds=[1, 2]
    )
    assert [(s.truncation, s.seed) for s in samples] == [
        (0.2, 1),
        (0.2, 2),
        (math.inf, 1),
        (math.inf, 2),
    ]
    assert (layout.row_labels, layout.column_labels) == ({0: "0.2", 1: "inf"}, ["1", "2"])
    assert name == "truncations_class_5_seeds_1-2_0.2,inf"
    assert title == "class 5, one row per truncation, one column per seed"
    samples, layout, _, title, _ = request(truncation_sweep=[1.0], seed=3)
    assert title == "one row per truncation, one column per class"
    assert pairs(samples) == [(label, 3) for label in range(10)]
    assert layout.column_labels == list("0123456789")
    _, layout, _, title, _ = request(classes=["1,2"], truncation_sweep=[1.0], seeds=[3, 4])
    assert title == "one row per truncation, one column per class and seed"
    assert layout.column_labels == ["1", "", "2", ""]


def test_many_thresholds_make_no_longer_name():
    """A file's name has 255 bytes at most."""
    thresholds = [0.01 * step + 0.0001 for step in range(1, 60)]
    _, layout, name, _, _ = request(classes=["5"], truncation_sweep=thresholds)
    assert layout.rows == 59
    assert name == "truncations_class_5_seeds_0-9_0.0101,0.0201...0.5901"


def test_names_of_long_lists_stay_short():
    seeds = list(range(0, 300, 3))
    assert request(classes=["1"], seeds=seeds)[2] == "class_1_seeds_0,3...297"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (dict(classes=["3"], interpolate="classes"), "--class=3: .* needs at least two classes."),
        (dict(num=2, seed=2**32 - 1), "2 images from seed 4294967295 on go past the last seed"),
    ],
)
def test_impossible_plans(values, message):
    with pytest.raises(PlanError, match=message):
        request(**values)
