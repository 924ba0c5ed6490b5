"""Images as PNG files in a folder, one file each."""

import contextlib
import os
import re
import shutil
import tempfile

from gan.atomic_file import UNFINISHED
from gan.image_files.grid import to_picture, to_png
from preprocessing.class_names import ClassNames


def file_name(label: int, seed: int, names: ClassNames) -> str:
    """Name of the file of one image, which sorts by class and seed."""
    number = names.number(label)
    name = re.sub("[^a-z0-9]+", "_", names.name(label).lower()).strip("_")
    name = f"_{name}" if name and name.lstrip("0") != str(number).lstrip("0") else ""
    return f"class_{number:0{names.number_width}}{name}_seed_{seed:06}.png"


@contextlib.contextmanager
def open_folder(path: str, names: ClassNames):
    """Writes images into a new folder as they come.

    The folder appears, with all of them, when the block has ended without an error.

    Args:
        path: of the folder, which does not exist or is empty.
        names: of the classes, for the names of the files.

    Yields:
        A function of the number of an image, its sample, and the image, uint8
        `[height, width, 1 or 3]`.
    """
    path = os.path.abspath(path)
    parent = os.path.dirname(path)
    os.makedirs(parent, exist_ok=True)
    temporary = tempfile.mkdtemp(dir=parent, prefix=UNFINISHED)

    def add(index, sample, image):
        del index
        name = file_name(sample.label, sample.seed, names)
        with open(os.path.join(temporary, name), "xb") as file:
            file.write(to_png(to_picture(image)))

    try:
        yield add
        os.chmod(temporary, 0o755)
        os.replace(temporary, path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
