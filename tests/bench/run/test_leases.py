import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from attacks.core.errors import RequestError, StoppedError
from bench.run import leases
from bench.run.job import Job
from bench.run.leases import Leases, lease_file, make_once


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
    """Its runner was killed after creating the file and before writing who it is."""
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


def read_text(path: Path) -> str:
    text = path.read_text()
    if text == "damaged":
        raise ValueError("it is damaged")
    return text


def test_what_a_cache_lacks_is_made_once_and_the_others_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "SECONDS_BETWEEN_LOOKS", 0.01)
    path, made, begun = tmp_path / "deep" / "file", [], threading.Event()

    def make() -> None:
        made.append(threading.get_ident())
        begun.set()
        time.sleep(0.2)
        path.write_text("whole")

    found: list[str] = []
    other = threading.Thread(target=lambda: found.append(make_once(path, read_text, make, lambda: False)))
    other.start()
    assert begun.wait(10)
    with pytest.raises(StoppedError):
        make_once(path, read_text, make, lambda: True)
    found.append(make_once(path, read_text, make, lambda: False))
    other.join()
    assert (len(made), found) == (1, ["whole", "whole"])
    assert list(path.parent.iterdir()) == [path]


def test_what_is_damaged_in_a_cache_is_set_aside_and_made_again(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("damaged")
    assert make_once(path, read_text, lambda: path.write_text("whole"), lambda: False) == "whole"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["file", "file.corrupt"]


def test_a_failure_to_make_it_frees_the_lease(tmp_path: Path) -> None:
    path = tmp_path / "file"

    def fail() -> None:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        make_once(path, read_text, fail, lambda: False)
    assert not list(tmp_path.iterdir())
    (tmp_path / "in the way").touch()
    with pytest.raises(RequestError, match="cannot write"):
        make_once(tmp_path / "in the way" / "file", read_text, fail, lambda: False)


def test_an_empty_lock_in_a_cache_expires_too(tmp_path: Path) -> None:
    path = tmp_path / "file"
    lock = path.with_suffix(".lock")
    lock.touch()
    with pytest.raises(StoppedError):
        make_once(path, read_text, lambda: path.write_text("whole"), lambda: True)
    old = time.time() - leases.SECONDS_OF_LEASE - 1
    os.utime(lock, (old, old))
    assert make_once(path, read_text, lambda: path.write_text("whole"), lambda: True) == "whole"
