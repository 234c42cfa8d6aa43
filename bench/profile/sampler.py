"""Find where the time of running code goes, by sampling its stack."""

import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping
from types import CodeType, FrameType, TracebackType
from typing import Generic, Self, TypeVar

SECONDS_BETWEEN = 0.002  # from one sample to the next

K = TypeVar("K", bound=Hashable)


class Sampler(Generic[K]):
    """Adds up the seconds that this thread spends inside the block, sorted by what is on its stack.

    The watched code needs no change. A sample counts for the time since the previous one, so the sums cover the whole
    time even if samples come late. Work on a GPU is not seen, only the code that waits for it.

    Args:
        sort: returns what the time belongs to while the functions with these codes are running.
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
        what, over = None, False
        while not over:
            over = self._over.wait(SECONDS_BETWEEN)
            if not over or what is None:  # after the end, the rest counts for the last sample
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
