"""Small SavedModels in the place of Inception: average pooling and fixed matrices."""

import numpy as np
import tensorflow as tf

POOL = 23  # pixels; 13 × 13 × 3 averages of an image of 299 pixels
WIDTHS = {"pool_3": 2048, "logits": 1008}


def matrices():
    random = np.random.RandomState(0)
    inputs = (299 // POOL) ** 2 * 3
    return {
        name: np.float32(random.randn(inputs, width) / inputs**0.5)
        for name, width in WIDTHS.items()
    }


def expected_outputs(images):
    """Features and logits of images `[batch, 299, 299, 3]`, in NumPy."""
    side = 299 // POOL
    averages = np.reshape(images, [-1, side, POOL, side, POOL, 3]).mean(axis=(2, 4))
    averages = averages.reshape(len(images), -1)
    return averages @ matrices()["pool_3"], 5 * averages @ matrices()["logits"]


class FakeInception(tf.Module):
    """Args: outputs: which; width: of pool_3, to be wrong."""

    def __init__(self, outputs=tuple(WIDTHS), width=2048):
        super().__init__()
        self.kernels = {
            name: tf.Variable(value[:, :width] if name == "pool_3" else value)
            for name, value in matrices().items()
            if name in outputs
        }

    def outputs(self, images):
        averages = tf.reshape(
            tf.nn.avg_pool2d(images, POOL, POOL, "VALID"), [-1, (299 // POOL) ** 2 * 3]
        )
        values = {name: tf.matmul(averages, kernel) for name, kernel in self.kernels.items()}
        if "logits" in values:
            values["logits"] *= 5.0
        if "pool_3" in values:
            values["pool_3"] = values["pool_3"][:, None, None]
        return values


_SPEC = tf.TensorSpec([None, 299, 299, 3], tf.float32)


def write_callable(folder, **kwargs):
    """A SavedModel that can be called, as TF-GAN's module."""
    model = FakeInception(**kwargs)
    model.__call__ = tf.function(model.outputs, input_signature=[_SPEC])
    tf.saved_model.save(model, str(folder))


def write_signature(folder, name="serving_default"):
    """A SavedModel with nothing but a signature."""
    model = FakeInception()
    function = tf.function(model.outputs, input_signature=[_SPEC])
    tf.saved_model.save(model, str(folder), signatures={name: function})


def write_tf1_module(folder):
    """A module in TensorFlow Hub's first format: a TF1 graph without a tag."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        model = FakeInception()
        images = tf.compat.v1.placeholder(tf.float32, [None, 299, 299, 3])
        signature = tf.compat.v1.saved_model.predict_signature_def(
            {"images": images}, model.outputs(images)
        )
        session.run(tf.compat.v1.global_variables_initializer())
        builder = tf.compat.v1.saved_model.Builder(str(folder))
        builder.add_meta_graph_and_variables(session, [], {"default": signature})
        builder.save()
    (folder / "tfhub_module.pb").write_bytes(b"\x08\x03")
