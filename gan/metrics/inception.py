"""Inception, the judge of photographs, as the published figures were measured with it.

TF-GAN's module on TensorFlow Hub: images are resized to 299×299 bilinearly
without antialiasing; `pool_3` are the features, `logits` the 1008 logits.
"""

import functools
import hashlib
import os
import warnings
from typing import ClassVar

import tensorflow as tf

HANDLE = "https://tfhub.dev/tensorflow/tfgan/eval/inception/1"
_SIZE = 299
_WIDTHS = {"pool_3": 2048, "logits": 1008}
_HOW_TO_PROVIDE = (
    f"Where there is a network, download {HANDLE}?tf-hub-format=compressed and unpack it "
    "(tar -xzf) into a folder; then give --inception=FOLDER."
)


class InceptionError(ValueError):
    """Inception that cannot be had or used; the message says how to provide it."""


class Inception:
    """Inception from a SavedModel, a `gan.metrics.feature_network.FeatureNetwork`.

    Args:
        source: a TensorFlow Hub handle (for which the library `tensorflow_hub` must
            be installed), or the folder of a SavedModel that takes images
            `[batch, 299, 299, 3]` and gives `pool_3` and `logits`, by a call or by
            a signature.

    Attributes:
        folder: where the SavedModel lies.
        sha256: of all its files: their names and contents, in order of the names.

    Raises:
        InceptionError: if there is none, or it is something else.
    """

    name: ClassVar[str] = "tfgan"
    conditions: ClassVar[str] = f"tfgan_bilinear{_SIZE}"
    most_images: ClassVar[int] = 64  # Its activations are large: 299 × 299 pixels to begin with.
    knows_labels: ClassVar[bool] = False  # Its 1008 classes are in an order of their own.
    distance: ClassVar[str] = "fid"
    score: ClassVar[str] = "is"
    kernel: ClassVar[str] = "kid"

    def __init__(self, source: str = HANDLE):
        self.folder = _find(source)
        self.sha256 = _sha256(self.folder)
        self._loaded, self._run = _load(source, self.folder)
        self._check(source)

    def __call__(self, images):
        """Images `[batch, size, size, 1 or 3]` in [-1, 1] to features and logits."""
        if images.shape[-1] == 1:
            images = tf.repeat(images, 3, axis=-1)
        # The published pipeline's resize: corners not aligned, pixels not centred.
        outputs = self._run(tf.compat.v1.image.resize_bilinear(images, [_SIZE, _SIZE]))
        return tuple(
            tf.reshape(tf.cast(outputs[name], tf.float32), [tf.shape(images)[0], width])
            for name, width in _WIDTHS.items()
        )

    def _check(self, source):
        try:
            outputs = self._run(tf.zeros([2, _SIZE, _SIZE, 3]))
        except (tf.errors.OpError, ValueError, TypeError) as error:
            raise InceptionError(
                f"--inception={source}: it takes no images [batch, {_SIZE}, {_SIZE}, 3] "
                f"({_first_line(error)}). {_HOW_TO_PROVIDE}"
            ) from error
        names = sorted(outputs) if isinstance(outputs, dict) else []
        missing = [name for name in _WIDTHS if name not in names]
        if missing:
            raise InceptionError(
                f"--inception={source}: it has no output {missing[0]}; it has "
                f"{', '.join(names) or 'none with names'}. {_HOW_TO_PROVIDE}"
            )
        for name, width in _WIDTHS.items():
            if int(tf.size(outputs[name])) != 2 * width:
                raise InceptionError(
                    f"--inception={source}: its {name} has shape {list(outputs[name].shape)} "
                    f"for 2 images, not [2, {width}]. {_HOW_TO_PROVIDE}"
                )


def _find(source):
    """The folder of the SavedModel."""
    if "://" not in source:
        if not os.path.isdir(source):
            raise InceptionError(
                f"--inception={source}: there is no such folder. {_HOW_TO_PROVIDE}"
            )
        return source
    try:
        with warnings.catch_warnings():  # It warns of its own pkg_resources.
            warnings.simplefilter("ignore")
            import tensorflow_hub as hub
    except ImportError as error:
        raise InceptionError(
            f"Inception from {source}: a TensorFlow Hub handle needs the library tensorflow_hub, "
            f"which is not installed. {_HOW_TO_PROVIDE}"
        ) from error
    try:
        return hub.resolve(source)
    except Exception as error:  # Of urllib, TensorFlow, tarfile: whatever the network does.
        raise InceptionError(
            f"Inception from {source}: cannot be fetched ({_first_line(error)}). {_HOW_TO_PROVIDE}"
        ) from error


def _load(source, folder):
    """The restored object, which owns the weights, and a function of images."""
    # TF-Hub's older format, which has this file, saves its graph without a tag.
    tags = [] if os.path.isfile(os.path.join(folder, "tfhub_module.pb")) else None
    try:
        loaded = tf.saved_model.load(folder, tags=tags)
    except Exception as error:  # TensorFlow raises whatever a strange file leads to.
        raise InceptionError(
            f"--inception={source}: no SavedModel ({_first_line(error)}). {_HOW_TO_PROVIDE}"
        ) from error
    if callable(loaded):
        return loaded, loaded
    for name in ("serving_default", "default"):
        signature = loaded.signatures.get(name)
        if signature is not None and len(signature.structured_input_signature[1]) == 1:
            (argument,) = signature.structured_input_signature[1]
            return loaded, functools.partial(_call_signature, signature, argument)
    raise InceptionError(
        f"--inception={source}: the SavedModel can neither be called nor has it a signature "
        f"'serving_default' or 'default' of one input. {_HOW_TO_PROVIDE}"
    )


def _call_signature(signature, argument, images):
    return signature(**{argument: images})


def _sha256(folder):
    digest = hashlib.sha256()
    paths = [os.path.join(path, name) for path, _, names in os.walk(folder) for name in names]
    for path in sorted(paths, key=lambda path: os.path.relpath(path, folder)):
        digest.update(os.fsencode(os.path.relpath(path, folder)) + b"\0")
        with open(path, "rb") as file:
            for block in iter(lambda: file.read(1 << 20), b""):
                digest.update(block)
    return digest.hexdigest()


def _first_line(error):
    return (str(error).strip() or type(error).__name__).splitlines()[0]
