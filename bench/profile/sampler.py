"""Where the time of running code goes, by looking at its stack again and again."""

import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping
from types import CodeType, FrameType, TracebackType
from typing import Generic, Self, TypeVar

SECONDS_BETWEEN = 0.002  # from one look to the next

K = TypeVar("K", bound=Hashable)


class Sampler(Generic[K]):
    """Adds up the seconds that this thread spends inside the block, sorted by what is on its stack.

    Nothing in the code that is looked at has to know. A look counts for the time since the last one, so that the sums
    are the whole time even where looks come late. What runs on a GPU is not seen, only who waits for it.

    Args:
        sort: what the time belongs to where the functions with these codes are running.
    """

    def __init__(self, sort: Callable[[frozenset[CodeType]], K]) -> None:
        self._sort = sort
        self._seconds: dict[K, float] = defaultdict(float)
        self._watched = threading.get_ident()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    @property
    def seconds(self) -> Mapping[K, float]:
        """The seconds so far, by what they belong to."""
        return dict(self._seconds)

    def _watch(self) -> None:
        last = time.perf_counter()
        while not self._over.wait(SECONDS_BETWEEN):
            what = self._sort(_codes(sys._current_frames().get(self._watched)))  # noqa: SLF001 - documented
            now = time.perf_counter()
            self._seconds[what] += now - last
            last = now


def _codes(frame: FrameType | None) -> frozenset[CodeType]:
    found = set()
    while frame is not None:
        found.add(frame.f_code)
        frame = frame.f_back
    return frozenset(found)
