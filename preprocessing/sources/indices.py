"""The records of a split that are found by number: images in memory, or in a file each."""

import dataclasses

import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class Indices:
    """Numbers from `first` up to `end`, or one host's share of them.

    Attributes:
        first, end: of the numbers of all hosts.
        num_hosts, host: whose share this is.
    """

    first: int
    end: int
    num_hosts: int = 1
    host: int = 0

    @property
    def count(self) -> int:
        """How many numbers the host has."""
        return len(range(self.first + self.host, self.end, self.num_hosts))

    def share(self, num_hosts: int, host: int) -> "Indices":
        """What one of several hosts reads: every `num_hosts`-th, of each epoch's order."""
        return dataclasses.replace(self, num_hosts=num_hosts, host=host)

    def stored(self) -> tf.data.Dataset:
        """Scalar int64, in stored order."""
        return tf.data.Dataset.range(self.first + self.host, self.end, self.num_hosts)

    def shuffled(self, seed, buffer: int, deterministic: bool = True) -> tf.data.Dataset:
        """Scalar int64 in random order, all of them: numbers need no buffer.

        Args:
            seed: int64 `[2]` tensor.
            buffer, deterministic: as `RecordFiles` takes them; not used.
        """
        del buffer, deterministic
        draws = tf.random.stateless_uniform(
            [self.end - self.first], seed, minval=0, maxval=2**31 - 1, dtype=tf.int32, alg="philox"
        )
        order = self.first + tf.argsort(draws, stable=True)
        return tf.data.Dataset.from_tensor_slices(
            tf.cast(order[self.host :: self.num_hosts], tf.int64)
        )
