"""Estimate how long jobs will take on a device from what is known of its speed; nothing is measured here."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.run.plan import Job
from bench.run.progress import work
from bench.run.rates import Rates
from bench.run.workplace import Workplace


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
