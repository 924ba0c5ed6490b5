"""Batches as both networks take them: latents with labels, real images with labels."""

import tensorflow as tf

from gan.config import ExperimentConfig
from preprocessing.image_source import open_images
from preprocessing.sources.labelled_images import ImageSource

_EVALUATION_SEED = 2**31  # out of reach of a job's own


def open_real_images(config: ExperimentConfig) -> ImageSource:
    """Opens the data set of a job, as its networks take images.

    Raises:
        ClassesChangedError: if it has other classes than the job, where those are known.
        DataError: if it cannot be used.
    """
    model, data = config.model, config.data
    return open_images(
        data.dataset,
        model.image_size,
        model.image_channels,
        model.num_classes,
        data.data_dir,
        data.resampling,
        data.resized,
        config.found.class_names,
    )


def latents_and_labels(
    batch_size, z_dim, num_classes, seed, start=0, num_hosts=1, host=0
) -> tf.data.Dataset:
    """Endless batches of standard normal latents and uniform labels.

    The n-th batch depends on `seed` and n alone, so a resumed job goes on with
    `start` where it stopped. Several hosts take turns.

    Returns:
        Batches `{"latents": [batch, z_dim] float32, "labels": [batch] int32}`.
    """

    @tf.autograph.experimental.do_not_convert  # Looking for control flow costs start-up time.
    def draw(index):
        seed_of_latents, seed_of_labels = [seed, 2 * index], [seed, 2 * index + 1]
        latents = tf.random.stateless_normal([batch_size, z_dim], seed_of_latents, alg="philox")
        labels = tf.random.stateless_uniform(
            [batch_size], seed_of_labels, maxval=num_classes, dtype=tf.int32, alg="philox"
        )
        return {"latents": latents, "labels": labels}

    first = start * num_hosts + host
    return tf.data.Dataset.range(first, tf.int64.max, num_hosts).map(draw)


def training_batches(
    source: ImageSource,
    split,
    batch_size,
    z_dim,
    shuffle_buffer,
    seed,
    start=0,
    num_hosts=1,
    host=0,
    deterministic=True,
) -> tf.data.Dataset:
    """Endless batches of generator input and shuffled real images.

    The n-th batch depends on `seed` and n alone, so a resumed job goes on with `start`
    where it stopped.

    Args:
        source: the real images.
        split: which of its splits.
        batch_size: examples per batch, of this host.
        z_dim: length of a latent.
        shuffle_buffer: undecoded images held for shuffling.
        seed: of latents, labels and order.
        start: batches already used by the run that is going on.
        num_hosts, host: how many train together, and which of them this is.
        deterministic: False lets slow images wait; their order then repeats no more.

    Returns:
        Pairs of `latents_and_labels`'s batch and
        `{"images": [batch, size, size, channels], "labels": [batch]}`, shapes static.
    """
    real = source.shuffled_batches(
        split, batch_size, shuffle_buffer, seed, start, num_hosts, host, deterministic
    )
    generated = latents_and_labels(
        batch_size, z_dim, source.num_classes, seed, start, num_hosts, host
    )
    return tf.data.Dataset.zip((generated, real)).prefetch(tf.data.AUTOTUNE)


def evaluation_inputs(count, z_dim, num_classes, repetition):
    """Latents and labels that one repetition of an evaluation generates its images from.

    They are drawn at once, so they depend on the number of the repetition, but on
    no batch size, and are out of reach of any job's own seed.

    Returns:
        float32 `[count, z_dim]` and int32 `[count]`, in NumPy.
    """
    drawn = next(iter(latents_and_labels(count, z_dim, num_classes, _EVALUATION_SEED, repetition)))
    return drawn["latents"].numpy(), drawn["labels"].numpy()
