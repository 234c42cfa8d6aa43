"""The known speed of a device: image-passes per second by network, measured by profiles or taken from records."""

import contextlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from attacks.core.errors import RequestError, escaped
from attacks.core.files import write_atomically
from bench.config.models import Setup, VictimCell
from bench.data import entries
from bench.records.schema import Cost, Environment, Record, model_of
from bench.records.store import Store
from bench.run.environment import cpu_model, cpu_name
from bench.run.job import Job
from bench.run.plan import remaining
from bench.run.progress import work
from bench.run.workplace import Workplace


class Rates:
    """Frozen image-passes per second of one worker, by network, image size, stem and precision; cached."""

    def __init__(self, workplace: Workplace) -> None:
        self._path = workplace.places.cache / "rates.json"
        self._model = model_name(workplace.device)
        self._is_cpu = workplace.device == "cpu"
        self._threads = workplace.threads
        self._known = _read(self._path)
        self._borrowed: dict[str, _Seen] = defaultdict(_Seen)

    def of(self, job: Job) -> float | None:
        """Return the rate of a job's network, or None if it is unknown."""
        return self._known.get(self._name(job.network, job.shape[1], job.setup)) if job.network else None

    def elsewhere(self, job: Job) -> "tuple[float, frozenset[str]] | None":
        """Return the rate of a job's network on other machines, and their devices; None if it is unknown."""
        seen = self._borrowed.get(_about(job.network, job.shape[1], job.setup.stem, job.setup.precision))
        if seen is None or not seen.seconds:
            return None
        return seen.work / seen.seconds * (self._threads if self._is_cpu else 1), frozenset(seen.devices)

    def borrow(self, records: Iterable[Record]) -> None:
        """Add rates of other machines of this kind: any CPU, per thread, or GPUs of the same name.

        Args:
            records: their records; those without a known image size, as of a user's own dataset, are ignored.
        """
        sides = {known.name: known.shape[2] for known in entries()}
        for record in records:
            place, cell = record.environment, record.cell
            if place.model != self._model and not (self._is_cpu and place.driver is None):
                continue
            side = cell.numbers.get("augment", {}).get("size") or sides.get(cell.dataset)
            stem = cell.numbers.get("network", {}).get("stem")
            network = cell.victim if isinstance(cell, VictimCell) else cell.numbers.get("noise", {}).get("surrogate")
            if not (side and stem and network) or "noise_weights" in cell.inputs:  # these name another surrogate
                continue
            seen = self._borrowed[_about(network, side, stem, record.precision)]
            for cost in _costs(record):
                seen.work += cost.passes.work
                seen.seconds += cost.seconds * (max(1, place.threads) if self._is_cpu else 1)
                seen.devices.add(place.model)

    def note(self, network: str, side: int, setup: Setup, rate: float) -> None:
        """Set the measured rate of a network on images of `side` pixels."""
        self._known[self._name(network, side, setup)] = rate

    def learn(self, jobs: Iterable[Job], records: Mapping[str, Record]) -> None:
        """Add the rates that records, by cell key, show for jobs on this model, on a CPU with as many threads."""
        done: dict[str, float] = defaultdict(float)
        seconds: dict[str, float] = defaultdict(float)
        for job in jobs:
            record = records.get(job.cell.key) if job.network else None
            if record is None or not self._is_here(record.environment):
                continue
            name = self._name(job.network, job.shape[1], job.setup)
            for cost in _costs(record):
                done[name] += cost.passes.work
                seconds[name] += cost.seconds
        self._known |= {name: done[name] / seconds[name] for name in done if done[name]}

    def save(self) -> None:
        """Save the rates if they have changed and the cache can be written."""
        if self._known == _read(self._path):
            return
        try:
            write_atomically(self._path, json.dumps(self._known, indent=2, sort_keys=True).encode())
        except RequestError:
            return  # no result depends on it

    def _is_here(self, place: Environment) -> bool:
        return place.model == self._model and (place.threads == self._threads or not self._is_cpu)

    def _name(self, network: str | None, side: int, setup: Setup) -> str:
        return f"{self._model}/{self._threads}/{_about(network, side, setup.stem, setup.precision)}"


@dataclass
class _Seen:
    """The work that other machines did with a network, and the seconds it took; on a CPU, thread-seconds."""

    work: float = 0.0
    seconds: float = 0.0
    devices: set[str] = field(default_factory=set)


def _about(network: str | None, side: int, stem: str, precision: str) -> str:
    return f"{network}/{side}/{stem}/{precision}"


def _costs(record: Record) -> Iterator[Cost]:
    """Yield the costs of the phases that use the cell's own network; none if it ran in several places."""
    if record.environment.resumed_from:
        return
    for phase, cost in record.costs.items():
        if cost.passes.work and cost.seconds and phase != "preparation":
            yield cost


def published_records() -> Iterable[Record]:
    """Yield the published records, if they are available."""
    if folder := published_folder():
        with contextlib.suppress(RequestError):  # written by a newer version
            yield from Store(folder).all()


def published_folder() -> Path | None:
    """Return the folder of the published records: `results`, else that of this checkout; None if neither exists."""
    folders = (Path("results"), Path(__file__).parents[2] / "results")
    return next((folder for folder in folders if (folder / "records").is_dir()), None)


def model_name(device: str) -> str:
    """Return the model of `cpu` or `cuda:N` as it appears in records."""
    if device == "cpu":
        return model_of(cpu_name(), cpu_model())
    import torch

    return torch.cuda.get_device_name(device)


def _read(path: Path) -> dict[str, float]:
    try:
        data: Any = json.loads(path.read_text(encoding="utf-8"))
        return {str(name): float(rate) for name, rate in data.items() if float(rate) > 0}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}  # only a cache: rates are learnt again


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """The estimated remaining time.

    Attributes:
        seconds: the wall time of the jobs whose network's speed is known, without data loading.
        unknown: the (network, dataset) pairs whose speed is unknown, sorted.
        unmeasured: the work of the jobs whose network's speed is unknown, in image-passes.
        elsewhere: the devices whose speeds were used because this one's are unknown, sorted.
    """

    seconds: float
    unknown: tuple[tuple[str, str], ...]
    unmeasured: float = 0.0
    elsewhere: tuple[str, ...] = ()

    @property
    def borrowed(self) -> str:
        """Whose speeds were used, in words; empty if they are this machine's own."""
        if len(self.elsewhere) > 1:
            return f"at the mean speed of other machines ({len(self.elsewhere)} models)"
        return f"at the speed of another machine ({escaped(self.elsewhere[0])})" if self.elsewhere else ""

    @property
    def order(self) -> tuple[float, float]:
        """A sort key: the cheapest first, those with work of unknown speed last."""
        return self.unmeasured, self.seconds


def estimate_or_borrow(
    jobs: Sequence[Job], rates: Rates, workplaces: Sequence[Workplace], records: Iterable[Record] = ()
) -> Estimate:
    """Estimate the time that jobs will take; where a speed is unknown, by those of other machines.

    Args:
        jobs: the jobs.
        rates: the speeds that are known; those borrowed are added.
        workplaces: one per worker.
        records: what to borrow from, besides the published records.
    """
    found = estimate(jobs, rates, workplaces)
    if found.unknown:
        rates.borrow((*records, *published_records()))
        found = estimate(jobs, rates, workplaces)
    return found


def estimate(jobs: Iterable[Job], rates: Rates, workplaces: Sequence[Workplace]) -> Estimate:
    """Estimate the time that jobs will take, divided evenly among the workers, but no less than the longest of them."""
    times, unmeasured = [0.0], 0.0
    unknown, devices = set(), set[str]()
    for job in remaining(jobs, workplaces[0].places):
        if rate := rates.of(job):
            times.append(work(job) / rate)
        elif found := rates.elsewhere(job):
            times.append(work(job) / found[0])
            devices |= found[1]
        elif job.network:
            unmeasured += work(job)
            unknown.add((job.network, job.dataset))
    return Estimate(
        seconds=max(sum(times) / len(workplaces), *times),
        unknown=tuple(sorted(unknown)),
        unmeasured=unmeasured,
        elsewhere=tuple(sorted(devices)),
    )
