"""A job's data: the classes it had, and the splits where nobody has said which."""

import json
import types

import pytest
from class_folders import write_class_folders

from gan.config import ExperimentConfig
from gan.presets import smoke
from gan.real_images import (
    as_it_began,
    choose_splits,
    open_and_choose,
    without_held_out_part,
)
from gan.run_folder import RunFolder, RunFolderError
from preprocessing.class_list import ClassesChangedError
from preprocessing.data_error import DataError
from preprocessing.image_source import open_images


def of_folder(root, classes=2, **changes):
    return smoke().replace({"dataset": str(root), "num_classes": classes, **changes})


def splits(config):
    return config.data.train_split, config.data.test_split


def pixels_of(source, split):
    return {int(example["images"][0, 0, 0] * 1e6) for example in source.split(split)}


@pytest.mark.parametrize(
    ("folders", "asked", "chosen"),
    [
        (("train", "validation"), "test", "validation"),
        (("train", "val"), "test", "validation"),
        (("train", "test"), "validation", "test"),
        (("train", "test", "validation"), "test", "test"),
        (("train", "test", "validation"), "validation", "validation"),
    ],
)
def test_another_split_of_a_usual_name(tmp_path, folders, asked, chosen):
    for folder in folders:
        write_class_folders(tmp_path / folder, "a", "b")
    _, config, description = open_and_choose(of_folder(tmp_path, test_split=asked))
    assert splits(config) == ("train", chosen)
    assert config.found.held_out_of is None
    assert config.found.class_names == ("a", "b")
    told = f"; evaluated against {chosen}: there is no split {asked!r}"
    assert description.endswith(told) == (asked != chosen)


def test_a_tenth_of_the_training_images(tmp_path):
    root = write_class_folders(tmp_path, *"abcdefghij", count=9)
    source, config, description = open_and_choose(of_folder(root, 10))
    assert splits(config) == ("train[:81]", "train[81:]")
    assert config.found.held_out_of == "train"
    assert description.endswith(
        "; trained on train[:81], evaluated against train[81:]: there is no split 'test' and no "
        "other"
    )
    train, test = (pixels_of(source, split) for split in splits(config))
    assert (len(train), len(test), len(train | test)) == (81, 9, 90)
    assert splits(open_and_choose(of_folder(root, 10))[1]) == splits(config)


@pytest.mark.parametrize(
    ("images", "train", "parts"),
    [
        (3, "train", ("train[:1]", "train[1:]")),
        (24, "train", ("train[:22]", "train[22:]")),
        (25, "train[:80%]", ("train[:18]", "train[18:20]")),
        (100, "train[10:60]", ("train[10:55]", "train[55:60]")),
        (100, "train[50:]", ("train[50:95]", "train[95:]")),
        # Too few, or more than one split.
        (2, "train", None),
        (1, "train", None),
        (100, "train[:2]", None),
        (100, "train+extra", None),
    ],
)
def test_parts_of_any_training_split(images, train, parts):
    source = stand_in(images)
    asked = smoke().replace({"train_split": train})
    config, choice = choose_splits(asked, source)
    assert splits(config) == (parts or (train, "test"))
    assert config.found.held_out_of == (train if parts else None)
    assert choice.startswith("; trained on " if parts else "; nothing to evaluate against: there")


def stand_in(images, for_training=None):
    """A source with a training split alone, of which training reads some other records."""
    from preprocessing.sources.indices import Indices
    from preprocessing.sources.labelled_images import ImageSource, no_split
    from preprocessing.sources.split_part import split_part

    def examples(name, is_for_training):
        if name == "train+extra":
            return types.SimpleNamespace(records=Indices(0, images))
        count = for_training if is_for_training and for_training else images
        try:
            _, first, end = split_part(name, {"train": count})
        except KeyError as error:
            raise no_split("stand-in", name, ["train"]) from error
        return types.SimpleNamespace(records=Indices(first, end))

    return ImageSource("stand-in", 10, "stand-in", examples)


def test_resized_images_that_lack_some_of_the_originals():
    """The missing ones may all be before those that are held out."""
    config, _ = choose_splits(smoke(), stand_in(100, for_training=97))
    assert splits(config) == ("train[:87]", "train[90:]")


def test_a_run_that_has_begun_keeps_its_training_images(tmp_path):
    source = open_images(write_class_folders(tmp_path, "a", "b", count=20), 16, 1, 2)
    config, choice = choose_splits(of_folder(tmp_path), source, may_hold_out=False)
    assert splits(config) == ("train", "test")
    assert choice == (
        "; nothing to evaluate against: there is no split 'test', and no images to hold out"
    )


def test_what_was_given_stays_or_is_refused(tmp_path):
    for folder in ("train", "validation"):
        write_class_folders(tmp_path / folder, "a", "b")
    given = ("test_split",)
    config = of_folder(tmp_path, test_split="validation[:2]")
    assert splits(open_and_choose(config, given)[1]) == ("train", "validation[:2]")
    with pytest.raises(DataError) as caught:
        open_and_choose(of_folder(tmp_path), given)
    assert str(caught.value) == (
        f"--test_split=test: Data set {str(tmp_path)!r} has no split 'test'. It has: train, "
        "validation."
    )


def test_the_split_that_is_trained_on_is_no_other(tmp_path):
    write_class_folders(tmp_path / "validation", "a", "b", count=20)
    config = of_folder(tmp_path, train_split="validation")
    config = open_and_choose(config, ("train_split",))[1]
    assert splits(config) == ("validation[:36]", "validation[36:]")


def test_tfds_data_without_other_splits(tmp_path):
    pytest.importorskip("tensorflow_datasets")
    import tensorflow_datasets as tfds
    from prepared_records import jpeg, record, write_data_set

    names = ["airplane", "bird"]
    label = tfds.features.ClassLabel(names=names)
    features = {"image": tfds.features.Image(shape=(None, None, 3)), "label": label}
    records = [record(image=jpeg(number), label=number % 2) for number in range(16)]
    write_data_set(tmp_path, {"train": [records[:9], records[9:]]}, "birds", "1.0.0", features)
    config = of_folder("birds", data_dir=str(tmp_path), image_channels=3)
    source, config, description = open_and_choose(config)
    assert splits(config) == ("train[:14]", "train[14:]")
    assert [source.count(split) for split in splits(config)] == [14, 2]
    assert config.found.class_names == ("airplane", "bird")
    assert "classes airplane to bird (0=airplane, 1=bird)" in description
    assert config.classes().resolve("bird") == 1
    # Other names, and another order, of the same number of classes.
    for other, message in (
        (("airplane", "ship"), "there is no class 'ship' any more and 'bird' is new"),
        (("bird", "airplane"), "class 0 was 'bird' and is 'airplane' now"),
    ):
        with pytest.raises(ClassesChangedError, match=message):
            open_and_choose(config.with_found(class_names=other))


def test_what_a_run_began_with_stays(tmp_path):
    root = write_class_folders(tmp_path / "data", *map(str, range(12)), count=2)
    run = RunFolder(str(tmp_path / "run"))
    assert as_it_began(of_folder(root, 12), run) == of_folder(root, 12)
    run.write_config(open_and_choose(of_folder(root, 12))[1])
    began = run.read_config()
    assert splits(began) == ("train[:22]", "train[22:]")
    assert began.found.class_names == tuple(map(str, range(12)))
    # The same command, also where it names the split that a part was held out of.
    for given in ((), ("train_split",)):
        again = as_it_began(of_folder(root, 12), run, given)
        run.check(again)
        assert open_and_choose(again, given, may_hold_out=False)[1] == began
    # Also when a split of the preset's name has come meanwhile.
    moved = tmp_path / "moved"
    (tmp_path / "data").rename(moved)
    (tmp_path / "data").mkdir()
    moved.rename(tmp_path / "data" / "train")
    write_class_folders(tmp_path / "data" / "test", *map(str, range(12)), count=2)
    again = as_it_began(of_folder(root, 12), run)
    assert splits(open_and_choose(again, (), may_hold_out=False)[1]) == splits(began)
    # Another one is another run.
    with pytest.raises(RunFolderError, match=r"with test_split=train\[22:\], now test_split=test"):
        run.check(as_it_began(of_folder(root, 12), run, ("test_split",)))


def test_an_earlier_version_stored_no_names_and_took_numbers_for_text(tmp_path):
    names = [str(label) for label in range(12)]
    root = write_class_folders(tmp_path / "data", *names)
    run = RunFolder(str(tmp_path / "run"))
    content = json.loads(of_folder(root, 12).to_json())
    del content["found"]
    run.write_config(ExperimentConfig.from_json(json.dumps(content)))
    config = open_and_choose(as_it_began(of_folder(root, 12), run), may_hold_out=False)[1]
    assert config.found.class_names == tuple(sorted(names))
    # Which are then the run's own.
    run.write_config(config)
    source = open_and_choose(as_it_began(of_folder(root, 12), run), may_hold_out=False)[0]
    assert source.class_names == tuple(sorted(names))
    (example,) = (e for e in source.split("train") if int(e["labels"]) == 2 and _shade(e) % 10 == 0)
    assert _shade(example) == 10 * names.index("10")


def _shade(example):
    return round((float(example["images"][0, 0, 0]) + 1) * 127.5)


@pytest.mark.parametrize("change", ["renamed", "added", "removed"])
def test_changed_class_folders(tmp_path, change):
    """Before the number of classes is complained of, which a run cannot change."""
    root = write_class_folders(tmp_path / "data", "cats", "dogs")
    config = open_and_choose(of_folder(root))[1]
    if change == "renamed":
        (tmp_path / "data" / "cats").rename(tmp_path / "data" / "zcats")
    elif change == "added":
        write_class_folders(tmp_path / "data", "birds")
    else:
        for file in (tmp_path / "data" / "dogs").iterdir():
            file.unlink()
        (tmp_path / "data" / "dogs").rmdir()
    with pytest.raises(ClassesChangedError) as caught:
        open_and_choose(config)
    assert "Trained with classes cats to dogs (0=cats, 1=dogs)" in str(caught.value)
    assert "--num_classes" not in str(caught.value)


def test_other_data_is_split_anew():
    own = smoke().replace({"train_split": "train[:90]", "test_split": "train[90:]"})
    own = own.with_found(held_out_of="train")
    assert splits(without_held_out_part(own)) == ("train", "test")
    assert splits(without_held_out_part(own, ("train_split",))) == ("train[:90]", "test")
    assert without_held_out_part(smoke()) == smoke()
