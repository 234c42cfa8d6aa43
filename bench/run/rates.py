"""What is known of a device's speed: image-passes per second of networks, measured by profiles or seen in records."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attacks.core.errors import RequestError
from attacks.core.files import write_atomically
from bench.config.models import Setup
from bench.records.store import Store
from bench.run.environment import cpu_name
from bench.run.plan import Job
from bench.run.progress import weigh, work
from bench.run.workplace import Workplace


class Rates:
    """Frozen image-passes per second of one worker at a workplace, by network, size and precision; cached."""

    def __init__(self, workplace: Workplace) -> None:
        self._path = workplace.places.cache / "rates.json"
        self._device = device_name(workplace.device)
        self._threads = workplace.threads
        self._known = _read(self._path)

    def of(self, job: Job) -> float | None:
        """Return the rate of a job's network, or None where it is not known."""
        return self._known.get(self._name(job.network, job.shape[1], job.setup)) if job.network else None

    def note(self, network: str, side: int, setup: Setup, rate: float) -> None:
        """Take over the rate of a network that sees images of `side` pixels, as measured."""
        self._known[self._name(network, side, setup)] = rate

    def learn(self, jobs: Iterable[Job], store: Store) -> None:
        """Take over the rates that the records of jobs show, of those that this very device made."""
        work: dict[str, float] = defaultdict(float)
        seconds: dict[str, float] = defaultdict(float)
        for job in jobs:
            record = store.read(job.cell) if job.network else None
            if record is None or (record.environment.device, record.environment.threads) != self._place:
                continue
            name = self._name(job.network, job.shape[1], job.setup)
            for phase, cost in record.costs.items():
                if cost.passes and cost.seconds and phase != "preparation":  # which has networks of its own
                    work[name] += weigh(cost.passes)
                    seconds[name] += cost.seconds
        self._known |= {name: work[name] / seconds[name] for name in work if work[name]}

    def save(self) -> None:
        """Keep what is known, where that is news and the cache can be written."""
        if self._known == _read(self._path):
            return
        try:
            write_atomically(self._path, json.dumps(self._known, indent=2, sort_keys=True).encode())
        except RequestError:
            return  # no number depends on it

    @property
    def _place(self) -> tuple[str, int]:
        return self._device, self._threads

    def _name(self, network: str | None, side: int, setup: Setup) -> str:
        return f"{self._device}/{self._threads}/{network}/{side}/{setup.stem}/{setup.precision}"


def device_name(device: str) -> str:
    """Return the name of `cpu` or `cuda:N` as records state it."""
    if device == "cpu":
        return cpu_name()
    import torch

    return torch.cuda.get_device_name(device)


def _read(path: Path) -> dict[str, float]:
    try:
        data: Any = json.loads(path.read_text(encoding="utf-8"))
        return {str(name): float(rate) for name, rate in data.items() if float(rate) > 0}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}  # a cache: learnt again


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Remaining time.

    Attributes:
        seconds: those of the jobs whose network's speed is known, data loading apart.
        unknown: (network, dataset) where it is not known, sorted.
    """

    seconds: float
    unknown: tuple[tuple[str, str], ...]


def estimate(jobs: Iterable[Job], rates: Rates, workplaces: Sequence[Workplace]) -> Estimate:
    """Estimate the time that jobs will take on so many workers."""
    seconds = 0.0
    unknown = set()
    for job in jobs:
        if rate := rates.of(job):
            seconds += work(job) / rate
        elif job.network:
            unknown.add((job.network, job.dataset))
    return Estimate(seconds=seconds / len(workplaces), unknown=tuple(sorted(unknown)))
