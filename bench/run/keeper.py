"""Keep the state of a running cell in the cache, so that an interrupted run resumes to the same bytes."""

import json
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

import torch

from attacks.core.errors import DamagedError, RequestError, StoppedError
from attacks.core.files import set_aside, unreadable
from attacks.core.state import State
from attacks.core.tensors import read_tensors, write_tensors
from bench.run.time_limit import TimeLimitError
from bench.run.workplace import Workplace

SECONDS_BETWEEN = 60.0
MOST_SHARE = 0.02  # of the time spent on saving: a large state is saved less often

log = logging.getLogger(__name__)


class FileKeeper:
    """Saves a state as safetensors, every minute and when the work is to stop.

    Args:
        path: the file; removed once the cell is done.
        device: `cpu` or `cuda:N`; its random state is saved too.
        stopping: says whether the work is to stop.
        seconds_between: minimum time between two saves.
        time_limit: seconds that the work may take without interruption; None: no limit.
        place: what the work runs on, in words.

    Attributes:
        resumed_from: the other places where the restored state was worked on.
    """

    def __init__(
        self,
        path: Path,
        device: str,
        stopping: Callable[[], bool],
        *,
        seconds_between: float = SECONDS_BETWEEN,
        time_limit: float | None = None,
        place: str = "",
    ) -> None:
        self._path = path
        self._device = torch.device(device)
        self._stopping = stopping
        self._between = seconds_between
        self._limit = time_limit
        self._place = place
        self._inputs = ""
        self.begin()

    @classmethod
    def at(cls, workplace: Workplace, path: Path, stopping: Callable[[], bool]) -> Self:
        """Return the keeper of work at a workplace."""
        place, limit = workplace.place, workplace.time_limit
        return cls(path, workplace.device, stopping, time_limit=limit, place=place)

    def begin(self) -> None:
        """Start counting seconds from now."""
        self._began = time.monotonic()
        self._due = self._began + self._between
        self._before = 0.0
        self.resumed_from: tuple[str, ...] = ()

    def depends_on(self, inputs: str) -> None:
        """Keep and restore only states of work on these inputs.

        Args:
            inputs: their digest; of those that the name of the file does not determine.
        """
        self._inputs = inputs

    @property
    def seconds(self) -> float:
        """Seconds of work so far, including those before the restored state was saved."""
        return self._before + time.monotonic() - self._began

    def restored(self) -> State | None:
        """Return the state in the file and restore torch's random state from it.

        A damaged file is set aside, and a state of work on other inputs ignored: None.
        """
        if not self._path.exists():
            return None
        try:
            kept, texts = read_tensors(self._path)
        except OSError as error:
            raise unreadable(self._path, error) from error
        except DamagedError as error:
            aside = set_aside(self._path).name
            log.warning("%s is damaged (%s); kept as %s, the cell starts over", self._path, error, aside)
            return None
        if texts.get("inputs") != self._inputs:
            log.warning("%s was kept while working on other images or weights; the cell starts over", self._path)
            return None
        self._before = float(kept.pop("keeper/seconds"))
        self.resumed_from = tuple(place for place in json.loads(texts.get("places", "[]")) if place != self._place)
        torch.set_rng_state(kept.pop("keeper/global"))
        if self._device.type == "cuda":
            torch.cuda.set_rng_state(kept.pop("keeper/gpu"), self._device)
        return kept

    def offer(self, capture: Callable[[], State]) -> None:
        """Save the state if a minute has passed, or if the work is to stop.

        Raises:
            StoppedError: after saving, if the work is to stop.
            TimeLimitError: after saving, if the work exceeded its time limit.
        """
        stopping = self._stopping()
        start = time.monotonic()
        late = self._limit is not None and start - self._began > self._limit
        if stopping or late or start >= self._due:
            self._save(capture)
            end = time.monotonic()
            self._due = end + max(self._between, (end - start) / MOST_SHARE)
        if stopping:
            raise StoppedError
        if late:
            raise TimeLimitError(f"it took longer than {self._limit:g} s; --retry timeout resumes it")

    def _save(self, capture: Callable[[], State]) -> None:
        extra = {
            "keeper/seconds": torch.tensor(self.seconds, dtype=torch.float64),
            "keeper/global": torch.get_rng_state(),
        }
        if self._device.type == "cuda":
            extra["keeper/gpu"] = torch.cuda.get_rng_state(self._device)
        try:
            texts = {"inputs": self._inputs, "places": json.dumps([*self.resumed_from, self._place])}
            write_tensors(self._path, {**capture(), **extra}, texts)
        except RequestError as error:
            log.warning("%s", error)  # the work itself can go on

    def forget(self) -> None:
        """Remove the file: the work is done."""
        self._path.unlink(missing_ok=True)
