"""Time computations, waiting for the device to finish them."""

import math
import time
from collections.abc import Callable
from statistics import quantiles

from attacks.core.errors import StoppedError
from attacks.core.runtime import Runtime
from attacks.core.state import State

LEAST = 2  # rounds


def once(action: Callable[[], object], runtime: Runtime) -> float:
    """Return the seconds that `action` takes."""
    runtime.synchronise()
    start = time.perf_counter()
    action()
    runtime.synchronise()
    return time.perf_counter() - start


def repeat(action: Callable[[], object], runtime: Runtime, *, budget: float) -> list[float]:
    """Return the seconds of each round of `action`: at least two, then as many as fit into `budget` seconds."""
    found: list[float] = []
    while len(found) < LEAST or sum(found) < budget:
        found.append(once(action, runtime))
    return found


def interquartile_range(seconds: list[float]) -> float:
    """Return the distance between the quartiles; nan for a single round."""
    if len(seconds) == 1:
        return math.nan
    low, _, high = quantiles(seconds, n=4, method="inclusive")
    return high - low


class StepTimer:
    """A keeper that times the steps of some work and ends it after a given number.

    Args:
        runtime: the runtime whose device is waited for.
        steps: how many; if several, the first is a warm-up and does not count.
    """

    def __init__(self, runtime: Runtime, steps: int) -> None:
        self._runtime = runtime
        self._steps = steps
        self._ends: list[float] = []

    @property
    def seconds(self) -> list[float]:
        """The seconds of each step that counts."""
        found = [after - before for before, after in zip(self._ends, self._ends[1:], strict=False)]
        return found[1:] or found

    def restored(self) -> State | None:
        """Return None, and note the beginning of the first step."""
        self._note()
        return None

    def offer(self, capture: Callable[[], State]) -> None:  # noqa: ARG002
        """Note the time between two steps.

        Raises:
            StoppedError: after the last.
        """
        self._note()
        if len(self._ends) > self._steps:
            raise StoppedError

    def _note(self) -> None:
        self._runtime.synchronise()
        self._ends.append(time.perf_counter())
