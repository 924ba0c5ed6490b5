"""A job's batches, dealt out to the replicas of a strategy."""

import tensorflow as tf

from gan.config import ExperimentConfig
from gan.input_pipeline import training_batches
from preprocessing.sources.labelled_images import ImageSource


def replica_batches(
    strategy: tf.distribute.Strategy, config: ExperimentConfig, source: ImageSource, examples: int
):
    """Endless batches for `TrainingStep`, a part for every replica.

    On one machine the batches of all replicas together are those of one device, and of
    the estimator. Several machines share the records out, unless the job is
    deterministic: then each decodes all, and its replicas get their part of the batch
    that one device would get.

    Args:
        strategy: whose replicas there are.
        config: the job.
        source: the real images.
        examples: real images that the run has used before; to within a batch.

    Returns:
        A distributed data set of the pairs of `training_batches`, every tensor
        `[sub-steps, batch of the replica, ...]`, shapes static.
    """
    training = config.training
    sub_steps = 1 + training.discriminator_steps
    start = examples // (training.batch_size * sub_steps)

    def of_worker(context):
        workers, worker = context.num_input_pipelines, context.input_pipeline_id
        replicas = strategy.num_replicas_in_sync // workers
        is_shared_out = workers > 1 and not config.execution.deterministic
        batch_size = training.batch_size // (workers if is_shared_out else 1)
        batches = training_batches(
            source,
            config.data.train_split,
            batch_size * sub_steps,
            config.model.z_dim,
            config.data.shuffle_buffer,
            training.seed,
            start,
            *((workers, worker) if is_shared_out else ()),
        )
        # A batch is cut into all replicas' parts, of which this worker keeps its own.
        parts = replicas if is_shared_out else replicas * workers
        first = 0 if is_shared_out else worker * replicas

        def cut(tensor):
            shape = [sub_steps, parts, batch_size // parts, *tensor.shape[1:]]
            tensor = tf.reshape(tensor, shape)
            order = [1, 0, *range(2, len(shape))]
            return tf.transpose(tensor, order)[first : first + replicas]

        def only_part(tensor):
            return tf.reshape(tensor, [sub_steps, batch_size, *tensor.shape[1:]])

        @tf.autograph.experimental.do_not_convert
        def arrange(*pair):
            return tf.nest.map_structure(only_part if parts == 1 else cut, pair)

        return batches.map(arrange) if parts == 1 else batches.map(arrange).unbatch()

    return strategy.distribute_datasets_from_function(of_worker)
