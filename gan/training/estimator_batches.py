"""A job's batches as TF-GAN's estimator wants them: those of all sub-steps in one."""

import tensorflow as tf

from gan.config import ExperimentConfig
from gan.input_pipeline import training_batches
from preprocessing.sources.labelled_images import ImageSource


def estimator_batches(
    config: ExperimentConfig,
    source: ImageSource,
    examples: int,
    num_hosts: int = 1,
    host: int = 0,
    replicas_per_host: int = 1,
) -> tf.data.Dataset:
    """Endless batches for the replicas of one host, in turn.

    On one host the replicas' batches together are those of one device. Several hosts share
    the records out.

    Args:
        config: the job.
        source: the real images.
        examples: real images that the run has used before; to within a batch.
        num_hosts, host: how many read images, and which of them this is.
        replicas_per_host: whose batches come one after the other.

    Returns:
        The pairs of `training_batches`, every tensor
        `[sub-steps · batch of the replica, ...]`, shapes static; TF-GAN cuts it into sub-steps.
    """
    training = config.training
    sub_steps = 1 + training.discriminator_steps
    of_host = training.batch_size // num_hosts
    batches = training_batches(
        source,
        config.data.train_split,
        of_host * sub_steps,
        config.model.z_dim,
        config.data.shuffle_buffer,
        training.seed,
        examples // (training.batch_size * sub_steps),
        num_hosts,
        host,
    )
    if replicas_per_host == 1:
        return batches

    def cut(tensor):
        rest = tensor.shape[1:]
        of_replica = of_host // replicas_per_host
        tensor = tf.reshape(tensor, [sub_steps, replicas_per_host, of_replica, *rest])
        tensor = tf.transpose(tensor, [1, 0, *range(2, len(tensor.shape))])
        return tf.reshape(tensor, [replicas_per_host, sub_steps * of_replica, *rest])

    @tf.autograph.experimental.do_not_convert
    def arrange(*pair):
        return tf.nest.map_structure(cut, pair)

    return batches.map(arrange).unbatch()
