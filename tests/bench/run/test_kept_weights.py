"""The weights that a pretraining leaves in the cache carry its record, for the results of every run that uses them."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from attacks.core.tensors import read_tensors, write_tensors
from bench.data import Places
from bench.records.schema import Record, VictimRecord
from bench.records.store import Store
from bench.run import cell
from bench.run.cell import run_cell
from bench.run.job import Job
from bench.run.plan import Plan
from bench.run.pretraining import weights_file
from bench.run.workplace import Workplace
from victims.train import Outcome, Training

SMALL = ("setup.precision=fp32", "setup.victim.steps=1", "setup.victim.batch=4", "methods=clean", "radii=[0]")
COUNTS = {f"{split}/{name}": 4 for split in ("train", "test") for name in ("dog", "eel")}

Run = Callable[[str, Sequence[Job]], Record]


@pytest.fixture
def jobs(
    plan_of: Callable[..., Plan], places: Places, tmp_path: Path, write_tree: Callable[..., Path]
) -> Sequence[Job]:
    """A noise, and a victim that starts from weights trained on other images."""
    write_tree(places.data / "more", COUNTS)
    dots = write_tree(tmp_path / "dots", COUNTS)
    return plan_of(f"datasets=folder:{dots}", *SMALL, "victims=resnet18-w8.more").jobs


@pytest.fixture
def source(jobs: Sequence[Job]) -> Job:
    """The job that trains those weights."""
    found = jobs[-1].pretraining
    assert found
    return found


@pytest.fixture
def run(places: Places, tmp_path: Path) -> Run:
    """Really run jobs one after another, with a results folder of the given name, and return the last record."""

    def go(results: str, jobs: Sequence[Job]) -> Record:
        here = Workplace(results=tmp_path / results, places=places, device="cpu", threads=1, by="test")
        *_, last = [run_cell(job, here, lambda _done, _all: None, lambda: False) for job in jobs]
        return last

    return go


def test_the_record_is_in_the_results_of_every_run(
    run: Run, jobs: Sequence[Job], source: Job, tmp_path: Path, record_for: Callable[..., Record]
) -> None:
    stores = [Store(tmp_path / name) for name in ("first", "second", "failed")]
    stores[-1].write(record_for(source, "failed", "it diverged"))  # with another cache
    for store in stores:
        assert run(store.root.name, jobs).status == "ok"
    records = [store.read(source.cell) for store in stores]
    assert records[0]
    assert records == records[:1] * 3
    assert all(store.read(source.noise) for store in stores)  # without which its record could not be published


def test_other_weights_than_were_recorded_are_refused(
    run: Run, jobs: Sequence[Job], source: Job, places: Places, tmp_path: Path
) -> None:
    run("first", jobs)
    known, other = Store(tmp_path / "first").read(source.cell), Store(tmp_path / "other")
    assert isinstance(known, VictimRecord)
    differs = known.curve[0].model_copy(update={"loss": 9.0})
    recorded = other.write(known.model_copy(update={"curve": (differs, *known.curve[1:])}))
    failed = run("other", jobs)
    assert failed.error
    path = weights_file(places, source.cell)
    assert failed.error.startswith(
        f"the cached weights {path} of more/clean/resnet18-w8/r0-s0 are not those recorded in {other.root}, made on "
    )
    assert len(failed.error.splitlines()) == 1
    assert other.read(source.cell) == recorded
    path.unlink()
    assert run("first", jobs).status == "ok"  # trained again as recorded


def test_weights_of_older_code_are_used_without_a_record(
    run: Run, jobs: Sequence[Job], source: Job, places: Places, tmp_path: Path
) -> None:
    run("first", jobs)
    path = weights_file(places, source.cell)
    write_tensors(path, read_tensors(path)[0])
    assert run("second", jobs).status == "ok"
    assert Store(tmp_path / "second").read(source.cell) is None


def test_a_pretraining_that_the_grid_lists_too_is_trained_once(
    run: Run, jobs: Sequence[Job], plan_of: Callable[..., Plan], places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = plan_of(f"datasets=folder:{places.data / 'more'}", *SMALL, "victims=resnet18-w8,resnet18-w8.more").jobs
    _, listed, victim = both
    assert victim.pretraining
    assert victim.pretraining.cell.key == listed.cell.key
    trained = list[Training]()
    train = cell.train

    def watched(task: Training) -> Outcome:
        trained.append(task)
        return train(task)

    monkeypatch.setattr(cell, "train", watched)
    assert run("results", both).status == "ok"
    assert len(trained) == 2


def test_weights_in_the_cache_are_not_replaced_by_a_grid_that_lists_the_pretraining_too(
    run: Run, jobs: Sequence[Job], source: Job, plan_of: Callable[..., Plan], places: Places, tmp_path: Path
) -> None:
    run("first", jobs)
    path = weights_file(places, source.cell)
    before = path.read_bytes()
    both = plan_of(f"datasets=folder:{places.data / 'more'}", *SMALL, "victims=resnet18-w8,resnet18-w8.more").jobs
    assert run("second", both).status == "ok"
    assert path.read_bytes() == before
    first, second = (Store(tmp_path / name).read(source.cell) for name in ("first", "second"))
    assert first == second is not None
