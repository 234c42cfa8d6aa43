"""The resources to read many images: threads and memory."""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from attacks.core.errors import RequestError
from bench.data.dataset import Progress

Item = TypeVar("Item")
Result = TypeVar("Result")
CHUNK = 128
GROUP, GROUPS = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")  # control groups, by which Linux limits containers


def in_threads(work: Callable[[Item], Result], items: Sequence[Item], progress: Progress | None = None) -> list[Result]:
    """Return `work(item)` for every item, in order; the first error in that order is raised and cancels the rest.

    Items are handed out in chunks, since a future costs as much as reading a small image; few items in smaller ones, so
    that every thread has some.
    """
    size = max(1, min(CHUNK, len(items) // (4 * cores())))
    chunks = [items[start : start + size] for start in range(0, len(items), size)]
    results: list[Result] = []
    with ThreadPoolExecutor(cores()) as pool:
        try:
            for part in pool.map(lambda chunk: [work(item) for item in chunk], chunks):
                results += part
                if progress:
                    progress(len(results), len(items))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return results


def cores() -> int:
    """Return how many cores this process may use."""
    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    shares = (int(time) // int(period) for time, period in map(str.split, _limits("cpu.max")))
    return max(1, min((there, *shares)))


def _limits(name: str) -> Iterator[str]:
    """Yield the limits in a file of the control groups (version 2) that this process is in."""
    with suppress(OSError):
        if found := re.search("^0::/(.*)$", GROUP.read_text(encoding="utf-8"), re.MULTILINE):
            group = GROUPS / found[1]
            for folder in (group, *group.parents):
                with suppress(OSError):
                    if not (text := (folder / name).read_text(encoding="ascii")).startswith("max"):
                        yield text


def check_memory(needed: int, what: str, fix: str) -> None:
    """Refuse what does not fit into memory, rather than being killed by the system.

    Args:
        needed: bytes.
        what: what needs them.
        fix: what to do instead.

    Raises:
        RequestError: if the machine, or the container, has less memory.
    """
    there = min((os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), *map(int, _limits("memory.max"))))
    if needed > there:
        raise RequestError(f"{what} would need {needed / 1e9:.1f} GB; this machine has {there / 1e9:.1f} GB: {fix}")
