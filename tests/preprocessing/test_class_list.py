"""Lists of classes: their order, how they are shown, and what has changed in them."""

import json
import os

import pytest

from preprocessing.class_list import (
    ClassesChangedError,
    check_same_classes,
    describe,
    in_order,
    number_of,
    printable,
)

NOT_UTF8 = os.fsdecode(b"caf\xe9")
WORDNET = [f"n{1440764 + 7 * label:08}" for label in range(1000)]


@pytest.mark.parametrize(
    "names",
    [
        [str(label) for label in range(12)],
        [str(label) for label in range(1, 101)],
        [f"{label:03}" for label in range(1000)],
        ["8", "09", "10", "011"],
        ["1", "01", "2"][:1] + ["2"],
        ["-10", "-2", "0", "5", "+6"],
        ["0.5", "1.0", "1.5", "10.0"],
        ["9" * 30, "1" + 30 * "0"],
    ],
)
def test_numbers_are_in_the_order_of_numbers(names):
    assert in_order(reversed(names)) == tuple(names)


def test_equal_numbers_are_in_the_order_of_text():
    assert in_order(["2", "1", "001", "01"]) == ("001", "01", "1", "2")


@pytest.mark.parametrize(
    "names",
    [
        ["class_10", "class_2"],
        ["10", "2", "cat"],  # not all numbers
        ["1.2.10", "1.2.9"],
        ["1_000", "9"],  # Python would read it as a number.
        ["3", "١"],  # so, too
        ["B", "a", "b", "ä"],
        ["dog", "dog food", "dog-2", "dogs"],
        WORDNET,
        [f"{number:02}" for number in range(20)],
    ],
)
def test_other_names_are_in_the_order_of_text(names):
    assert in_order(reversed(names)) == tuple(sorted(names)) == tuple(names)


def test_the_order_of_a_run_that_goes_on_stays():
    text = ("0", "1", "10", "2")
    assert in_order(["10", "2", "0", "1"]) == ("0", "1", "2", "10")
    assert in_order(["10", "2", "0", "1"], text) == text
    assert in_order(["10", "2", "0", "1"], ()) == text  # of an earlier version
    assert in_order(["10", "2", "0", "3"], text) == ("0", "2", "3", "10")


def test_macos_may_write_the_same_name_otherwise():
    composed, apart = "caf\u00e9", "cafe\u0301"
    assert in_order([apart, "bar", "10"], [composed, "10", "bar"]) == (apart, "10", "bar")
    check_same_classes("drinks", [composed, "bar"], [apart, "bar"])
    both = sorted([apart, composed])
    assert in_order(both, both[::-1]) == tuple(both[::-1])


def test_what_is_a_number():
    assert (number_of("007"), number_of("-1.50"), number_of("+2")) == (7, -1.5, 2)
    for text in ("", "1e3", "1.", ".5", "0x1", "1 ", "nan", "²", "١", "1_0", "1\n"):
        assert number_of(text) is None


def test_descriptions():
    assert describe(["cat", "dog"]) == "classes cat to dog (0=cat, 1=dog)"
    assert describe([str(label) for label in range(12)]) == "classes 0 to 11"
    assert describe(["1", "2"]) == "classes 1 to 2 (0=1, 1=2)"
    assert describe(["cats, small", "dogs"]).endswith("(0=cats, small, 1=dogs)")
    assert describe(WORDNET) == (
        f"classes {WORDNET[0]} to {WORDNET[-1]} "
        f"(0={WORDNET[0]}, 1={WORDNET[1]}, 2={WORDNET[2]} ... 999={WORDNET[-1]})"
    )
    assert describe([f"{label:03}" for label in range(1000)]).endswith(
        "(0=000, 1=001, 2=002 ... 999=999)"
    )


def test_any_name_can_be_printed():
    assert printable("café 猫") == "café 猫"
    assert printable(NOT_UTF8) == "caf\\udce9"
    assert printable("a\nb\x1b") == "a\\nb\\x1b"
    assert len(printable(255 * "a")) == 40
    describe([NOT_UTF8, "b\n"]).encode()


STORED = ("cats", "dogs")


@pytest.mark.parametrize(
    ("there", "difference"),
    [
        (("dogs", "zcats"), "there is no class 'cats' any more and 'zcats' is new"),
        (("cats",), "there is no class 'dogs' any more"),
        (("birds", "cats", "dogs"), "'birds' is new"),
        (("dogs", "cats"), "class 0 was 'cats' and is 'dogs' now"),
        (("Cats", "dogs"), "there is no class 'cats' any more and 'Cats' is new"),
        (("cats", "dogs\n"), "there is no class 'dogs' any more and 'dogs\\n' is new"),
        (("cats", NOT_UTF8), "there is no class 'dogs' any more and 'caf\\udce9' is new"),
    ],
)
def test_changed_classes(there, difference):
    with pytest.raises(ClassesChangedError) as caught:
        check_same_classes("pets", STORED, there)
    message = str(caught.value)
    assert "Data set 'pets': its classes are not those that the model was trained with: " in message
    assert f": {difference}. Trained with classes cats to dogs (0=cats, 1=dogs); now " in message
    assert message.endswith("or start another run with what is there now.")
    assert "\n" not in message
    message.encode()


@pytest.mark.parametrize("stored", [STORED, list(STORED), None, ()])
@pytest.mark.parametrize("there", [STORED, None])
def test_same_or_unknown_classes(stored, there):
    check_same_classes("pets", stored, there)


def test_names_survive_json():
    names = [NOT_UTF8, "猫", "a,b", " ", "😀" + NOT_UTF8]
    text = json.dumps(names)
    assert json.loads(text.encode("utf-8").decode("utf-8")) == names
