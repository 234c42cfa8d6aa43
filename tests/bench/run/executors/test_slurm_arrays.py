"""How jobs are divided into arrays; the tests with a real Slurm are in `tests/bench/cli/slurm`."""

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from attacks.core.errors import RequestError
from bench.data import Places
from bench.records.schema import Record
from bench.records.store import Store
from bench.run.executors import ExecutorRequest
from bench.run.executors.slurm import submit
from bench.run.job import Job
from bench.run.plan import Plan


def test_victims_of_a_noise_are_one_array_in_whatever_order_they_come(
    plan_of: Callable[..., Plan], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As those of a suite, which come trainer by trainer."""
    jobs = sorted(plan_of().jobs, key=lambda job: getattr(job.cell, "rho_a", -1.0))
    assert [job.cell.method for job in jobs] == ["clean", "em-fu22"] * 3
    arrays: list[tuple[list[str], str | None]] = []

    def submitted(self: Any, jobs: Sequence[Job], *, after: str | None) -> None:
        arrays.append(([job.cell.label for job in jobs], after))
        self._ids.update({job.cell.key: f"{len(arrays)}_{task}" for task, job in enumerate(jobs)})

    monkeypatch.setattr(submit._Submission, "_submit_array", submitted)
    monkeypatch.setattr(submit, "most_tasks", lambda: 100)
    monkeypatch.setattr(submit, "call", lambda *_: "")
    request: Any = SimpleNamespace(results=tmp_path)
    noises = {job.cell.key: job for job in jobs if job.cell is job.noise}
    submit._Submission(request, noises, {}).submit(jobs)
    assert [(len(labels), after) for labels, after in arrays] == [(2, None), (2, "1_0"), (2, "1_1")]
    assert all("/clean/" in label for label in arrays[1][0])


def test_a_noise_that_takes_no_work_is_made_once_it_is_recorded(
    jobs: Sequence[Job], tmp_path: Path, places: Places, record_for: Callable[..., Record]
) -> None:
    """Others also need their file in the cache."""
    store, request = Store(tmp_path / "results"), ExecutorRequest(results=tmp_path / "results", places=places, by="")
    executor = submit.SlurmExecutor(request)
    clean, em = (job for job in jobs if job.cell is job.noise)
    assert executor._made(clean, store) is None
    for job in (clean, em):
        store.write(record_for(job))
    event = executor._made(clean, store)
    assert event
    assert event.status == "ok"
    assert executor._made(em, store) is None


def test_an_interrupt_stays_one_where_nothing_can_be_cancelled(
    jobs: Sequence[Job], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refused(*words: str) -> str:
        raise RequestError(f"cannot run {words[0]}")

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(submit._Submission, "_submit_array", interrupted)
    monkeypatch.setattr(submit, "most_tasks", lambda: 100)
    monkeypatch.setattr(submit, "call", refused)
    request: Any = SimpleNamespace(results=tmp_path)
    with pytest.raises(KeyboardInterrupt):
        submit._Submission(request, {}, {}).submit(jobs)
    (line,) = caplog.messages
    assert line.startswith("cannot run scancel; to cancel the jobs, which are held: scancel --name=bench-")
