"""Labelled images of one size, opened: their splits, read for training or in stored order."""

import contextlib
import dataclasses
from typing import Callable, Optional

import tensorflow as tf

from preprocessing.data_error import DataError
from preprocessing.sources.examples import Examples

_VERIFY = "`python -m preprocessing.verify` names file and record."
_WRONG = {
    tf.errors.InvalidArgumentError: f"an image cannot be decoded. {_VERIFY}",
    tf.errors.DataLossError: f"a record is damaged. {_VERIFY}",
    tf.errors.FailedPreconditionError: f"a file has fewer records than it should. {_VERIFY}",
    tf.errors.NotFoundError: f"a file is missing. {_VERIFY}",
    tf.errors.PermissionDeniedError: f"a file may not be read. {_VERIFY}",
}


@dataclasses.dataclass(frozen=True)
class ImageSource:
    """Labelled images of one size.

    Attributes:
        name: name of the data set.
        num_classes: number of classes.
        description: what is read and from where, for a person.
        examples: name of a split, or of a part of one as "train[:90%]", and whether it
            is for training, to its examples; DataError if there is no such split. Images
            for training may come from a lossy cache.
        fault: what is wrong with the data, where an error of reading says too little.
        inexact: why no split can be read in stored order, as for evaluation; "" where they can.
        class_names: class `i` at place `i`; None where the data has no names for them.
    """

    name: str
    num_classes: int
    description: str
    examples: Callable[[str, bool], Examples]
    fault: Callable[[], Optional[str]] = lambda: None
    inexact: str = ""
    class_names: Optional[tuple[str, ...]] = None

    def count(self, name: str) -> int:
        """Number of images of a split; DataError if there is no such split."""
        return self.examples(name, False).records.count

    def split(self, name: str) -> tf.data.Dataset:
        """The images of one split in stored order. To be called in the graph that reads them.

        Returns:
            Examples `{"images", "labels"}`: float32 `[size, size, channels]` in
            [-1, 1] and int32 scalars.

        Raises:
            DataError: if there is no such split, or only lossy images of it.
        """
        examples = self.examples(name, False)
        self.check_exact()
        return examples.stored()

    def check_exact(self):
        """Checks that splits can be read in stored order; DataError if they cannot."""
        if self.inexact:
            raise DataError(f"Data set {self.name!r}: {self.inexact}")

    def shuffled_batches(self, name: str, *arguments, **settings) -> tf.data.Dataset:
        """Endless batches of one split for training; see `Examples.shuffled_batches`."""
        return self.examples(name, True).shuffled_batches(*arguments, **settings)

    @contextlib.contextmanager
    def reading(self):
        """Says in words what is wrong when the images that are read here turn out damaged.

        Raises:
            DataError: for TensorFlow's errors that come from the records.
        """
        try:
            yield
        except tf.errors.OpError as error:
            wrong = _WRONG.get(type(error))
            if wrong is None or "IteratorGetNext" not in str(error):
                raise
            raise DataError(f"Data set {self.name!r}: {self.fault() or wrong}") from error


def no_split(dataset: str, name: str, splits) -> DataError:
    """The error of a split that is not there; `splits` are the names of those that are."""
    return DataError(
        f"Data set {dataset!r} has no split {name!r}. It has: {', '.join(sorted(splits))}."
    )
