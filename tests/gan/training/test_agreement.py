"""Workers that would go on from different checkpoints: found, and told apart."""

import numpy as np
import pytest
from conftest import two_devices

from gan.training.agreement import (
    check_same_data,
    checksum,
    compare,
    compare_data,
    gather,
)
from gan.training.training_error import TrainingError


def test_all_see_what_each_says():
    assert gather(two_devices(), [2**40, 3]).tolist() == [[2**40, 3]] * 2


def test_checksum_is_of_names_and_bits():
    arrays = {"a": np.zeros(3, np.float32), "b": np.int64(1)}
    assert checksum(arrays) == checksum(dict(reversed(arrays.items())))
    others = ({**arrays, "b": np.int64(2)}, {"a": arrays["a"], "c": arrays["b"]}, {})
    assert len({checksum(arrays), *map(checksum, others)}) == 4


def test_equal_starts():
    compare("run", 1, [[20, 7], [20, 7]])


@pytest.mark.parametrize(
    ("own", "message"),
    [
        (
            0,
            "worker 0 would go on from step 20 of this folder, worker 1 from step 0, worker 3 from",
        ),
        (
            1,
            "worker 1 would go on from step 0 of this folder, worker 0 from step 20, worker 2 from",
        ),
    ],
)
def test_other_steps_and_weights_are_named(own, message):
    with pytest.raises(TrainingError, match=message) as raised:
        compare("disk/run", own, [[20, 7], [0, 7], [20, 7], [20, 8]])
    assert str(raised.value).startswith("--run=disk/run: ")
    assert ("worker 3 from other weights" in str(raised.value)) == (own == 0)


def test_other_data_is_named():
    compare_data(1, [[7, 90], [7, 90]])
    with pytest.raises(TrainingError) as raised:
        compare_data(1, [[7, 90], [7, 90], [8, 90], [7, 91]])
    assert str(raised.value).startswith(
        "--dataset: worker 1 finds 90 images to train on, worker 2 finds other classes, worker 3 "
        "finds 91 images. All must read the same data"
    )
    check_same_data(two_devices(), ("a", "b"), 90)  # one worker
