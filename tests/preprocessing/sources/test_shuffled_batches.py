"""Training batches of every kind of source: complete, restartable, dealt out to hosts."""

import numpy as np
import pytest
import tensorflow as tf

pytest.importorskip("tensorflow_datasets")

from numbered_images import NAME, SIZE, TRAIN, picture, write_cache, write_numbered

from preprocessing.data_error import DataError
from preprocessing.image_source import open_images
from preprocessing.sources.examples import Examples
from preprocessing.sources.indices import Indices
from preprocessing.sources.record_files import FilePiece, RecordFiles

KINDS = ("records", "part", "float32", "uint8", "jpeg", "folder", "digits")


@pytest.fixture(scope="module")
def open_kind(tmp_path_factory):
    """Opens a source of one kind; what it is made of is made once."""
    root = tmp_path_factory.mktemp("kinds")
    write_numbered(root / "originals")
    for store in ("float32", "uint8", "jpeg"):
        write_numbered(root / store)
        write_cache(root / store, store=store)
    for n in range(TRAIN):
        folder = root / "folder" / f"{n:02d}"
        folder.mkdir(parents=True)
        (folder / "image.png").write_bytes(picture(n))

    def open_source(kind):
        if kind == "digits":
            return open_images("digits", SIZE, 3, 10), "train[:11]"
        if kind == "folder":
            return open_images(f"{root}/folder", SIZE, 3, TRAIN), "train"
        split = "train[2:-2]" if kind == "part" else "train"
        folder = root / (kind if (root / kind).exists() else "originals")
        return open_images(NAME, SIZE, 3, TRAIN, str(folder)), split

    return open_source


def take(batches, count):
    return list(batches.take(count).as_numpy_iterator())


def same(first, second):
    return all(np.array_equal(first[key], second[key]) for key in ("images", "labels"))


@pytest.mark.parametrize("kind", KINDS)
def test_begins_anywhere(open_kind, kind):
    source, split = open_kind(kind)
    count = source.count(split)
    whole = take(source.shuffled_batches(split, 4, 5, 1), 12)
    spec = source.shuffled_batches(split, 4, 5, 1).element_spec
    assert spec["images"].shape == (4, SIZE, SIZE, 3)
    assert spec["labels"].shape == (4,)
    assert whole[0]["images"].dtype == np.float32
    assert whole[0]["labels"].dtype == np.int32
    for start in (1, 2, count // 4 + 1, 10):  # Batches 2 and 5 have the ends of epochs.
        rest = take(source.shuffled_batches(split, 4, 5, 1, start), 12 - start)
        assert all(map(same, whole[start:], rest))


@pytest.mark.parametrize("kind", KINDS)
def test_every_image_once_in_an_epoch_each_time_in_another_order(open_kind, kind):
    source, split = open_kind(kind)
    count = source.count(split)
    stored = [example["images"].tobytes() for example in source.split(split).as_numpy_iterator()]
    assert len(set(stored)) == count
    images = [
        b["images"][0].tobytes() for b in take(source.shuffled_batches(split, 1, 5, 3), 3 * count)
    ]
    epochs = [images[i * count : (i + 1) * count] for i in range(3)]
    if kind not in ("uint8", "jpeg"):  # Those are rounded; without, stored order is exact.
        assert all(set(epoch) == set(stored) for epoch in epochs)
    assert all(len(set(epoch)) == count for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2] != epochs[0]
    other = source.shuffled_batches(split, count, 5, 4)
    assert [image.tobytes() for image in take(other, 1)[0]["images"]] != epochs[0]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("num_hosts", [2, 3, 4])
def test_hosts_share_every_epoch(open_kind, kind, num_hosts):
    source, split = open_kind(kind)
    for epoch in range(2):
        images = []
        for host in range(num_hosts):
            examples = source.examples(split, True)
            share = examples.records.share(num_hosts, host).count
            batches = source.shuffled_batches(
                split, share, 100, 0, start=epoch, num_hosts=num_hosts, host=host
            )
            images += [image.tobytes() for image in take(batches, 1)[0]["images"]]
        assert len(images) == len(set(images)) == source.count(split)


def test_order_depends_on_the_seed_alone(open_kind):
    source, split = open_kind("records")
    orders = []
    for global_seed in (0, 1):
        tf.random.set_seed(global_seed)
        batches = source.shuffled_batches(split, TRAIN, 5, 0)
        orders.append(take(batches, 1)[0]["labels"].tolist())
        orders.append(take(batches, 1)[0]["labels"].tolist())  # A second time through.
    assert all(order == orders[0] for order in orders)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_in_a_graph_of_tensorflow_1(open_kind, kind):
    source, split = open_kind(kind)
    expected = take(source.shuffled_batches(split, 3, 5, 2, start=2), 4)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        tf.compat.v1.set_random_seed(7)
        batches = source.shuffled_batches(split, 3, 5, 2, start=2)
        batch = tf.compat.v1.data.make_one_shot_iterator(batches).get_next()
        assert all(same(session.run(batch), e) for e in expected)


@pytest.mark.parametrize("kind", ["records", "float32", "folder"])
def test_without_a_fixed_order_nothing_is_lost(open_kind, kind):
    source, split = open_kind(kind)
    batches = source.shuffled_batches(split, TRAIN, 100, 0, deterministic=False)
    assert not batches.options().deterministic
    assert sorted(take(batches, 1)[0]["labels"]) == list(range(TRAIN))


def test_stored_order(open_kind):
    source, _ = open_kind("records")
    labels = [example["labels"] for example in source.split("train[4:-1]").as_numpy_iterator()]
    assert labels == list(range(4, TRAIN - 1))
    assert list(source.split("train[:0]")) == []


def pieces(*takes):
    return RecordFiles(tuple(FilePiece(f"file {i}", 1, take) for i, take in enumerate(takes)))


def test_whole_files_are_dealt_out_if_there_are_enough():
    shares = [pieces(5, 4, 2, 7).share(2, host).pieces for host in range(2)]
    assert [[piece.path for piece in share] for share in shares] == [
        ["file 0", "file 2"],
        ["file 1", "file 3"],
    ]
    shares = [pieces(5, 2).share(3, host).pieces for host in range(3)]
    assert [[(piece.skip, piece.take) for piece in share] for share in shares] == [
        [(1, 1), (1, 0)],
        [(2, 2), (1, 1)],
        [(4, 2), (2, 1)],
    ]


@pytest.mark.parametrize("records", [pieces(2), Indices(0, 2)])
def test_too_many_hosts(records):
    with pytest.raises(DataError, match="There are 2 images: none for host .* of 3"):
        for host in range(3):
            Examples(records, lambda record: {"labels": 0}).shuffled_batches(
                1, 1, 0, num_hosts=3, host=host
            )


DAMAGES = {
    "image": "an image cannot be decoded",
    "flipped": "a record is damaged",
    "cut": "a record is damaged",
    "records": "a file has fewer records than it should",
    "missing": "a file is missing",
}


@pytest.mark.parametrize("graph", [False, True])
@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_data_is_named(tmp_path, damage, graph):
    folder = write_numbered(tmp_path, damaged=3 if damage == "image" else None)
    path = folder / f"{NAME}-train.tfrecord-00001-of-00003"
    if damage in ("flipped", "cut"):
        content = path.read_bytes()
        path.write_bytes(content[:-5] + (b"\xff" + content[-4:] if damage == "flipped" else b""))
    elif damage == "records":
        records = list(tf.data.TFRecordDataset(str(path)).as_numpy_iterator())
        with tf.io.TFRecordWriter(str(path)) as writer:
            for record in records[:-1]:
                writer.write(record)
    elif damage == "missing":
        path.unlink()
    source = open_images(NAME, SIZE, 3, TRAIN, str(tmp_path))
    with pytest.raises(DataError) as caught, source.reading():
        if graph:
            with tf.Graph().as_default(), tf.compat.v1.Session() as session:
                batches = source.shuffled_batches("train", 2, 100, 0)
                batch = tf.compat.v1.data.make_one_shot_iterator(batches).get_next()
                for _ in range(TRAIN):
                    session.run(batch)
        else:
            take(source.shuffled_batches("train", 2, 100, 0), TRAIN)
    assert str(caught.value) == (
        f"Data set {NAME!r}: {DAMAGES[damage]}. `python -m preprocessing.verify` names file and "
        "record."
    )


def test_errors_of_others_pass(open_kind):
    source, _ = open_kind("digits")
    with pytest.raises(tf.errors.InvalidArgumentError), source.reading():
        tf.debugging.assert_equal(1, 2)


def test_object_storage_is_read_in_the_same_order(open_kind, tmp_path):
    """Several files at once there, one after the other here."""
    source, split = open_kind("records")
    local = source.examples(split, True)
    remote = []
    for number, piece in enumerate(local.records.pieces):
        path = f"ram://{tmp_path.name}/{number}"
        tf.io.gfile.copy(piece.path, path)
        remote.append(piece._replace(path=path))
    remote = Examples(RecordFiles(tuple(remote)), local.decode)
    for batches in zip(*(take(e.shuffled_batches(5, 4, 0), 6) for e in (local, remote))):
        assert same(*batches)
