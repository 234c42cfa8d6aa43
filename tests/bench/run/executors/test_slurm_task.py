"""Slurm stops a task for lack of time: it is queued again as long as its cell, or what that needs, makes progress."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.data import Places
from bench.records.schema import Record
from bench.records.store import Store
from bench.run.devices import workplaces
from bench.run.executors.slurm import task
from bench.run.plan import Plan
from bench.run.preparing import unfinished_preparation
from bench.run.workplace import state_file


@pytest.mark.usefixtures("more")
@pytest.mark.parametrize("what", ["noise", "pretraining", "preparation", "victim"])
def test_progress_of_whatever_a_victim_needs_counts(
    what: str,
    tmp_path: Path,
    places: Places,
    plan_of: Callable[..., Plan],
    record_for: Callable[..., Record],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    changes = ("methods=clean", "radii=[0]", "victims=resnet18-w8.more", "countermeasures=d-vae")
    jobs = noise, victim = plan_of(*changes).jobs
    assert victim.pretraining
    (place,) = workplaces("cpu", 1, results=tmp_path / "results", places=places, by="test")
    store, calls = Store(place.results), list[tuple[str, ...]]()
    assert unfinished_preparation(victim, place) is None
    store.write(record_for(noise).model_copy(update={"digests": {"noise": "0" * 64}}))
    files = {
        "noise": state_file(place, noise.cell),
        "pretraining": state_file(place, victim.pretraining.cell),
        "preparation": unfinished_preparation(victim, place),
        "victim": state_file(place, victim.cell),
    }
    assert len(set(files.values())) == 4
    file = files[what]
    assert file
    monkeypatch.setattr(task, "call", lambda *words: calls.append(words))
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setenv("SLURM_RESTART_COUNT", "2")

    def queues_again(change: Callable[[], object]) -> bool:
        before = task._states(jobs, place)
        change()
        calls.clear()
        task._queue_again(jobs, place, before)
        return calls == [("scontrol", "requeue", "7")]

    file.parent.mkdir(parents=True)
    assert queues_again(lambda: file.write_bytes(b"begun"))
    assert queues_again(lambda: os.utime(file, ns=(1, 1)))
    assert queues_again(file.unlink)  # done
    assert store.read(victim.cell) is None
    assert not queues_again(lambda: None)
    failed = store.read(victim.cell)
    assert failed
    assert (failed.error or "").startswith("Slurm stopped it at start 3 without progress")
