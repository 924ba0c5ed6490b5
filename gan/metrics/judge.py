"""A small classifier trained on the real training images, the judge of small data sets.

It stands where Inception stands for ImageNet: its features give the Fréchet
distance, its logits the classifier score and the class accuracy. Its training
is seeded apart from the GAN's, because a distance means nothing without the
classifier it was measured with.
"""

import dataclasses
import functools
import hashlib
import io
import zipfile
from typing import ClassVar

import numpy as np
import tensorflow as tf
from tensorflow import keras

from gan.atomic_file import write_atomically

FEATURES = 32
_SEED = 0
_LAYERS = ("conv1", "conv2", "features", "logits")
_EPOCHS = 20
_FEWEST_STEPS, _MOST_STEPS = 400, 4000
_BATCH_SIZE = 64


class JudgeError(ValueError):
    """A judge that cannot be used; the message says what to do."""


@dataclasses.dataclass(frozen=True)
class Judge:
    """A trained classifier, a `gan.metrics.feature_network.FeatureNetwork`.

    Attributes:
        weights: name to array.
        image_size: side of the images it was trained on, in pixels.
        accuracy: fraction of held-out real images it classifies correctly.
    """

    name: ClassVar[str] = "judge"
    conditions: ClassVar[str] = "judge"  # It takes images as they are.
    most_images: ClassVar[int] = 1000
    knows_labels: ClassVar[bool] = True
    distance: ClassVar[str] = "frechet_distance"
    score: ClassVar[str] = "classifier_score"
    kernel: ClassVar[str] = "kernel_distance"

    weights: dict[str, np.ndarray]
    image_size: int
    accuracy: float

    def __repr__(self):
        # TensorFlow's warnings name what they are about: without all its weights.
        return f"Judge of {self.image_size} pixels, {self.accuracy:.1%} right"

    @property
    def sha256(self) -> str:
        """Of the weights, by name."""
        digest = hashlib.sha256()
        for name in sorted(self.weights):
            array = np.ascontiguousarray(self.weights[name])
            digest.update(f"{name} {array.dtype} {array.shape} ".encode() + array.tobytes())
        return digest.hexdigest()

    def __call__(self, images):
        """Classifies images, in eager mode and in any graph (weights become constants).

        Args:
            images: float32 `[batch, size, size, channels]` in [-1, 1].

        Returns:
            Features `[batch, 32]` and logits `[batch, classes]`.
        """
        return _classify(self.weights, images)

    def fits(self, image_size, image_channels, num_classes) -> bool:
        """Whether it was trained on such images."""
        channels = self.weights["conv1/kernel"].shape[2]
        classes = self.weights["logits/bias"].shape[0]
        return (self.image_size, channels, classes) == (image_size, image_channels, num_classes)

    def save(self, path):
        """Writes the judge to an .npz file, atomically."""
        buffer = io.BytesIO()
        np.savez(buffer, image_size=self.image_size, accuracy=self.accuracy, **self.weights)
        write_atomically(path, buffer.getvalue())

    @classmethod
    def load(cls, path):
        """Reads what `save` wrote.

        Raises:
            JudgeError: if the file is damaged or something else.
        """
        try:
            with open(path, "rb") as file, np.load(file) as arrays:
                weights = dict(arrays)
            missing = [name for name in _LAYERS if f"{name}/kernel" not in weights]
            if missing:
                raise ValueError(f"no weights of {', '.join(missing)}")
            return cls(
                weights,
                image_size=int(weights.pop("image_size")),
                accuracy=float(weights.pop("accuracy")),
            )
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise JudgeError(
                f"{path} is damaged or no judge ({error}). Delete it: it is trained again "
                "in seconds, to the same weights."
            ) from error


def train_judge(train_images, train_labels, test_images, test_labels, num_classes) -> Judge:
    """Trains a judge; seconds for some thousand small images.

    Args:
        train_images, test_images: `[count, size, size, channels]` in [-1, 1].
        train_labels, test_labels: integers `[count]`.
        num_classes: number of classes.
    """
    _, size, _, channels = train_images.shape
    random = np.random.RandomState(_SEED)
    weights = {
        name: tf.Variable(value)
        for name, value in _initial_weights(random, size, channels, num_classes).items()
    }
    optimizer = keras.optimizers.Adam(3e-3)
    variables = list(weights.values())
    optimizer.build(variables)

    @functools.partial(tf.function, autograph=False)
    def train_step(images, labels):
        with tf.GradientTape() as tape:
            _, logits = _classify(weights, images)
            loss = tf.reduce_mean(
                tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
            )
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))

    steps = len(train_images) // _BATCH_SIZE * _EPOCHS
    steps = min(max(steps, _FEWEST_STEPS), _MOST_STEPS)
    for step in range(steps):
        if step == steps * 2 // 3:
            optimizer.learning_rate = 5e-4
        batch = random.randint(len(train_images), size=_BATCH_SIZE)
        shift = random.randint(-1, 2, size=2) * (size // 16)
        images = np.roll(train_images[batch], shift, axis=(1, 2))
        train_step(tf.constant(images), tf.constant(train_labels[batch]))

    trained = {name: variable.numpy() for name, variable in weights.items()}
    _, logits = _classify(trained, tf.constant(test_images))
    accuracy = float(np.mean(np.argmax(logits, axis=1) == test_labels))
    return Judge(trained, size, accuracy)


def _initial_weights(random, size, channels, num_classes):
    flat = (size // 4) ** 2 * 32
    shapes = {
        "conv1": (3, 3, channels, 16),
        "conv2": (3, 3, 16, 32),
        "features": (flat, FEATURES),
        "logits": (FEATURES, num_classes),
    }
    weights = {}
    for name, shape in shapes.items():
        scale = np.sqrt(2.0 / np.prod(shape[:-1]))
        weights[f"{name}/kernel"] = (random.randn(*shape) * scale).astype(np.float32)
        weights[f"{name}/bias"] = np.zeros(shape[-1], np.float32)
    return weights


def _classify(weights, images):
    def convolve_and_pool(x, name):
        x = tf.nn.conv2d(x, weights[f"{name}/kernel"], strides=1, padding="SAME")
        return tf.nn.max_pool2d(tf.nn.relu(x + weights[f"{name}/bias"]), 2, 2, "VALID")

    x = convolve_and_pool(convolve_and_pool(images, "conv1"), "conv2")
    x = tf.reshape(x, [-1, x.shape[1] * x.shape[2] * x.shape[3]])
    features = tf.nn.relu(tf.matmul(x, weights["features/kernel"]) + weights["features/bias"])
    logits = tf.matmul(features, weights["logits/kernel"]) + weights["logits/bias"]
    return features, logits
