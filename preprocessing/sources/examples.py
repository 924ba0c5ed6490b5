"""One split of labelled images: undecoded records, and how to decode them."""

import dataclasses
from typing import Callable, Optional, Union

import tensorflow as tf

from preprocessing.data_error import DataError
from preprocessing.sources.indices import Indices
from preprocessing.sources.record_files import RecordFiles

_MOST_SEED = 2**31 - 1


@dataclasses.dataclass(frozen=True)
class Examples:
    """One split.

    Attributes:
        records: where they are; gives scalars.
        decode: a record to an example, `{"images": [size, size, channels], "labels": []}`.
        decode_batch: `[batch]` records to a batch of examples, if that is faster.
    """

    records: Union[RecordFiles, Indices]
    decode: Callable
    decode_batch: Optional[Callable] = None

    def stored(self) -> tf.data.Dataset:
        """Examples, in stored order."""
        return self.records.stored().map(self.decode, num_parallel_calls=tf.data.AUTOTUNE)

    def shuffled_batches(
        self, batch_size, buffer, seed, start=0, num_hosts=1, host=0, deterministic=True
    ) -> tf.data.Dataset:
        """Endless batches; each epoch has every example once, in an order of its own.

        Batch n depends on `seed` and n alone, so that a job that was stopped goes on
        with `start`. To get there, records are read from the start of an epoch, but not
        decoded. A batch may have the end of one epoch and the start of the next.

        Args:
            batch_size: examples per batch, of this host.
            buffer: undecoded records held for shuffling, where they lie in files.
            seed: of the order.
            start: number of the first batch.
            num_hosts, host: how many read, and which of them this is: over all hosts
                every example comes once in an epoch.
            deterministic: False lets slow records wait; the order then repeats no more.

        Returns:
            `{"images": [batch, size, size, channels], "labels": [batch]}`, shapes static.

        Raises:
            DataError: if there are no records for this host.
        """
        records = self.records.share(num_hosts, host)
        if not records.count:
            raise DataError(
                f"There are {self.records.count} images: none for host {host} of {num_hosts}."
            )

        @tf.autograph.experimental.do_not_convert
        def epoch_records(epoch):
            # A shuffle's order depends on its graph's seed, too; this graph is the function's own.
            tf.compat.v1.set_random_seed(1)
            epoch_seed = tf.random.stateless_uniform(
                [2], tf.stack([seed, epoch]), 0, _MOST_SEED, tf.int64, alg="philox"
            )
            return records.shuffled(epoch_seed, buffer, deterministic)

        epoch, offset = divmod(start * batch_size, records.count)
        shuffled = tf.data.Dataset.range(epoch, tf.int64.max).flat_map(epoch_records).skip(offset)
        if self.decode_batch:
            batches = shuffled.batch(batch_size, drop_remainder=True).map(
                self.decode_batch, tf.data.AUTOTUNE, deterministic=deterministic
            )
        else:
            batches = shuffled.map(
                self.decode, tf.data.AUTOTUNE, deterministic=deterministic
            ).batch(batch_size, drop_remainder=True)
        options = tf.data.Options()
        options.deterministic = deterministic
        return batches.with_options(options)
