"""Work that waits for storage, in threads."""

import concurrent.futures
from collections.abc import Iterable, Iterator
from typing import Callable, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_threads(
    function: Callable[[Item], Result], items: Iterable[Item], threads: int
) -> Iterator[Result]:
    """Like `map`, in threads; after an error or a `close` nothing new is begun."""
    if threads <= 1:
        yield from map(function, items)
        return
    executor = concurrent.futures.ThreadPoolExecutor(threads)
    try:
        yield from executor.map(function, items)
    finally:
        executor.shutdown(cancel_futures=True)
