"""Count the seconds and image-passes of one phase of a training."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from attacks.core.cost import Passes
from attacks.core.runtime import Runtime
from attacks.engine.frozen import FrozenNetwork


class Clock:
    """While running, counts seconds, excluding the capture of CUDA graphs, and the passes of a frozen network.

    Args:
        frozen: the network.
        warm_up: returns the seconds spent so far on capturing CUDA graphs.
        runtime: the device.
        seconds, passes: the counts to start from.
    """

    def __init__(
        self,
        frozen: FrozenNetwork,
        warm_up: Callable[[], float],
        runtime: Runtime,
        seconds: float = 0.0,
        passes: Passes | None = None,
    ) -> None:
        self._frozen = frozen
        self._warm_up = warm_up
        self._runtime = runtime
        self._seconds = seconds
        self._passes = passes or Passes()
        self._began: tuple[float, Passes] | None = None

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count the work done inside the `with` block."""
        self._began = self._now(), self._frozen.passes
        yield
        self._seconds, self._passes = self.read()
        self._began = None

    def add(self, passes: Passes) -> None:
        """Count passes that do not go through the frozen network."""
        self._passes += passes

    @property
    def passes(self) -> Passes:
        """The passes counted so far."""
        return self._passes if self._began is None else self._passes + (self._frozen.passes - self._began[1])

    def read(self) -> tuple[float, Passes]:
        """Return the seconds and passes counted so far, once the device has finished."""
        if self._began is None:
            return self._seconds, self._passes
        self._runtime.synchronise()
        return self._seconds + self._now() - self._began[0], self.passes

    def _now(self) -> float:
        return time.perf_counter() - self._warm_up()
