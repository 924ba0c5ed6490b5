"""Several files or folders of the same images, and which of them was at fault."""

import contextlib
from collections.abc import Mapping

from gan.image_files.output_path import OutputError


@contextlib.contextmanager
def open_outputs(writers: Mapping[str, contextlib.AbstractContextManager]):
    """Opens the writers of all paths.

    The last one's file appears first. If one fails then, those that appeared stay.

    Args:
        writers: path to what `open_writer` returned for it.

    Yields:
        A function like theirs, which hands an image to all of them.

    Raises:
        OutputError: naming the path that cannot be written, and those that were kept.
    """
    kept = []
    with contextlib.ExitStack() as stack:
        outputs = [
            stack.enter_context(_Output(path, writer, kept)) for path, writer in writers.items()
        ]

        def add(index, sample, image):
            for output in outputs:
                output.add(index, sample, image)

        yield add


class _Output:
    """A writer whose own errors name its path; those of others that pass through do not."""

    def __init__(self, path, writer, kept):
        self._path, self._writer, self._kept = path, writer, kept
        self._add = None

    def __enter__(self):
        with self._naming_the_path():
            self._add = self._writer.__enter__()
        return self

    def add(self, index, sample, image):
        with self._naming_the_path():
            self._add(index, sample, image)

    def __exit__(self, *raised):
        with self._naming_the_path():
            self._writer.__exit__(*raised)
        if raised[0] is None:
            self._kept.append(self._path)

    @contextlib.contextmanager
    def _naming_the_path(self):
        try:
            yield
        except OSError as error:
            rest = f"Kept: {', '.join(self._kept)}." if self._kept else "Nothing was kept."
            raise OutputError(
                f"{self._path}: cannot be written ({error.strerror or error}). {rest}"
            ) from error
