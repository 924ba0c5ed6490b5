"""NMFLayer in an ordinary Keras model: python -m examples.digit_classifier (half a minute).

A small convolutional classifier of handwritten digits with a Hamburger in the
middle, written with ordinary Keras layers, saved and loaded again. Runs under
Keras 2 and Keras 3; needs scikit-learn for the digits.
"""

import argparse
import pathlib
import tempfile

import numpy as np
from sklearn.datasets import load_digits
from tensorflow import keras

from ham_tf import Hamburger, NMFLayer


def build_model():
    """Images `[batch, 8, 8, 1]` to logits `[batch, 10]`."""
    inputs = keras.Input([8, 8, 1])
    x = keras.layers.Conv2D(32, 3, padding="same", activation="relu")(inputs)
    x = Hamburger(
        lower_bread=keras.layers.Conv2D(32, 1, name="lower_bread"),
        ham=NMFLayer(rank=4, name="ham"),
        upper_bread=keras.layers.Conv2D(32, 1, use_bias=False, name="upper_bread"),
        normalization=keras.layers.GroupNormalization(8, name="normalization"),
    )(x)
    x = keras.layers.Conv2D(32, 3, strides=2, padding="same", activation="relu")(x)
    return keras.Model(inputs, keras.layers.Dense(10)(keras.layers.Flatten()(x)))


def main(epochs=10):
    keras.utils.set_random_seed(0)
    digits = load_digits()
    images = (digits.images[..., None] / 8 - 1).astype(np.float32)
    model = build_model()
    model.compile(
        "adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"]
    )
    model.fit(images[:1347], digits.target[:1347], epochs=epochs, verbose=2)
    _, accuracy = model.evaluate(images[1347:], digits.target[1347:], verbose=0)
    print(f"accuracy on {len(images) - 1347} held-out digits: {accuracy:.1%}")

    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "classifier.keras")
        model.save(path)
        loaded = keras.models.load_model(path)
    same = np.array_equal(
        loaded.predict(images[:8], verbose=0), model.predict(images[:8], verbose=0)
    )
    print("the loaded model gives the same logits:", same)
    return accuracy, same


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m examples.digit_classifier",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--epochs", type=int, default=10, help="of training (default: 10)")
    main(parser.parse_args().epochs)
