"""The ImageNet challenge in miniature: real names and formats, few and small images."""

import dataclasses
import io
import tarfile

import numpy as np
import tensorflow as tf
from PIL import Image

# Classes 0 and 60, the latter with an image in CMYK, and 267, with the one in PNG.
WORDNET_IDS = ("n01440764", "n01739381", "n02105855")
CMYK_NAME = "n01739381_1309.JPEG"
PNG_NAME = "n02105855_2933.JPEG"


@dataclasses.dataclass(frozen=True)
class Images:
    """Encoded images by name.

    Attributes:
        train: WordNet id to `{name: bytes}`.
        validation, test: `{name: bytes}`.
    """

    train: dict
    validation: dict
    test: dict


def make_images(
    wordnet_ids=WORDNET_IDS, per_class=4, validation_count=6, test_count=0, size=(20, 16)
) -> Images:
    """Makes images, each different, with CMYK and PNG under the names that have it.

    Args:
        wordnet_ids: classes of the train split.
        per_class: number of its images.
        validation_count: number of validation images, which have the first numbers.
        test_count: number of test images.
        size: width and height of the images in pixels.
    """
    numbers = iter(range(1 << 30))

    def encoded(mode="RGB", form="JPEG"):
        generator = np.random.default_rng(next(numbers))
        corners = generator.integers(0, 256, [len(mode), 2, 2], np.uint8)
        file = io.BytesIO()
        bands = [Image.fromarray(band).resize(size) for band in corners]
        Image.merge(mode, bands).save(file, form)
        return file.getvalue()

    def of_class(wordnet_id):
        images = {f"{wordnet_id}_{10 * i + 1}.JPEG": encoded() for i in range(per_class)}
        special = {CMYK_NAME: ("CMYK", "JPEG"), PNG_NAME: ("RGB", "PNG")}
        for name, kind in special.items():
            if name.startswith(wordnet_id):
                del images[f"{wordnet_id}_1.JPEG"]
                images[name] = encoded(*kind)
        return images

    return Images(
        {wordnet_id: of_class(wordnet_id) for wordnet_id in wordnet_ids},
        {f"ILSVRC2012_val_{i + 1:08d}.JPEG": encoded() for i in range(validation_count)},
        {f"ILSVRC2012_test_{i + 1:08d}.JPEG": encoded() for i in range(test_count)},
    )


def make_tar(members: dict, **options) -> bytes:
    """A tar archive of `{path: bytes}`; a path that ends in "/" is a folder."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", **options) as archive:
        for path, content in members.items():
            info = tarfile.TarInfo(path.rstrip("/") or "/")
            info.size = len(content)
            if path.endswith("/"):
                info.type = tarfile.DIRTYPE
            archive.addfile(info, io.BytesIO(content))
    return file.getvalue()


def class_archives(images: Images) -> dict:
    """`{name: bytes}` of the archives of the classes."""
    return {f"{wordnet_id}.tar": make_tar(train) for wordnet_id, train in images.train.items()}


def write(folder, files: dict):
    """Writes `{path: bytes}` into a folder, local or of any of TensorFlow's file systems."""
    for path, content in files.items():
        whole = f"{folder}/{path}"
        tf.io.gfile.makedirs(whole.rpartition("/")[0])
        if tf.io.gfile.exists(whole):  # TensorFlow's memory would append to it.
            tf.io.gfile.remove(whole)
        with tf.io.gfile.GFile(whole, "wb") as file:
            file.write(content)


def write_tars(folder, images: Images):
    """Writes the official archives: of archives of the classes, and flat ones."""
    files = {"ILSVRC2012_img_train.tar": make_tar(class_archives(images))}
    if images.validation:
        files["ILSVRC2012_img_val.tar"] = make_tar(images.validation)
    if images.test:
        files["ILSVRC2012_img_test.tar"] = make_tar(images.test)
    write(folder, files)


def write_tree(folder, images: Images, sorted_validation=False, validation="val"):
    """Writes folders train, `validation` and test as extraction leaves them."""
    from preprocessing.ilsvrc import challenge

    def within(name):
        if not sorted_validation:
            return f"{validation}/{name}"
        label = challenge.validation_labels()[int(name[15:23]) - 1]
        return f"{validation}/{challenge.wordnet_ids()[label]}/{name}"

    for wordnet_id, train in images.train.items():
        write(f"{folder}/train/{wordnet_id}", train)
    write(folder, {within(name): content for name, content in images.validation.items()})
    write(folder, {f"test/{name}": content for name, content in images.test.items()})
