"""What the tests of the runner share: folders, commands run in this process, and records.

The records are those that the current code would plan and write; their numbers are made up and mean nothing.
"""

import contextlib
import hashlib
import io
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from bench.cli import main
from bench.config.load import load_protocol
from bench.config.models import Grid, NoiseCell, VictimCell
from bench.data.dataset import Places
from bench.records.schema import (
    Cost,
    Environment,
    Metrics,
    NoiseMetrics,
    NoiseRecord,
    Passes,
    Point,
    Record,
    VictimRecord,
)
from bench.records.store import Store
from bench.run.job import Job
from bench.run.plan import make_plan

COMMON = {
    "status": "ok",
    "environment": Environment(
        device="Synthetic GPU", driver="580.1", threads=2, platform="test", versions={}, commit="0" * 40, dirty=False
    ),
    "finished": "2026-01-01T00:00:00Z",
    "by": "test",
}


@dataclass(frozen=True)
class Ended:
    """A command's exit status and what it wrote."""

    status: int
    out: str
    err: str

    @property
    def began(self) -> list[str]:
        """The cells that a run began."""
        return [line.split()[-1] for line in self.err.splitlines() if "  start  " in line]


@contextlib.contextmanager
def on_one_core() -> Iterator[None]:
    """Keep this process and its workers on one core: on a busy machine, two threads wait long for each other.

    If tests run in several processes, each gets a core of its own while there are enough.
    """
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    process = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    os.sched_setaffinity(0, {sorted(cores)[process % len(cores)]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def ended(words: list[str]) -> Ended:
    """Run a command in this process, and restore the settings that it changed."""
    out, err = io.StringIO(), io.StringIO()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        with on_one_core(), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = main(words)
    finally:
        torch.set_flush_denormal(False)
        for number, handler in handlers.items():
            signal.signal(number, handler)
    return Ended(status, out.getvalue(), err.getvalue())


@pytest.fixture
def one_core() -> Iterator[None]:
    """Keep what a test starts on one core, like the commands run in this process."""
    with on_one_core():
        yield


@pytest.fixture(scope="session")
def command() -> Callable[[list[str]], Ended]:
    return ended


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(data=tmp_path / "data", cache=tmp_path / "cache")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _record(job: Job) -> Record:
    digests = {"dataset": _digest(job.noise.dataset), "noise": _digest(job.noise.label)}
    common = COMMON | {"precision": job.setup.precision, "digests": digests}
    if isinstance(job.cell, NoiseCell):
        costs = {"generation": Cost(seconds=5, passes=job.passes)} if job.passes != Passes() else {}
        sizes = NoiseMetrics(linf=8 if costs else 0, l2_mean=300 if costs else 0)
        return NoiseRecord(cell=job.cell, costs=costs, metrics=sizes, bound="L-inf rho_u", bounded=True, **common)
    return _victim(job, job.cell, common)


def _victim(job: Job, cell: VictimCell, common: dict[str, object]) -> VictimRecord:
    numbers = job.setup.victim
    final = (80 if cell.method == "clean" else 20) + cell.seed - cell.rho_a
    steps = range(numbers.evaluate_every, numbers.steps + 1, numbers.evaluate_every)
    curve = tuple(Point(step=step, accuracy=final * step / numbers.steps, loss=1.0) for step in steps)
    tail = [point.accuracy for point in curve[-numbers.last_mean :]]
    return VictimRecord(
        cell=cell,
        metrics=Metrics(
            accuracy_final=final,
            accuracy_last_mean=sum(tail) / len(tail),
            accuracy_peak=final,
            accuracy_robust=10 if cell.rho_a else None,
        ),
        curve=curve,
        costs={
            "training": Cost(seconds=60, passes=job.passes - Passes(forward=job.passes.forward)),
            "evaluation": Cost(seconds=3, passes=Passes(forward=job.passes.forward)),
        },
        **common,
    )


@pytest.fixture(scope="session")
def planned_records(tmp_path_factory: pytest.TempPathFactory) -> list[Record]:
    """The records of two methods, one victim, two radii and two seeds on CIFAR-10, without its images."""
    empty = tmp_path_factory.mktemp("no-data")
    grid = Grid(
        name="test",
        protocol="smoke-v1",
        datasets=("cifar10",),
        methods=("clean", "em-fu22"),
        victims=("resnet18",),
        radii=(0, 4),
        seeds=(0, 1),
    )
    return [_record(job) for job in make_plan(grid, load_protocol("smoke-v1"), Places(data=empty, cache=empty)).jobs]


@pytest.fixture
def record_of() -> Callable[[Job], Record]:
    """Return the record that a job would leave, without running it."""
    return _record


@pytest.fixture
def write_records(planned_records: list[Record]) -> Callable[[Path], Path]:
    """Write `planned_records` into a folder and return it."""

    def write(root: Path) -> Path:
        for record in planned_records:
            Store(root).write(record)
        return root

    return write
