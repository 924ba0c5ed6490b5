"""Normalisations of a block in a short training: python -m benchmarks.short_training --help.

A small classifier of scikit-learn's digits with a published Hamburger in it, trained once
for each block, ham and normalisation. At some steps it is judged twice on the held-out
digits: as at inference, and as in training, with the statistics of the batch (all held-out
digits at once) and fresh bases. Where the two differ, what was learnt is lost to whoever
uses the model.
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

BLOCKS = ("HamburgerV1", "HamburgerV2", "HamburgerV2Plus")
HAMS = ("nmf", "cd", "vq")
NORMALIZATIONS = ("batch", "group")
_DOCS = "docs/mathematics.md"
_BATCH = 32
_TRAINING_IMAGES = 1347


def build_model(block, ham, normalization):
    """A classifier, images `[batch, 8, 8, 1]` to logits `[batch, 10]`."""
    from tensorflow import keras

    import ham_tf

    def convolution(strides):
        return keras.layers.Conv2D(32, 3, strides, "same", activation="relu")

    inputs = keras.Input([8, 8, 1])
    x = getattr(ham_tf, block)(ham, normalization=normalization)(convolution(1)(inputs))
    x = keras.layers.GlobalAveragePooling2D()(convolution(2)(x))
    return keras.Model(inputs, keras.layers.Dense(10)(x))


def accuracies(model, steps, seed):
    """Trains a model.

    Args:
        model: the classifier.
        steps: when it is judged, ascending multiples of 10.
        seed: of the order of the images.

    Returns:
        Accuracy at inference and with the batch's statistics, for each of `steps`.
    """
    import numpy as np
    import tensorflow as tf
    from sklearn.datasets import load_digits
    from tensorflow import keras

    digits = load_digits()
    images = (digits.images[..., None] / 16).astype(np.float32)
    order = np.random.RandomState(0).permutation(len(images))
    train, test = order[:_TRAINING_IMAGES], order[_TRAINING_IMAGES:]
    batches = tf.data.Dataset.from_tensor_slices((images[train], digits.target[train]))
    batches = batches.shuffle(len(train), seed=seed).repeat().batch(_BATCH)
    model.compile(
        keras.optimizers.Adam(3e-3),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        steps_per_execution=10,
    )
    judged, done = [], 0
    for step in steps:
        model.fit(batches, steps_per_epoch=step - done, shuffle=False, verbose=0)
        done = step
        judged.append(
            [
                np.mean(np.argmax(model(images[test], training=mode), 1) == digits.target[test])
                for mode in (False, True)
            ]
        )
    return judged


def table(arguments):
    """The Markdown table, a row per block, ham and normalisation."""
    from tensorflow import keras

    from benchmarks.documented_tables import markdown_table

    rows = []
    for block in arguments.blocks:
        for ham in arguments.hams:
            for normalization in arguments.normalizations:
                keras.utils.set_random_seed(arguments.seed)
                model = build_model(block, ham, normalization)
                judged = accuracies(model, arguments.steps, arguments.seed)
                cells = [f"{inference:.0%} / {batch:.0%}" for inference, batch in judged]
                rows.append([f"`{block}`", ham, normalization, *cells])
                print(*rows[-1], flush=True)
    return markdown_table(
        ["block", "ham", "normalization", *(f"{n:,} steps" for n in arguments.steps)], rows
    )


def parse(argv=None):
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.short_training",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )

    def several(flag, offered):
        parser.add_argument(
            flag, nargs="+", choices=offered, default=offered, help=f"default: {' '.join(offered)}"
        )

    several("--blocks", BLOCKS)
    several("--hams", HAMS)
    several("--normalizations", NORMALIZATIONS)
    parser.add_argument("--steps", nargs="+", type=int, default=[100, 300, 1000, 3000])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--docs", action="store_true", help=f"put the table into {_DOCS}")
    return parser.parse_args(argv)


def main(argv=None):
    arguments = parse(argv)
    from benchmarks.documented_tables import machine, replace_tables, stack

    lines = [f"{machine()}:", "", *table(arguments)]
    print("\n".join(["", *lines]))
    if arguments.docs:
        replace_tables(_DOCS, f"short training {stack()}", "\n".join(lines))


if __name__ == "__main__":
    main()
