"""Leases: how runners that share a folder of records or a cache divide the work."""

import contextlib
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from filelock import SoftFileLease, Timeout

from attacks.core.errors import StoppedError, one_line
from attacks.core.files import set_aside, unreadable, unwritable
from bench.config.models import Cell

SECONDS_OF_LEASE = 60.0
SECONDS_BETWEEN_LOOKS = 1.0  # between checks whether another runner is done

T = TypeVar("T")
log = logging.getLogger(__name__)


class Leases:
    """The leases of one runner, each a file next to the records, renewed by a heartbeat.

    If a runner dies, its leases are free at once on its own machine, and elsewhere after a minute without a heartbeat.
    Leases only divide the work: files are written atomically, so they stay whole even if two runners write them.
    """

    def __init__(self, results: Path) -> None:
        self._results = results
        self._leases: dict[str, SoftFileLease] = {}  # others' too: a lease knows how long it saw no heartbeat

    def take(self, cell: Cell) -> bool:
        """Try to lease a cell, and return whether it is now ours.

        Raises:
            RequestError: if the folder cannot be written to.
        """
        path = lease_file(self._results, cell)
        lease = self._leases.get(cell.key) or SoftFileLease(path, lease_duration=SECONDS_OF_LEASE, thread_local=False)
        self._leases[cell.key] = lease
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _remove_empty(path)
            lease.acquire(blocking=False)
        except Timeout:
            return False
        except OSError as error:
            raise unwritable(path, error) from error
        return True

    def lost(self, cell: Cell) -> bool:
        """Return whether another runner took over a lease of ours because our heartbeat stopped for too long."""
        return self._leases[cell.key].compromise is not None

    def release(self, cell: Cell) -> None:
        """Give up a lease of ours."""
        self._leases.pop(cell.key).release()

    def release_all(self) -> None:
        """Give up all leases of ours."""
        for lease in self._leases.values():
            lease.release()
        self._leases.clear()


def make_once(path: Path, read: Callable[[Path], T], make: Callable[[], object], stopping: Callable[[], bool]) -> T:
    """Return the content of a file in the cache; if it is missing, one runner makes it while the others wait.

    Args:
        path: the file.
        read: returns its content; it raises ValueError or KeyError for a damaged file, which is then set aside.
        make: makes the file.
        stopping: says whether to stop.

    Raises:
        RequestError: if the file cannot be read, or its folder cannot be written to.
        StoppedError: if the work was asked to stop while waiting.
    """
    lock = path.with_suffix(".lock")
    lease = SoftFileLease(lock, lease_duration=SECONDS_OF_LEASE, thread_local=False)
    while (found := _read_whole(path, read)) is None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _remove_empty(lock)
            lease.acquire(blocking=False)
        except Timeout:
            wait(stopping)
            continue
        except OSError as error:
            raise unwritable(path, error) from error
        try:
            if not path.exists():  # it may have been made while we took the lease
                make()
        finally:
            lease.release()
    return found


def wait(stopping: Callable[[], bool]) -> None:
    """Wait a moment for another runner.

    Raises:
        StoppedError: if the work was asked to stop.
    """
    if stopping():
        raise StoppedError
    time.sleep(SECONDS_BETWEEN_LOOKS)


def _read_whole(path: Path, read: Callable[[Path], T]) -> T | None:
    """Return the content of a file, or None if it is missing or damaged; a damaged file is set aside."""
    if not path.exists():
        return None
    try:
        return read(path)
    except OSError as error:
        raise unreadable(path, error) from error
    except (ValueError, KeyError) as error:
        log.warning("%s is damaged (%s); kept as %s, recomputing it", path, one_line(str(error)), set_aside(path).name)
        return None


def leased(results: Path, cell: Cell) -> bool:
    """Return whether a runner on any machine is working on a cell, or was within the last minute."""
    try:
        return time.time() - lease_file(results, cell).stat().st_mtime < SECONDS_OF_LEASE
    except OSError:
        return False


def _remove_empty(path: Path) -> None:
    """Remove an empty lease, left by a runner killed before it had written who it is: it would never expire."""
    with contextlib.suppress(FileNotFoundError):
        found = path.stat()
        if not found.st_size and time.time() - found.st_mtime > SECONDS_OF_LEASE:
            path.unlink()


def lease_file(results: Path, cell: Cell) -> Path:
    """Return the lease file of a cell, which says who is working on it."""
    return results / ".leases" / f"{cell.key[:16]}.lock"
