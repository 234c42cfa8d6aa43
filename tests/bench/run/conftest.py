"""Plans on CIFAR-10, whose identity needs no data, a record for any of their jobs, and images for real runs."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from bench.config.load import load_grid
from bench.data import Places
from bench.records.schema import Environment, NoiseRecord, Record, VictimRecord
from bench.run.job import Job
from bench.run.plan import Plan, make_plan

TWO_METHODS = ("datasets=cifar10", "methods=clean,em", "victims=resnet18-w8", "radii=[0,4]")


@pytest.fixture
def plan_of(places: Places) -> Callable[..., Plan]:
    """Plan two methods, one victim and two radii, or what `--set` makes of them."""

    def plan(*changes: str) -> Plan:
        grid, protocol = load_grid("smoke", [*TWO_METHODS, *changes])
        return make_plan(grid, protocol, places)

    return plan


@pytest.fixture
def jobs(plan_of: Callable[..., Plan]) -> Sequence[Job]:
    return plan_of().jobs


@pytest.fixture(scope="session")
def dots(tmp_path_factory: pytest.TempPathFactory, write_tree: Callable[..., Path]) -> Path:
    """A folder of twelve images to train on and four to test on, of two classes."""
    counts = {"train/ant": 6, "train/bee": 6, "test/ant": 2, "test/bee": 2}
    return write_tree(tmp_path_factory.mktemp("images") / "dots", counts)


@pytest.fixture
def more(places: Places, write_tree: Callable[..., Path]) -> Path:
    """A folder `more` in the data folder, to pretrain victims such as `resnet18-w8.more` on."""
    counts = {f"{split}/{name}": 1 for split in ("train", "test") for name in ("dog", "eel")}
    return write_tree(places.data / "more", counts, size=(32, 32))


@pytest.fixture
def record_for() -> Callable[..., Record]:
    """Return a record of a job without running it."""
    environment = Environment(
        device="none", driver=None, threads=1, platform="test", versions={}, commit=None, dirty=None
    )

    def record(job: Job, status: str = "ok", error: str | None = None) -> Record:
        kind, own = (NoiseRecord, {"bound": "", "bounded": True}) if job.cell is job.noise else (VictimRecord, {})
        return kind.model_validate(
            own
            | {
                "cell": job.cell,
                "status": status,
                "error": error,
                "precision": "fp32",
                "environment": environment,
                "finished": "2026-01-01T00:00:00+00:00",
                "by": "test",
            }
        )

    return record
