import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from attacks.core.errors import RequestError, StoppedError
from bench.records.store import Store
from bench.run import leases
from bench.run.executors.queue import Queue
from bench.run.job import Job
from bench.run.leases import Leases, hold, lease_file, make_once

# The lease of a runner on another machine, as filelock writes it.
ELSEWHERE = "filelock/2\npid=1\nhost=elsewhere\nmode=lease\ntoken=0\nduration=0.3\n"


def test_one_of_two_gets_a_cell_until_it_is_released(tmp_path: Path, jobs: Sequence[Job]) -> None:
    first, second = Leases(tmp_path), Leases(tmp_path)
    assert first.take(jobs[0].cell)
    assert not second.take(jobs[0].cell)
    assert second.take(jobs[1].cell)
    first.release(jobs[0].cell)
    assert second.take(jobs[0].cell)
    second.release_all()
    assert not list(tmp_path.rglob("*.lock"))


def test_a_runner_touches_its_lease_as_long_as_it_lives(
    tmp_path: Path, jobs: Sequence[Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "SECONDS_OF_LEASE", 0.3)
    ours, path = Leases(tmp_path), lease_file(tmp_path, jobs[0].cell)
    assert ours.take(jobs[0].cell)
    touched, until = {path.stat().st_mtime_ns}, time.monotonic() + 30
    while len(touched) < 4:
        assert time.monotonic() < until
        time.sleep(0.01)
        touched.add(path.stat().st_mtime_ns)
    ours.release_all()


def test_the_lease_of_a_runner_killed_on_this_machine_is_free_at_once(tmp_path: Path) -> None:
    path = tmp_path / "file.lock"
    dies = (
        "import os, signal; from pathlib import Path; from bench.run.leases import hold\n"
        f"with hold(Path({str(path)!r}), '', lambda: False): os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", dies], check=False).returncode == -signal.SIGKILL
    assert path.exists()
    with hold(path, "", lambda: pytest.fail("waited for a dead runner")):
        assert path.exists()
    assert not path.exists()


@pytest.fixture
def dead(tmp_path: Path, jobs: Sequence[Job], monkeypatch: pytest.MonkeyPatch) -> Path:
    """The lease of a dead runner on a disk that cannot exchange two files, as NFS and SMB."""
    monkeypatch.setattr("filelock._soft.exchange_names", lambda *_: False)
    monkeypatch.setattr(leases, "SECONDS_OF_LEASE", 0.3)
    path = lease_file(tmp_path, jobs[0].cell)
    path.parent.mkdir()
    path.write_text(ELSEWHERE)
    return path


@pytest.mark.parametrize("content", ["", ELSEWHERE], ids=["empty", "elsewhere"])
def test_the_lease_of_a_dead_runner_expires_on_every_file_system(
    content: str, dead: Path, tmp_path: Path, jobs: Sequence[Job]
) -> None:
    """An empty lease: its runner was killed before it had written who it is."""
    dead.write_text(content)
    ours = Leases(tmp_path)
    for n in range(4):  # its runner lives as long as it touches the file, whatever its clock says
        os.utime(dead, (n, n))
        assert not ours.take(jobs[0].cell)
        time.sleep(0.1)
    for _ in range(3):  # nothing is known of the time in which nobody looked: the disk may have hung
        time.sleep(0.3)
        assert not ours.take(jobs[0].cell)
    until = time.monotonic() + 30
    while not ours.take(jobs[0].cell):
        assert time.monotonic() < until
        time.sleep(0.01)
    assert dead.read_text() not in {"", ELSEWHERE}
    ours.release_all()


def test_an_expired_lease_goes_to_one_of_two_that_watched_it(
    dead: Path, tmp_path: Path, jobs: Sequence[Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second has seen that it expired before the first took it over, and removes the file after that."""
    first, second = Leases(tmp_path), Leases(tmp_path)
    is_abandoned = leases._Lease._is_abandoned
    taken: list[bool] = []

    def before_the_other(lease: leases._Lease) -> bool:
        found = is_abandoned(lease)
        if found and not taken:
            taken.append(True)
            taken.append(first.take(jobs[0].cell))
        return found

    assert not first.take(jobs[0].cell)
    (watching,) = first._leases.values()
    monkeypatch.setattr(leases._Lease, "_is_abandoned", before_the_other)
    until = time.monotonic() + 30
    while not taken:
        assert time.monotonic() < until
        time.sleep(0.01)
        is_abandoned(watching)
        assert not second.take(jobs[0].cell)
    assert taken == [True, True]
    assert [file.name for file in dead.parent.iterdir()] == [dead.name]
    assert not second.take(jobs[0].cell)
    assert not first.lost(jobs[0].cell)
    first.release_all()


def test_waiting_for_another_runner_is_said_once(
    tmp_path: Path, jobs: Sequence[Job], caplog: pytest.LogCaptureFixture
) -> None:
    other, queue = Leases(tmp_path), Queue(jobs[:1], Store(tmp_path))
    assert other.take(jobs[0].cell)
    for _ in range(2):
        assert queue.next() is None
        assert queue.wait(0)
    (line,) = caplog.messages
    assert jobs[0].cell.label in line
    assert str(lease_file(tmp_path, jobs[0].cell)) in line
    other.release_all()
    assert queue.next() is jobs[0]
    assert not queue.wait(0)
    queue.close()


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
    path, made, begun, end = tmp_path / "deep" / "file", [], threading.Event(), threading.Event()

    def make() -> None:
        made.append(threading.get_ident())
        begun.set()
        assert end.wait(60)
        path.write_text("whole")

    found: list[str] = []
    other = threading.Thread(target=lambda: found.append(make_once(path, read_text, make, lambda: False)))
    other.start()
    assert begun.wait(60)
    with pytest.raises(StoppedError):
        make_once(path, read_text, make, lambda: True)
    end.set()
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


def test_an_empty_lock_in_a_cache_expires_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(leases, "SECONDS_OF_LEASE", 0.3)
    monkeypatch.setattr(leases, "SECONDS_BETWEEN_LOOKS", 0.05)
    path = tmp_path / "file"
    path.with_suffix(".lock").touch()
    with caplog.at_level(logging.WARNING):
        assert make_once(path, read_text, lambda: path.write_text("whole"), lambda: False) == "whole"
    assert caplog.messages == [f"waiting for another runner to make {path}; its lease file is {tmp_path}/file.lock"]
