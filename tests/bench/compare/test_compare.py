"""A comparison step by step, with executors whose noise fails or cannot be regenerated."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench.compare.compare import Comparison, measure
from bench.config.load import load_grid
from bench.data.dataset import Places
from bench.records.schema import Environment, NoiseRecord, Record
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


class Idle(Failing):
    """Regenerates no noise, and leaves its record as it is."""

    def run(self, jobs: Sequence[Job]) -> Iterator[Event]:
        self.begun += [job.cell.label for job in jobs if job.cell is job.noise]
        yield from ()


@pytest.fixture
def unsettled(places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Comparison:
    """A comparison of a noise and three victims whose rank stays open."""
    monkeypatch.setattr("bench.compare.compare.prepare_run", lambda *_: None)
    changes = ["datasets=cifar10", "methods=em", "victims=resnet18-w8", "radii=[0,2,4]"]
    plan = make_plan(*load_grid("smoke", changes), places)
    evidence: Any = SimpleNamespace(group_of=lambda _noise: None, record=lambda _cell, apart: None)
    suite: Any = None
    return Comparison(
        suite=suite,
        method="em-fu22",
        noise=plan.jobs[0],
        plan=plan,
        evidence=evidence,
        results=tmp_path / "results",
    )


def test_a_noise_that_fails_is_retried_in_one_step_only(unsettled: Comparison, places: Places) -> None:
    noise, *victims = unsettled.plan.jobs
    store = Store(unsettled.results)
    store.write(failure(noise))
    executor = Failing(store)
    assert not measure(unsettled, executor, places, retry="failed", steps=[(noise, victim) for victim in victims])
    assert executor.begun == [noise.cell.label]


def test_a_noise_that_is_not_regenerated_is_tried_in_one_step_only(
    unsettled: Comparison, places: Places, record_of: Callable[[Job], Record]
) -> None:
    noise, *victims = unsettled.plan.jobs
    store = Store(unsettled.results)
    store.write(record_of(noise))
    executor = Idle(store)
    assert not measure(unsettled, executor, places, retry=None, steps=[(noise, victim) for victim in victims])
    assert executor.begun == [noise.cell.label]
    assert unsettled.todo().missing == tuple(victims)


def test_a_rank_is_open_while_a_trainer_is_left_that_would_tie_it(
    places: Places,
    tmp_path: Path,
    write_accuracies: Callable[..., None],
    comparison_of: Callable[..., Comparison],
) -> None:
    changes = ['methods=["pil","tap-fowl21"]', 'victims=["resnet18-w8"]', "radii=[0,4]", "seeds=[0,1,2]"]
    plan = make_plan(*load_grid("smoke", changes), places)
    left = [job for job in plan.jobs if (job.cell.method, getattr(job.cell, "rho_a", 0)) == ("pil-liu26", 4)]
    assert len(left) == 3
    write_accuracies(tmp_path, plan.jobs, {("pil-liu26", 0): 60.0, ("tap-fowl21", 0): 20.0})
    found = comparison_of("pil-liu26", plan, tmp_path)
    assert not found.is_settled(left)  # TAP was not measured at radius 4
    assert found.is_settled([])
    write_accuracies(tmp_path, plan.jobs, {("tap-fowl21", 4): 40.0})
    assert found.is_settled(left)
