"""Find where the time of running code goes, by sampling its stack."""

import inspect
import signal
import time
from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping
from types import CodeType, FrameType, TracebackType
from typing import Generic, Self, TypeVar

SECONDS_BETWEEN = 0.002  # from one sample to the next

K = TypeVar("K", bound=Hashable)


class Sampler(Generic[K]):
    """Adds up the seconds spent inside the block, sorted by what is on its stack.

    The watched code needs no change. A sample counts for the time since the previous one, so the sums cover the whole
    time even if samples come late. Work on a GPU is not seen, only the code that waits for it.

    A timer's signal interrupts the main thread, which then looks at its own stack: Python 3.11 may crash when another
    thread looks (CPython issues 106092, 111363).

    Args:
        sort: returns what the time belongs to while the functions with these codes are running.

    Raises:
        ValueError: when entered outside the main thread.
    """

    def __init__(self, sort: Callable[[frozenset[CodeType]], K]) -> None:
        self._sort = sort
        self._seconds: dict[K, float] = defaultdict(float)

    def __enter__(self) -> Self:
        self._what, self._last = self._sort(_codes(inspect.currentframe())), time.perf_counter()
        self._before = signal.signal(signal.SIGALRM, self._sample)
        signal.siginterrupt(signal.SIGALRM, False)  # system calls are restarted
        signal.setitimer(signal.ITIMER_REAL, SECONDS_BETWEEN, SECONDS_BETWEEN)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self._before)
        self._count()  # the rest

    @property
    def seconds(self) -> Mapping[K, float]:
        """The seconds so far, by what they belong to."""
        return dict(self._seconds)

    def _sample(self, _signal: int, frame: FrameType | None) -> None:
        self._what = self._sort(_codes(frame))
        self._count()

    def _count(self) -> None:
        now = time.perf_counter()
        self._seconds[self._what] += now - self._last
        self._last = now


def _codes(frame: FrameType | None) -> frozenset[CodeType]:
    found = set()
    while frame is not None:
        found.add(frame.f_code)
        frame = frame.f_back
    return frozenset(found)
