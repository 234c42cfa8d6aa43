"""The local executor, with records that other runners left."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from multiprocessing import Pipe
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from attacks.core.errors import RequestError
from attacks.core.files import write_atomically
from bench.config.load import load_grid
from bench.data import Places
from bench.records.schema import Record
from bench.records.store import Store
from bench.records.upgrades import former_cell
from bench.run import leases
from bench.run.devices import workplaces
from bench.run.executors import worker
from bench.run.executors.local import LocalExecutor
from bench.run.executors.message import answer, conclude
from bench.run.executors.queue import Queue
from bench.run.job import Job
from bench.run.leases import lease_file
from bench.run.plan import Plan, make_plan
from bench.run.workplace import state_file

FORMER = Path(__file__).parents[2] / "records" / "former"
SMOKE = Path(__file__).parents[4] / "bench" / "config" / "protocols" / "smoke-v1.toml"


def test_it_knows_a_protocol_of_the_users_own_in_records_of_an_older_schema(tmp_path: Path, places: Places) -> None:
    """A runner of 0.1, which wrote records of schema version 1 without a seal, finished a victim after we planned."""
    (tmp_path / "mine.toml").write_text(SMOKE.read_text().replace('"smoke-v1"', '"mine"'))
    store = Store(tmp_path / "results")
    victim = json.loads(next(FORMER.glob("records/*/tap-fowl21/*/*.json")).read_text())
    noise = json.loads(next(FORMER.glob("noise/*/tap-fowl21/*.json")).read_text())
    for data in (noise, victim):
        data["cell"]["protocol"] = "mine"
        if data is victim:
            data["cell"]["inputs"]["noise"] = former_cell(noise).key
        write_atomically(store.path(former_cell(data)), json.dumps(data).encode())
    plan = make_plan(*load_grid("smoke", [f"protocol={tmp_path / 'mine.toml'}", "methods=clean"]), places)
    found = {record.cell.kind: record.cell for record in Store(store.root, (plan.protocol,)).all()}
    job = replace(plan.jobs[-1], cell=found["victim"], noise=found["noise"])
    places_of_work = workplaces("cpu", 1, results=store.root, places=places, by="test")
    events = list(LocalExecutor(places_of_work).run([job]))
    assert [(event.kind, event.status) for event in events] == [("ended", "ok")]


@pytest.mark.parametrize("is_done", [True, False])
def test_a_worker_that_died_after_its_work_was_done_did_not_fail(
    is_done: bool, tmp_path: Path, places: Places, jobs: Sequence[Job], record_for: Callable[..., Record]
) -> None:
    job = next(job for job in jobs if job.cell is job.noise and job.method == "clean")
    (place, *_) = workplaces("cpu", 1, results=tmp_path / "results", places=places, by="test")
    if is_done:
        Store(place.results).write(record_for(job))
    died: Any = SimpleNamespace(workplace=place, process=SimpleNamespace(join=lambda: None, exitcode=-9))
    message = LocalExecutor([place])._last_words(died, job)
    assert message.record
    assert message.record.status == ("ok" if is_done else "failed")


def test_a_worker_that_died_with_its_gpu_has_a_record(
    tmp_path: Path, places: Places, jobs: Sequence[Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.run.process.peak", lambda _device: pytest.fail("asked a GPU that is lost"))
    (found,) = workplaces("cpu", 1, results=tmp_path / "results", places=places, by="test")
    place = replace(found, device="cuda:99")
    died: Any = SimpleNamespace(workplace=place, process=SimpleNamespace(join=lambda: None, exitcode=1))
    LocalExecutor([place])._last_words(died, jobs[0])
    record = Store(place.results).read(jobs[0].cell)
    assert record
    assert (record.status, record.environment.device) == ("failed", "unknown GPU")


def test_a_folder_that_fails_a_worker_ends_the_run(tmp_path: Path, places: Places, jobs: Sequence[Job]) -> None:
    """Its cell could be handed out again for ever."""
    (place,) = workplaces("cpu", 1, results=tmp_path / "results", places=places, by="test")
    cell = jobs[0].noise.model_copy(update={"inputs": {}})
    job = replace(jobs[0], cell=cell, noise=cell)  # it fails, and then its state cannot be removed
    state_file(place, job.cell).mkdir(parents=True)
    message = answer(job, place, lambda _done, _all: None, lambda: False)
    assert message.kind == "impossible"
    assert f"cannot finish {job.cell.label}: [Errno 21] Is a directory" in message.reason


def test_a_victim_whose_noise_is_lost_waits_until_it_is_made_again(
    tmp_path: Path, places: Places, plan_of: Callable[..., Plan], dots: Path, record_for: Callable[..., Record]
) -> None:
    noise, victim = plan_of(f"datasets=folder:{dots}", "methods=random", "radii=[0]").jobs
    (place,) = workplaces("cpu", 1, results=tmp_path / "results", places=places, by="test")
    queue = Queue([noise, victim], Store(place.results))
    assert queue.next() is noise
    queue.end(noise, record_for(noise))
    assert queue.next() is victim
    lost = answer(victim, place, lambda _done, _all: None, lambda: False)  # no file of it is in the cache
    assert lost.kind == "noise-lost"
    assert list(conclude(lost, victim, queue)) == []
    assert queue.next() is noise
    assert queue.next() is None
    queue.end(noise, record_for(noise))
    assert queue.next() is victim
    with pytest.raises(RequestError, match=r"keeps disappearing from the cache; check the disk of --cache"):
        list(conclude(lost, victim, queue))
    queue.close()


def test_a_cell_that_another_runner_took_is_stopped_and_put_back(
    tmp_path: Path, places: Places, plan_of: Callable[..., Plan], dots: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "SECONDS_OF_LEASE", 0.3)
    long = ("setup.noise.steps=100000", "setup.noise.batch=4", "setup.precision=fp32")
    noise, _ = plan_of(f"datasets=folder:{dots}", "methods=em-fu22", "radii=[0]", *long).jobs
    (place,) = workplaces("cpu", 1, results=tmp_path / "results", places=places, by="test")
    events = LocalExecutor([place]).run([noise])
    assert next(events).kind == "began"
    assert next(event for event in events if event.kind == "progress")
    lease_file(place.results, noise.cell).unlink()  # as if another had taken it over and finished
    again = next(event for event in events if event.kind != "progress")
    assert (again.kind, again.job) == ("began", noise)
    assert state_file(place, noise.cell).exists()
    events.close()
    assert not lease_file(place.results, noise.cell).exists()


def test_an_error_of_the_work_is_no_end_of_the_connection(
    tmp_path: Path, places: Places, jobs: Sequence[Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("of the work")

    monkeypatch.setattr(worker, "answer", fail)
    monkeypatch.setattr(worker, "set_up", lambda _threads: None)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    (place,) = workplaces("cpu", 1, results=tmp_path / "results", places=places, by="test")
    ours, theirs = Pipe()
    ours.send(jobs[0])
    with pytest.raises(OSError, match="of the work"):
        worker.serve(theirs, place)
    ours.close()
    worker.serve(theirs, place)  # ends, as nobody is there
