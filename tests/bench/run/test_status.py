"""The progress of a grid, from records and leases that other runners may leave."""

import os
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench.data import Places
from bench.records.schema import Record
from bench.records.store import Store
from bench.run.job import Job
from bench.run.leases import Leases, lease_file
from bench.run.progress import duration, work
from bench.run.status import describe_status
from bench.run.todo import partition

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
CLEAN, EM = "cifar10/clean/noise/s0", "cifar10/em-fu22/noise/s0"
CLEAN_0, CLEAN_4 = "cifar10/clean/resnet18-w8/r0-s0", "cifar10/clean/resnet18-w8/r4-s0"


@pytest.fixture
def described(
    tmp_path: Path, places: Places, jobs: Sequence[Job], record_for: Callable[..., Record]
) -> Callable[..., list[str]]:
    """Write records that ended at given times (or failed, with a reason), and describe the grid's status."""
    store = Store(tmp_path)

    def describe(ends: dict[str, str], failed: str = "") -> list[str]:
        for job in jobs:
            if end := ends.get(job.cell.label):
                store.write(record_for(job).model_copy(update={"finished": end}))
            if job.cell.label == failed:
                store.write(record_for(job, "failed", "out of memory\x1b[2J\nand more"))
        return describe_status(partition(jobs, store), store.root, places, NOW).splitlines()

    return describe


def counts(lines: list[str]) -> dict[str, list[int]]:
    """Return the numbers of each row by method and victim."""
    rows = [line.split() for line in lines if line.startswith("cifar10")]
    return {" ".join(row[1:3]): [int(number) for number in row[3:]] for row in rows}


def test_states_are_counted_per_method_and_victim(
    described: Callable[..., list[str]], jobs: Sequence[Job], tmp_path: Path
) -> None:
    leases = Leases(tmp_path)
    running = next(job for job in jobs if job.cell.label == CLEAN_4)
    assert leases.take(running.cell)
    lines = described({CLEAN: "2026-01-01T11:30:00+00:00", CLEAN_0: "2026-01-01T10:00:00+00:00"}, failed=EM)
    assert lines[0].split()[3:] == ["done", "running", "queued", "to", "do", "waiting", "failed"]
    assert counts(lines) == {
        "clean (noise)": [1, 0, 0, 0, 0, 0],
        "clean resnet18-w8": [1, 1, 0, 0, 0, 0],
        "em-fu22 (noise)": [0, 0, 0, 0, 0, 1],
        "em-fu22 resnet18-w8": [0, 0, 0, 0, 2, 0],
    }
    assert "2 done, 1 running, 0 queued, 0 to do, 2 waiting, 1 failed" in lines
    assert f"running: {CLEAN_4}" in lines
    assert lines[-1].startswith(f"failed: {EM}: out of memory\\x1b[2J; more in ")
    leases.release_all()
    assert f"running: {CLEAN_4}" not in described({})


def test_a_lease_without_a_heartbeat_counts_no_more(
    described: Callable[..., list[str]], jobs: Sequence[Job], tmp_path: Path
) -> None:
    leases = Leases(tmp_path)
    assert leases.take(jobs[0].cell)
    assert f"running: {jobs[0].cell.label}" in described({})
    old = time.time() - 61
    os.utime(lease_file(tmp_path, jobs[0].cell), (old, old))
    assert f"running: {jobs[0].cell.label}" not in described({})
    leases.release_all()


def test_the_pace_is_that_of_the_last_hour(
    described: Callable[..., list[str]], jobs: Sequence[Job], tmp_path: Path
) -> None:
    assert not [line for line in described({CLEAN: "2026-01-01T10:00:00+00:00"}) if line.startswith("last hour")]
    assert "last hour: 1 cell" in described({CLEAN_0: "2026-01-01T11:50:00+00:00"})
    # one victim at radius 4 was run in ten minutes; EM's noise and its two victims are missing
    works = {job.cell.label: work(job) for job in jobs}
    left = sum(share for label, share in works.items() if "em-fu22" in label)
    expected = duration(600 * left / works[CLEAN_4])
    assert "last hour: 2 cells" in described({CLEAN_4: "2026-01-01T11:55:00Z"})  # nothing runs: no rate to go on at
    leases = Leases(tmp_path)
    assert leases.take(next(job.cell for job in jobs if "em-fu22" in job.cell.label))
    assert f"last hour: 2 cells; about {expected} remaining at this rate" in described({})
    leases.release_all()
