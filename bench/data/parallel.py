"""Work on many small files with threads."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from bench.data.dataset import Progress

Item = TypeVar("Item")
Result = TypeVar("Result")
CHUNK = 128


def in_threads(work: Callable[[Item], Result], items: Sequence[Item], progress: Progress | None = None) -> list[Result]:
    """Return `work` of every item, in order; the first error in that order is raised and ends the rest.

    Items are handed out in chunks, since a future costs as much as a small image.
    """
    chunks = [items[start : start + CHUNK] for start in range(0, len(items), CHUNK)]
    results: list[Result] = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        try:
            for part in pool.map(lambda chunk: [work(item) for item in chunk], chunks):
                results += part
                if progress:
                    progress(len(results), len(items))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return results
