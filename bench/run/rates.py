"""What is known of a device's speed: image-passes per second of networks, measured by profiles or seen in records."""

import contextlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from attacks.core.errors import RequestError
from attacks.core.files import write_atomically
from bench.config.models import Setup, VictimCell
from bench.data import entries
from bench.records.schema import Cost, Record
from bench.records.store import Store
from bench.run.environment import cpu_name
from bench.run.job import Job
from bench.run.plan import remaining
from bench.run.progress import weigh, work
from bench.run.workplace import Workplace


class Rates:
    """Frozen image-passes per second of one worker at a workplace, by network, size and precision; cached."""

    def __init__(self, workplace: Workplace) -> None:
        self._path = workplace.places.cache / "rates.json"
        self._device = device_name(workplace.device)
        self._is_cpu = workplace.device == "cpu"
        self._threads = workplace.threads
        self._known = _read(self._path)
        self._borrowed: dict[str, _Seen] = defaultdict(_Seen)

    def of(self, job: Job) -> float | None:
        """Return the rate of a job's network, or None where it is not known."""
        return self._known.get(self._name(job.network, job.shape[1], job.setup)) if job.network else None

    def elsewhere(self, job: Job) -> "tuple[float, frozenset[str]] | None":
        """Return the rate of a job's network on other machines, and their devices; or None where it is not known."""
        seen = self._borrowed.get(_about(job.network, job.shape[1], job.setup.stem, job.setup.precision))
        if seen is None or not seen.seconds:
            return None
        return seen.work / seen.seconds * (self._threads if self._is_cpu else 1), frozenset(seen.devices)

    def borrow(self, records: Iterable[Record]) -> None:
        """Take over the rates of other machines of this kind: any CPU, by the thread; or a GPU of the same name.

        Args:
            records: theirs; those of datasets that have no name count for nothing, since their size is not known.
        """
        sides = {known.name: known.shape[2] for known in entries()}
        for record in records:
            place, cell = record.environment, record.cell
            if place.device != self._device and not (self._is_cpu and place.driver is None):
                continue
            side = cell.numbers.get("augment", {}).get("size") or sides.get(cell.dataset)
            stem = cell.numbers.get("network", {}).get("stem")
            network = cell.victim if isinstance(cell, VictimCell) else cell.numbers.get("noise", {}).get("surrogate")
            if not (side and stem and network):
                continue
            seen = self._borrowed[_about(network, side, stem, record.precision)]
            for cost in _costs(record):
                seen.work += weigh(cost.passes)
                seen.seconds += cost.seconds * (max(1, place.threads) if self._is_cpu else 1)
                seen.devices.add(place.device)

    def note(self, network: str, side: int, setup: Setup, rate: float) -> None:
        """Take over the rate of a network that sees images of `side` pixels, as measured."""
        self._known[self._name(network, side, setup)] = rate

    def learn(self, jobs: Iterable[Job], records: Mapping[str, Record]) -> None:
        """Take over the rates that the records of jobs, by the keys of their cells, show of this very device."""
        work: dict[str, float] = defaultdict(float)
        seconds: dict[str, float] = defaultdict(float)
        for job in jobs:
            record = records.get(job.cell.key) if job.network else None
            if record is None or (record.environment.device, record.environment.threads) != self._place:
                continue
            name = self._name(job.network, job.shape[1], job.setup)
            for cost in _costs(record):
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
        return f"{self._device}/{self._threads}/{_about(network, side, setup.stem, setup.precision)}"


@dataclass
class _Seen:
    """What other machines did with a network, and in which time; on a CPU that of one thread."""

    work: float = 0.0
    seconds: float = 0.0
    devices: set[str] = field(default_factory=set)


def _about(network: str | None, side: int, stem: str, precision: str) -> str:
    return f"{network}/{side}/{stem}/{precision}"


def _costs(record: Record) -> Iterator[Cost]:
    """Yield what the phases took that go through the cell's own network."""
    for phase, cost in record.costs.items():
        if weigh(cost.passes) and cost.seconds and phase != "preparation":
            yield cost


def published_records() -> Iterable[Record]:
    """Yield the published records; none where they are not there."""
    if folder := published_folder():
        with contextlib.suppress(RequestError):  # of a newer version
            yield from Store(folder).all()


def published_folder() -> Path | None:
    """Return the folder of the published records: `results`, or else the one that came with this checkout."""
    folders = (Path("results"), Path(__file__).parents[2] / "results")
    return next((folder for folder in folders if (folder / "records").is_dir()), None)


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
        elsewhere: the devices whose speeds were taken for want of this one's, sorted.
    """

    seconds: float
    unknown: tuple[tuple[str, str], ...]
    elsewhere: tuple[str, ...] = ()


def estimate(jobs: Iterable[Job], rates: Rates, workplaces: Sequence[Workplace]) -> Estimate:
    """Estimate the time that jobs will take on so many workers."""
    seconds = 0.0
    unknown, devices = set(), set[str]()
    for job in remaining(jobs):
        if rate := rates.of(job):
            seconds += work(job) / rate
        elif found := rates.elsewhere(job):
            seconds += work(job) / found[0]
            devices |= found[1]
        elif job.network:
            unknown.add((job.network, job.dataset))
    return Estimate(seconds=seconds / len(workplaces), unknown=tuple(sorted(unknown)), elsewhere=tuple(sorted(devices)))
