"""Names of classes: the table of ImageNet, and what a person may write."""

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
