"""Where real images come from."""

import dataclasses

from gan.config.fields import check_choices, option, require
from preprocessing.choices import RESAMPLINGS


@dataclasses.dataclass(frozen=True)
class DataConfig:
    """Where real images come from."""

    dataset: str = option(
        "imagenet2012",
        "'digits' (embedded), the name of a tfds data set with image and label, or a folder of "
        "class folders",
    )
    data_dir: str = option("", "folder of tfds data sets; empty for tfds's own default")
    train_split: str = option("train", "split to train on, or a part of one as train[:1000]")
    test_split: str = option(
        "validation",
        "split to evaluate against; not given, and not in the data: test, validation, or a tenth "
        "of the training images, which are then not trained on",
    )
    shuffle_buffer: int = option(10_000, "undecoded images held for shuffling")
    resampling: str = option(
        RESAMPLINGS[0],
        "how images become smaller: bilinear, as published, or antialiased",
        RESAMPLINGS,
    )
    resized: str = option(
        "auto",
        "auto reads images already stored at this size and resampling, if there are any beside "
        "the data set; never reads the original ones",
        ("auto", "never"),
    )

    def __post_init__(self):
        check_choices(self)
        require(self.dataset, "dataset", repr(self.dataset), "must not be empty.")
        require(
            self.shuffle_buffer >= 1, "shuffle_buffer", self.shuffle_buffer, "must be at least 1."
        )
