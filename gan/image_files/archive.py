"""Images as one .npz file, as tools for the Fréchet inception distance take them."""

import contextlib
import zipfile

import numpy as np

from gan.atomic_file import open_atomically

_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest in a zip file: the same content, the same bytes


@contextlib.contextmanager
def open_archive(path: str, count: int, image_size: int):
    """Writes images to `path` as they come, in memory that does not grow with them.

    The file appears when the block has ended without an error. It holds `arr_0`,
    uint8 `[count, image_size, image_size, 3]`, RGB, and `arr_1`, the labels, int64
    `[count]`.

    Args:
        path: of the file.
        count: of the images.
        image_size: their side in pixels.

    Yields:
        A function of the number of an image, its sample, and the image, uint8
        `[image_size, image_size, 1 or 3]`; of grey images the values are repeated.
    """
    labels = []
    header = {
        "shape": (count, image_size, image_size, 3),
        "fortran_order": False,
        "descr": "|u1",
    }
    with open_atomically(path) as file, zipfile.ZipFile(file, "w") as archive:
        # Sizes are known afterwards only: room for those of more than 4 GB.
        with archive.open(zipfile.ZipInfo("arr_0.npy", _TIME), "w", force_zip64=True) as member:
            np.lib.format.write_array_header_1_0(member, header)

            def add(index, sample, image):
                del index
                labels.append(sample.label)
                member.write(np.broadcast_to(image, (image_size, image_size, 3)).tobytes())

            yield add
        with archive.open(zipfile.ZipInfo("arr_1.npy", _TIME), "w") as member:
            np.lib.format.write_array(member, np.array(labels, np.int64))
