"""Seeds and classes as they are written on a command line."""

import pytest

from gan.sampling.selection import SelectionError, read_classes, read_seeds
from preprocessing.class_names import class_names

IMAGENET, DIGITS = class_names("imagenet2012", 1000), class_names("digits", 10)


@pytest.mark.parametrize(
    ("text", "seeds"),
    [
        ("5", [5]),
        ("0-3", [0, 1, 2, 3]),
        ("3, 7,10 - 12", [3, 7, 10, 11, 12]),
        ("4-4", [4]),
        ("2,1,2", [2, 1, 2]),
        ("4294967295", [2**32 - 1]),
    ],
)
def test_seeds(text, seeds):
    assert read_seeds(text) == seeds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a", "--seeds=a: 'a' is no seed. Expected numbers and ranges, as 0-63"),
        ("", "--seeds=: '' is no seed."),
        ("1,,2", "'' is no seed."),
        ("-3", "'-3' is no seed."),
        ("1.5", "'1.5' is no seed."),
        ("0-1-2", "'0-1-2' is no seed."),
        ("5-3", "--seeds=5-3: 5-3 goes backwards. Give 3-5."),
        ("4294967296", "4294967296 is too large. Seeds go to 4294967295."),
        ("0-4294967295", "more than 1000000 seeds. Give --num and --seed instead."),
    ],
)
def test_no_seeds(text, message):
    with pytest.raises(SelectionError) as error:
        read_seeds(text)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("texts", "classes"),
    [
        (["7"], [7]),
        (["goldfish"], [1]),
        (["goldfish, Carassius auratus"], [1]),
        (["goldfish,tench"], [1, 0]),
        (["hog, pig, n02395406"], [341]),  # three names of one class
        (["0-3,goldfish, 998-999"], [0, 1, 2, 3, 998, 999]),
        (["goldfish", "tench", "goldfish"], [1, 0, 1]),
    ],
)
def test_classes(texts, classes):
    assert read_classes(texts, IMAGENET) == classes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("crane", "--class=crane: names 2 classes: 134 n02012849 crane; 517 n03126707 crane."),
        ("tench,crane", "--class=crane: names 2 classes"),
        ("tench,goldfsh", "--class=goldfsh: no such class. Did you mean goldfish (1)"),
        ("5-1", "--class=5-1: goes backwards. Give 1-5."),
        ("990-1000", "--class=990-1000: the model has 1000 classes, 0 to 999."),
        ("1,", "--class=: no such class."),
    ],
)
def test_no_classes(text, message):
    with pytest.raises(SelectionError) as error:
        read_classes([text], IMAGENET)
    assert message in str(error.value)


def test_digits_by_word():
    assert read_classes(["three,8"], DIGITS) == [3, 8]


@pytest.mark.parametrize(
    ("names", "text", "classes"),
    [
        (("0-2", "4-6", "8-13"), "4-6", [1]),  # ages: a name, not a range
        (("0-2", "4-6", "8-13"), "4-6,0-2", [1, 0]),
        (("0-2", "4-6", "8-13"), "0-1", [0, 1]),
        (("a", "a,b", "b"), "a,b", [1]),
        (("a", "a,b", "b"), "b,a", [2, 0]),
        (("1", "2", "5", "10"), "2-10", [1, 2, 3]),
        (("1", "10", "2", "5"), "2-10,1", [2, 3, 1, 0]),  # in an earlier version's order
        (("1", "2", "5", "10"), "10", [3]),
    ],
)
def test_folders(names, text, classes):
    assert read_classes([text], class_names("/data", len(names), names)) == classes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0", "--class=0: no such class. Expected a name of 0=1, 1=2, 2=5; numbers are names here"),
        ("2-4", "--class=2-4: no such class."),
        ("5-1", "--class=5-1: goes backwards. Give 1-5."),
    ],
)
def test_no_folders(text, message):
    with pytest.raises(SelectionError) as error:
        read_classes([text], class_names("/data", 3, ("1", "2", "5")))
    assert message in str(error.value)
