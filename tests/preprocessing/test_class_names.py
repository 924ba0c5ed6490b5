"""Names of classes: the table of ImageNet, and what a person may write."""

import os
import pathlib
import re

import pytest

from preprocessing.class_names import ClassNameError, class_names

IMAGENET = class_names("imagenet2012", 1000)


def test_imagenet_is_in_the_order_of_tfds():
    """The ids are in ascending order, and known classes have their known places."""
    names = [IMAGENET.name(index) for index in range(1000)]
    assert (names[0], names[1], names[134], names[517]) == ("tench", "goldfish", "crane", "crane")
    assert (names[207], names[638], names[639]) == ("golden retriever", "maillot", "maillot")
    assert names[999] == "toilet tissue"
    ids = [IMAGENET.wordnet_id(index) for index in range(1000)]
    assert ids == sorted(set(ids))
    assert all(re.fullmatch("n[0-9]{8}", wordnet_id) for wordnet_id in ids)
    assert (ids[0], ids[1], ids[999]) == ("n01440764", "n01443537", "n15075141")


def test_imagenet_has_the_labels_of_tfds():
    tfds = pytest.importorskip("tensorflow_datasets")
    path = pathlib.Path(tfds.__file__).parent / "datasets" / "imagenet2012" / "labels.txt"
    ids = [IMAGENET.wordnet_id(index) for index in range(1000)]
    assert ids == path.read_text().split()


@pytest.mark.parametrize(
    ("text", "index"),
    [
        ("1", 1),
        ("goldfish", 1),
        ("GoldFish", 1),
        ("carassius_auratus", 1),
        ("goldfish, Carassius auratus", 1),
        ("n01443537", 1),
        ("N01443537", 1),
        ("  toilet   tissue ", 999),
        ("maillot, tank suit", 639),
        ("Siamese", 284),
        ("cock", 7),
        ("0999", 999),
    ],
)
def test_ways_to_name_a_class(text, index):
    assert IMAGENET.resolve(text) == index


@pytest.mark.parametrize("index", [0, 1, 207, 639, 999])
def test_every_name_is_found_again(index):
    assert IMAGENET.resolve(IMAGENET.wordnet_id(index)) == index
    assert IMAGENET.resolve(str(index)) == index


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("crane", "names 2 classes: 134 n02012849 crane; 517 n03126707 crane. Give the index"),
        ("maillot", "638 n03710637 maillot; 639 n03710721 maillot, tank suit."),
        ("Cardigan", "264 n02113186 Cardigan, Cardigan Welsh corgi; 474 n02963159 cardigan."),
        ("goldfsh", "no such class. Did you mean goldfish (1), "),
        ("shark", "Did you mean great white shark (2), tiger shark (3), hammerhead shark (4) or "),
        ("1000", "the model has 1000 classes, 0 to 999."),
        ("-1", "the model has 1000 classes, 0 to 999."),
        ("n00000001", "no such class. Expected an index from 0 to 999, a WordNet id or a name."),
        ("xqzw", "no such class. Expected an index from 0 to 999, a WordNet id or a name."),
        ("", "no such class. Expected an index from 0 to 999, a WordNet id or a name."),
    ],
)
def test_no_class_or_several(text, message):
    with pytest.raises(ClassNameError) as error:
        IMAGENET.resolve(text)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_digits():
    digits = class_names("digits", 10)
    assert [digits.name(index) for index in range(10)] == list("0123456789")
    assert [digits.resolve(text) for text in ("7", "seven", "Zero")] == [7, 7, 0]
    with pytest.raises(ClassNameError, match=r"Did you mean seven \(7\)\?"):
        digits.resolve("sevn")
    with pytest.raises(ClassNameError, match="the model has 10 classes, 0 to 9."):
        digits.resolve("10")


@pytest.mark.parametrize(
    ("dataset", "num_classes"),
    [
        ("cifar10", 10),
        ("digits", 7),
        ("imagenet2012", 100),
        ("imagenet_resized/64x64", 1000),  # tfds counts its classes in another order
    ],
)
def test_other_data_sets_have_indices_only(dataset, num_classes):
    names = class_names(dataset, num_classes)
    assert names.num_classes == num_classes
    assert names.name(3) == "3"
    assert names.resolve("3") == 3
    with pytest.raises(ClassNameError, match=f"Expected an index from 0 to {num_classes - 1}."):
        names.resolve("goldfish")


def of_folders(*names):
    return class_names("/data/mine", len(names), names)


def test_folders_by_name():
    pets = of_folders("big cats, small cats", "dogs", "guinea_pig", "café", "猫")
    for text, index in (
        ("dogs", 1),
        (" DOGS ", 1),
        ("big cats, small cats", 0),
        ("guinea pig", 2),
        ("CAFÉ", 3),
        ("cafe\u0301", 3),  # as macOS writes it
        ("猫", 4),
        ("2", 2),
    ):
        assert pets.resolve(text) == index
    assert [pets.name(index) for index in (0, 4)] == ["big cats, small cats", "猫"]
    assert [pets.flag_value(index) for index in (0, 4)] == ["0", "4"]
    with pytest.raises(ClassNameError, match=r"no such class. Did you mean dogs \(1\)\?"):
        pets.resolve("dgos")
    with pytest.raises(ClassNameError, match="Expected an index from 0 to 4 or a name of 0=big"):
        pets.resolve("xyz")
    with pytest.raises(ClassNameError, match="the model has 5 classes, 0 to 4."):
        pets.resolve("5")


def test_a_number_that_is_a_name_is_never_an_index():
    ten = of_folders(*(str(number) for number in range(1, 11)))
    assert [ten.resolve(text) for text in ("1", "10", "010", " 2 ")] == [0, 9, 9, 1]
    for text in ("0", "11", "-1", "9" * 5000):
        with pytest.raises(
            ClassNameError, match="no such class. Expected a name of 0=1, 1=2, .*; n"
        ):
            ten.resolve(text)
    assert [ten.number(index) for index in (0, 9)] == [1, 10]
    assert [ten.flag_value(index) for index in (0, 9)] == ["1", "10"]
    assert ten.resolve_range("2", "4") == [1, 2, 3]
    # Of names of several kinds, too.
    mixed = of_folders("10", "2", "cat")
    assert [mixed.resolve(text) for text in ("10", "2", "cat")] == [0, 1, 2]
    assert mixed.resolve_range("2", "10") == [1, 0]
    with pytest.raises(ClassNameError, match="numbers are names here"):
        mixed.resolve("0")
    assert [mixed.number(index) for index in range(3)] == [0, 1, 2]
    assert [mixed.flag_value(index) for index in range(3)] == ["10", "2", "cat"]


def test_numbers_with_zeros_in_front():
    thousand = of_folders(*(f"{number:03}" for number in range(1000)))
    assert [thousand.resolve(text) for text in ("7", "007", "0999")] == [7, 7, 999]
    assert (thousand.number(7), thousand.number_width) == (7, 3)
    with pytest.raises(ClassNameError, match="the model has 1000 classes, 0 to 999."):
        thousand.resolve("1000")
    both = of_folders("01", "1", "2")
    assert [both.resolve(text) for text in ("01", "1", "02")] == [0, 1, 2]
    with pytest.raises(ClassNameError, match="names 2 classes: 0 01; 1 1. Give the name as it is"):
        both.resolve("001")
    assert [both.number(index) for index in range(3)] == [0, 1, 2]


def test_the_order_of_an_earlier_version():
    """It took numbers for text; a number still means the folder of that name."""
    names = of_folders("0", "1", "10", "11", "2")
    assert [names.resolve(text) for text in ("2", "10", "11")] == [4, 2, 3]
    assert names.resolve_range("1", "10") == [1, 4, 2]
    with pytest.raises(ClassNameError, match="no such class"):
        names.resolve("3")


def test_names_that_differ_in_case_alone():
    names = of_folders("Cat", "cat", "a b", "a_b")
    assert [names.resolve(text) for text in ("Cat", "cat", "a b", "a_b")] == [0, 1, 2, 3]
    with pytest.raises(ClassNameError, match="names 2 classes: 0 Cat; 1 cat. Give the name as it"):
        names.resolve("CAT")


def test_folders_with_wordnet_ids_have_imagenets_names():
    ids = ("n02102040", "n01440764", "n01443537")
    names = of_folders(*ids)
    assert names.name(0) == "English springer"
    assert [names.resolve(text) for text in ("tench", "goldfish", *ids)] == [1, 2, 0, 1, 2]
    # In the order of the data, whatever tfds's is.
    assert class_names("imagenet_resized/64x64", 3, ids).resolve("goldfish") == 2
    assert of_folders("n00000001", "n01440764").name(0) == "n00000001"


def test_names_that_cannot_be_printed():
    name = os.fsdecode(b"caf\xe9")
    names = of_folders(name, "a\nb")
    assert names.resolve(name) == 0
    assert [names.name(index) for index in range(2)] == ["caf\\udce9", "a\\nb"]
    names.describe().encode()
    with pytest.raises(ClassNameError) as caught:
        names.resolve("caf")
    str(caught.value).encode()


def test_which_classes_are_told():
    assert of_folders("cat", "dog").told([1]) == "Classes: 1=dog"
    assert of_folders("1", "2").told([1, 0]) == "Classes: 1=2, 0=1"
    for names in (IMAGENET, class_names("digits", 10), of_folders("0", "1")):
        assert names.told([0, 1]) == ""
