"""Where jobs run: one file per executor."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Protocol

from bench.data.dataset import Places
from bench.run.executors.event import Event
from bench.run.job import Job

NAMES = ("local", "slurm", "ray")


@dataclass(frozen=True, kw_only=True)
class ExecutorRequest:
    """What the user asks of an executor.

    Attributes:
        results, places, by, time_limit: as in `Workplace`.
        device: `auto`, `cpu`, `cuda` or `cuda:N`, on the machine that runs a cell.
        jobs: number of cells run in parallel; None for the executor's default.
        resources: cluster resources per cell, under the executor's own names.
    """

    results: Path
    places: Places
    by: str
    device: str = "auto"
    jobs: int | None = None
    time_limit: float | None = None
    resources: Mapping[str, str] = field(default_factory=dict)


class Executor(Protocol):
    """Runs jobs somewhere."""

    def run(self, jobs: Sequence[Job]) -> Iterator[Event]:
        """Run jobs, each after the noise that it needs, and yield events."""


def make_executor(name: str, request: ExecutorRequest) -> Executor:
    """Return the executor with a name in `NAMES`.

    Raises:
        RequestError: if it cannot do what is asked, or is not installed.
    """
    executor: Executor = import_module(f"bench.run.executors.{name}").make(request)
    return executor
