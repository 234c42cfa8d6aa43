import os
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from bench.run import leases
from bench.run.job import Job
from bench.run.leases import Leases, lease_file


def test_one_of_two_gets_a_cell_until_it_is_released(tmp_path: Path, jobs: Sequence[Job]) -> None:
    first, second = Leases(tmp_path), Leases(tmp_path)
    assert first.take(jobs[0].cell)
    assert not second.take(jobs[0].cell)
    assert second.take(jobs[1].cell)
    first.release(jobs[0].cell)
    assert second.take(jobs[0].cell)
    second.release_all()
    assert not list(tmp_path.rglob("*.lock"))


def test_an_empty_lease_expires_too(tmp_path: Path, jobs: Sequence[Job]) -> None:
    """Its runner was killed between making the file and writing who it is."""
    path = lease_file(tmp_path, jobs[0].cell)
    path.parent.mkdir()
    path.touch()
    ours = Leases(tmp_path)
    assert not ours.take(jobs[0].cell)
    old = time.time() - leases.SECONDS_OF_LEASE - 1
    os.utime(path, (old, old))
    assert ours.take(jobs[0].cell)
    ours.release_all()


def test_a_lease_that_went_to_another_is_noticed(
    tmp_path: Path, jobs: Sequence[Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "SECONDS_OF_LEASE", 0.3)
    ours = Leases(tmp_path)
    assert ours.take(jobs[0].cell)
    assert not ours.lost(jobs[0].cell)
    lease_file(tmp_path, jobs[0].cell).unlink()
    until = time.monotonic() + 10
    while not ours.lost(jobs[0].cell):
        assert time.monotonic() < until
        time.sleep(0.05)
    ours.release_all()
