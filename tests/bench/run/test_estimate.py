"""Time remaining: from known rates, including those measured elsewhere or read from records."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from attacks.core.cost import Passes
from attacks.core.tensors import write_tensors
from bench.data import Places
from bench.records.schema import Cost
from bench.records.store import Store
from bench.run.devices import workplaces
from bench.run.environment import cpu_model, cpu_name
from bench.run.job import Job
from bench.run.plan import Plan, remaining
from bench.run.pretraining import weights_file
from bench.run.progress import work
from bench.run.rates import Rates, estimate, published_records
from bench.run.workplace import Workplace

MakePlan = Callable[..., Plan]
HERE = {"device": cpu_name(), "processor": cpu_model(), "threads": 1}


@pytest.fixture
def here(places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    monkeypatch.chdir(tmp_path)  # where there are no results
    (first, *_) = workplaces("cpu", 1, results=tmp_path / "results", places=places, by="test")
    return replace(first, threads=1)


def test_known_work_is_shared_among_workers_and_the_unknown_is_named(plan_of: MakePlan, here: Workplace) -> None:
    jobs = plan_of("methods=em", "seeds=[0,1]", "setup.noise.surrogate=resnet18-w16").jobs
    rates = Rates(here)
    rates.note("resnet18-w16", 32, jobs[0].setup, 1000.0)
    found = estimate(jobs, rates, [here] * 2)
    assert found.seconds == pytest.approx(work(jobs[0]) / 1000)
    assert found.unknown == (("resnet18-w8", "cifar10"),)
    assert found.unmeasured == sum(work(job) for job in jobs if job.cell is not job.noise)
    for workers, times in ((1, 2), (4, 1)):  # no time is shorter than that of a single job
        assert estimate(jobs, rates, [here] * workers).seconds == pytest.approx(times * work(jobs[0]) / 1000)


def learnt(plan_of: MakePlan) -> list[Job]:
    """Return three victims of one noise whose countermeasure learns for 1,000 passes, and one of another noise."""
    jobs = plan_of("methods=clean,em", "victims=resnet18-w8,resnet18-w16,vgg11", "radii=[0]").jobs
    victims = [job for job in jobs if job.cell is not job.noise]
    victims = [job for job in victims if job.cell.method == "em-fu22"] + victims[:1]
    more = Passes(train=1000)
    return [replace(job, passes=job.passes + more, preparation=more) for job in victims]


def test_a_preparation_that_victims_share_counts_once_for_a_noise(plan_of: MakePlan, here: Workplace) -> None:
    jobs = learnt(plan_of)
    left = list(remaining(jobs, here.places))
    assert [job.preparation.train for job in left] == [1000, 0, 0, 1000]
    assert [job.passes.train for job in jobs] == [
        job.passes.train + missing for job, missing in zip(left, (0, 1000, 1000, 0), strict=True)
    ]
    rates = Rates(here)
    for job in jobs:
        assert job.network
        rates.note(job.network, 32, job.setup, 100.0)
    apart = sum(work(job) for job in jobs)
    assert estimate(jobs, rates, [here]).seconds == pytest.approx((apart - Passes(train=2000).work) / 100)


@pytest.mark.parametrize("field", ["share", "part", "countermeasure"])
def test_another_preparation_counts_too(field: str, plan_of: MakePlan, places: Places) -> None:
    first, *_ = learnt(plan_of)
    other = {"share": 20, "part": "unprotected", "countermeasure": "other"}[field]
    second = replace(first, cell=first.cell.model_copy(update={field: other}))
    assert [job.preparation.train for job in remaining([first, second], places)] == [1000, 1000]


def test_a_pretraining_counts_once_and_only_while_its_weights_are_missing(
    plan_of: MakePlan, here: Workplace, write_tree: Callable[..., Path]
) -> None:
    counts = {f"{split}/{name}": 1 for split in ("train", "test") for name in ("dog", "eel")}
    write_tree(here.places.data / "more", counts, size=(32, 32))
    jobs = plan_of("methods=clean", "victims=resnet18-w8.more").jobs
    source = jobs[-1].pretraining
    assert source
    assert list(remaining([source, *jobs], here.places)) == [source, *jobs]  # a grid that lists it too
    rates = Rates(here)
    rates.note("resnet18-w8", 32, source.setup, 100.0)
    assert list(remaining(jobs, here.places)) == [source, *jobs]
    before = estimate(jobs, rates, [here]).seconds
    write_tensors(weights_file(here.places, source.cell), {"weight": torch.zeros(1)})
    assert list(remaining(jobs, here.places)) == list(jobs)
    assert estimate(jobs, rates, [here]).seconds == pytest.approx(before - work(source) / 100)


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


@pytest.mark.parametrize(
    ("environment", "known"),
    [
        (HERE, True),
        *((HERE | other, False) for other in ({"device": "another"}, {"processor": "another"}, {"threads": 2})),
        (HERE | {"resumed_from": ("another with 2 threads",)}, False),
    ],
)
def test_records_of_this_device_teach_its_rates(
    environment: dict[str, Any], known: bool, plan_of: MakePlan, here: Workplace, record_for: Callable[..., Any]
) -> None:
    job = next(job for job in plan_of("methods=em").jobs if job.cell is not job.noise)
    record = record_for(job)
    passes = Passes(attack=900, train=100, forward=40)
    update = {"costs": {"training": Cost(seconds=5.0, passes=passes)}}
    update["environment"] = record.environment.model_copy(update=environment)
    rates = Rates(here)
    rates.learn([job], {job.cell.key: record.model_copy(update=update)})
    assert rates.of(job) == (pytest.approx(passes.work / 5.0) if known else None)


def seen(job: Job, record_for: Callable[..., Any], seconds: float = 5.0, **environment: Any) -> Any:
    """Return the record of a victim that another machine trained in the given number of seconds."""
    record = record_for(job)
    update = {"costs": {"training": Cost(seconds=seconds, passes=Passes(train=1000))}}
    update["environment"] = record.environment.model_copy(
        update={"device": "Other CPU", "driver": None, "threads": 1} | environment
    )
    return record.model_copy(update=update | {"precision": job.setup.precision})


@pytest.fixture
def victim(plan_of: MakePlan) -> Job:
    return next(job for job in plan_of("methods=em").jobs if job.cell is not job.noise)


def test_other_cpus_lend_their_speed_by_the_thread(
    victim: Job, here: Workplace, record_for: Callable[..., Any]
) -> None:
    here = replace(here, threads=2)
    rates = Rates(here)
    assert estimate([victim], rates, [here]).unknown
    rates.borrow([seen(victim, record_for, threads=4)])
    found = estimate([victim], rates, [here])
    assert found.seconds == pytest.approx(work(victim) / (1500 / 5 * 2 / 4))
    assert (found.unknown, found.elsewhere) == ((), ("Other CPU",))


def test_the_own_speed_comes_first(victim: Job, here: Workplace, record_for: Callable[..., Any]) -> None:
    rates = Rates(here)
    rates.borrow([seen(victim, record_for)])
    rates.note("resnet18-w8", 32, victim.setup, 7.0)
    found = estimate([victim], rates, [here])
    assert (found.seconds, found.elsewhere) == (pytest.approx(work(victim) / 7), ())


def test_speeds_of_other_things_are_not_taken(
    victim: Job, plan_of: MakePlan, here: Workplace, record_for: Callable[..., Any]
) -> None:
    own = seen(victim, record_for)
    other = own.cell.model_copy(update={"inputs": own.cell.inputs | {"noise_weights": "of another surrogate"}})
    rates = Rates(here)
    rates.borrow(
        [
            own.model_copy(update={"cell": other}),
            seen(victim, record_for, device="Some GPU", driver="570.1"),
            seen(victim, record_for).model_copy(update={"precision": "fp64"}),
            seen(victim, record_for, seconds=0.0),
            seen(victim, record_for, resumed_from=("another with 2 threads",)),
            *(seen(job, record_for) for job in plan_of("methods=em", "victims=resnet18-w16").jobs[-1:]),
        ]
    )
    assert rates.elsewhere(victim) is None


def test_the_published_records_lend_theirs(victim: Job, here: Workplace, record_for: Callable[..., Any]) -> None:
    """Those of the working folder, as for other commands; `plan` uses them in a folder without speeds of its own."""
    Store(Path("results")).write(seen(victim, record_for))
    rates = Rates(here)
    rates.borrow(published_records())
    assert rates.elsewhere(victim) == (pytest.approx(1500 / 5), {"Other CPU"})


def test_a_fresh_checkout_has_the_speed_of_what_it_published(plan_of: MakePlan, here: Workplace) -> None:
    rates = Rates(here)
    rates.borrow(published_records())
    assert rates.elsewhere(plan_of("datasets=photo-patches", "methods=em").jobs[-1])
