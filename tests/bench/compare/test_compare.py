"""A comparison step by step, with an executor whose noise always fails."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench.compare.compare import Comparison, measure
from bench.config.load import load_grid
from bench.data.dataset import Places
from bench.records.schema import Environment, NoiseRecord
from bench.records.store import Store
from bench.run.executors.event import Event
from bench.run.job import Job
from bench.run.plan import make_plan


class Failing:
    """Fails every noise."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.begun: list[str] = []

    def run(self, jobs: Sequence[Job]) -> Iterator[Event]:
        for job in (job for job in jobs if job.cell is job.noise):
            self.begun.append(job.cell.label)
            self._store.write(failure(job))
            yield Event(job=job, kind="ended", status="failed")


def failure(job: Job) -> NoiseRecord:
    environment = Environment(
        device="none", driver=None, threads=1, platform="test", versions={}, commit=None, dirty=None
    )
    data = {"cell": job.cell, "status": "failed", "error": "no", "precision": "fp32", "environment": environment}
    return NoiseRecord.model_validate(data | {"bound": "", "bounded": True, "finished": "now", "by": "test"})


def test_a_noise_that_fails_is_retried_in_one_step_only(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.compare.compare.prepare_run", lambda *_: None)
    changes = ["datasets=cifar10", "methods=em", "victims=resnet18-w8", "radii=[0,2,4]"]
    plan = make_plan(*load_grid("smoke", changes), places)
    noise, *victims = plan.jobs
    unsettled: Any = SimpleNamespace(group_of=lambda _noise: None)
    suite: Any = None
    found = Comparison(
        suite=suite, method="em-fu22", noise=noise, plan=plan, evidence=unsettled, results=tmp_path / "results"
    )
    store = Store(found.results)
    store.write(failure(noise))
    executor = Failing(store)
    assert measure(found, executor, places, retry="failed", steps=[(noise, victim) for victim in victims]) == 0
    assert executor.begun == [noise.cell.label]
