"""The estimator's graph for a TPU, built without one: whole, static, its sums over all cores."""

import collections

import pytest
import tensorflow as tf
from conftest import needs_tfgan

from gan.presets import smoke
from gan.training.estimator_batches import estimator_batches
from gan.training.sample_grid import grid_inputs
from preprocessing.image_source import open_images

pytestmark = needs_tfgan
CORES = 8


class GraphIsBuilt(Exception):  # noqa: N818
    """Ends training before a session is needed."""


@pytest.fixture
def tpu(monkeypatch):
    """A cluster resolver of a TPU that is not there; TensorFlow is told its cores."""
    from tensorflow.python.client.session import _DeviceAttributes
    from tensorflow.python.tpu import tpu_system_metadata

    task = "/job:worker/replica:0/task:0/device:"
    kinds = [*(f"TPU:{core}" for core in range(CORES)), "TPU_SYSTEM:0", "CPU:0"]
    devices = [_DeviceAttributes(task + kind, kind.split(":")[0], 1, 1) for kind in kinds]

    def metadata(*arguments, **keywords):
        return tpu_system_metadata.TPUSystemMetadata(
            num_cores=CORES,
            num_hosts=1,
            num_of_cores_per_host=CORES,
            topology=None,
            devices=devices,
        )

    monkeypatch.setattr(tpu_system_metadata, "_query_tpu_system_metadata", metadata)
    address = "10.0.0.1:8470"
    return tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec({"worker": [address]}), master=f"grpc://{address}", task_type="worker"
    )


def test_the_graph_for_a_tpu(tpu, tmp_path):
    from gan.training.estimator_engine import make_estimator
    from gan.training.estimator_state import GraphState
    from gan.training.estimator_step import measured_variable

    config = smoke().replace(dict(ema_decay=0.9, augmentation="color,cutout", batch_size=16))
    seen = {}

    class Probe(tf.estimator.SessionRunHook):
        def begin(self):
            graph = tf.compat.v1.get_default_graph()
            seen["saved"] = set(GraphState().names)
            seen["measured"] = measured_variable().shape
            bodies = [
                graph._get_function(op.get_attr("body").name).graph.get_operations()
                for op in graph.get_operations()
                if op.type == "While"
            ]
            seen["operations"] = max(bodies, key=len)  # Others only feed the TPU.
            raise GraphIsBuilt

    def input_fn(params):
        host = params["context"]
        seen["hosts"] = (host.num_hosts, host.num_of_replicas_per_host)
        source = open_images("digits", 16, 1, 10)
        batches = estimator_batches(config, source, 0, 1, 0, host.num_of_replicas_per_host)
        seen["batch"] = batches.element_spec
        return batches

    estimator = make_estimator(config, str(tmp_path), tpu=tpu, steps_per_loop=5)
    with pytest.raises(GraphIsBuilt):
        estimator.train(input_fn, max_steps=10, hooks=[Probe()])

    assert seen["hosts"] == (1, CORES)
    # Two images a core and sub-step, two sub-steps.
    assert seen["batch"][1]["images"].shape == [4, 16, 16, 1]
    operations = seen["operations"]
    unknown = [
        tensor.name
        for operation in operations
        for tensor in operation.outputs
        if tensor.dtype not in (tf.resource, tf.variant) and not tensor.shape.is_fully_defined()
    ]
    assert not unknown
    kinds = collections.Counter(operation.type for operation in operations)
    # What a batch norm exchanges, [2, channels]: 6 norms in two sub-steps, and their gradients.
    sums = [op.inputs[0].shape for op in operations if op.type == "CrossReplicaSum"]
    assert sum(shape.rank == 2 and shape[0] == 2 for shape in sums) == 18
    assert len(sums) > 50  # With the gradients of the weights.
    assert not {"PyFunc", "PyFuncStateless", "EagerPyFunc"} & set(kinds)
    # The names of a run on any other device.
    averages = {name for name in seen["saved"] if name.endswith("/ExponentialMovingAverage")}
    assert {"global_step", "Generator/generator/dense/kernel/Adam"} < seen["saved"]
    assert len(averages) > 40
    assert seen["measured"] == [6]


@pytest.mark.parametrize("preset", ["hamgan_baby", "hamgan_strong"])
def test_shapes_of_the_published_networks_are_static(preset):
    """All that lies between input and losses of one step, at full size; no weight is computed."""
    from gan.networks import make_discriminator, make_generator
    from gan.presets import get_preset

    model = get_preset(preset).model
    with tf.Graph().as_default() as graph:
        generator, discriminator = make_generator(model), make_discriminator(model)
        latents = tf.zeros([2, model.z_dim])
        labels = tf.zeros([2], tf.int32)
        before = len(graph.get_operations())
        images = generator([latents, labels], training=True)
        logits = discriminator([images, labels], training=True)
        assert images.shape == [2, 128, 128, 3]
        assert logits.shape == [2, 1]
        unknown = [
            tensor.name
            for operation in graph.get_operations()[before:]
            for tensor in operation.outputs
            if tensor.dtype not in (tf.resource, tf.variant) and not tensor.shape.is_fully_defined()
        ]
    assert not unknown
    assert len(grid_inputs(get_preset(preset))[1]) == 100
