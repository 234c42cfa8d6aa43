"""Time to go: from the rates that are known, which are measured elsewhere or read off records."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from attacks.core.cost import Passes
from bench.data import Places
from bench.records.schema import Cost
from bench.records.store import Store
from bench.run.devices import workplaces
from bench.run.environment import cpu_name
from bench.run.plan import Plan
from bench.run.progress import weigh, work
from bench.run.rates import Rates, estimate
from bench.run.workplace import Workplace

MakePlan = Callable[..., Plan]
HERE = {"device": cpu_name(), "threads": 1}


@pytest.fixture
def here(places: Places, tmp_path: Path) -> Workplace:
    (first, *_) = workplaces("cpu", 1, results=tmp_path / "results", places=places, by="test")
    return replace(first, threads=1)


def test_known_work_is_shared_among_workers_and_the_unknown_is_named(plan_of: MakePlan, here: Workplace) -> None:
    jobs = plan_of("methods=em", "setup.noise.surrogate=resnet18-w16").jobs
    rates = Rates(here)
    rates.note("resnet18-w16", 32, jobs[0].setup, 1000.0)
    found = estimate(jobs, rates, [here] * 2)
    assert found.seconds == pytest.approx(work(jobs[0]) / 1000 / 2)
    assert found.unknown == (("resnet18-w8", "cifar10"),)


def test_noises_without_a_network_take_no_time(plan_of: MakePlan, here: Workplace) -> None:
    jobs = [job for job in plan_of("methods=clean,random").jobs if job.cell is job.noise]
    found = estimate(jobs, Rates(here), [here])
    assert (found.seconds, found.unknown) == (0, ())


def test_rates_are_kept_by_network_size_stem_precision_and_threads(plan_of: MakePlan, here: Workplace) -> None:
    job = next(job for job in plan_of("methods=em").jobs if job.network)
    assert job.network
    rates = Rates(here)
    rates.note(job.network, 32, job.setup, 250.0)
    rates.save()
    assert Rates(here).of(job) == 250.0
    assert Rates(replace(here, threads=2)).of(job) is None
    other = "fp64" if job.setup.precision != "fp64" else "fp32"
    for change in ({"precision": other}, {"stem": "small"}):
        assert Rates(here).of(replace(job, setup=job.setup.model_copy(update=change))) is None
    assert Rates(here).of(replace(job, shape=(3, 64))) is None


@pytest.mark.parametrize("content", ["[not json", "[]", '{"a": "fast"}'])
def test_a_damaged_cache_is_no_cache(content: str, plan_of: MakePlan, here: Workplace) -> None:
    here.places.cache.mkdir()
    (here.places.cache / "rates.json").write_text(content)
    rates = Rates(here)
    assert all(rates.of(job) is None for job in plan_of().jobs)
    rates.note("resnet18", 32, plan_of().jobs[0].setup, 10.0)
    rates.save()
    assert list(json.loads((here.places.cache / "rates.json").read_text()).values()) == [10.0]


@pytest.mark.parametrize(("environment", "known"), [(HERE, True), (HERE | {"device": "another"}, False)])
def test_records_of_this_device_teach_its_rates(
    environment: dict[str, Any], known: bool, plan_of: MakePlan, here: Workplace, record_for: Callable[..., Any]
) -> None:
    job = next(job for job in plan_of("methods=em").jobs if job.cell is not job.noise)
    record = record_for(job)
    passes = Passes(attack=900, train=100, forward=40)
    update = {"costs": {"training": Cost(seconds=5.0, passes=passes)}}
    update["environment"] = record.environment.model_copy(update=environment)
    store = Store(here.results)
    store.write(record.model_copy(update=update))
    rates = Rates(here)
    rates.learn([job], store)
    assert rates.of(job) == (pytest.approx(weigh(passes) / 5.0) if known else None)
