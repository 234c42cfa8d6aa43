"""Leases: runners that share a folder of records or a cache divide the work by them."""

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
SECONDS_BETWEEN_LOOKS = 1.0  # at whether another runner is done

T = TypeVar("T")
log = logging.getLogger(__name__)


class Leases:
    """The leases of one runner, each a file next to the records that a heartbeat renews.

    The lease of a runner that died is free at once on the machine where it died, and elsewhere after a minute without a
    heartbeat. A lease only divides work: files are whole whoever writes them.
    """

    def __init__(self, results: Path) -> None:
        self._results = results
        self._leases: dict[str, SoftFileLease] = {}  # those of others too: a lease knows how long it saw no heartbeat

    def take(self, cell: Cell) -> bool:
        """Lease a cell, and say whether it is ours now.

        Raises:
            RequestError: where the folder cannot be written to.
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
        """Return whether a lease of ours went to another runner, since our heartbeat stopped for too long."""
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
    """Return what a file of the cache holds; where it is not there, one runner makes it and the others wait.

    Args:
        path: the file.
        read: returns its content; a ValueError or KeyError says that it is damaged, and it is then set aside.
        make: makes the file.
        stopping: says whether to stop.

    Raises:
        RequestError: where the file cannot be read, or its folder not written to.
        StoppedError: where the work was asked to stop while it waited.
    """
    lease = SoftFileLease(path.with_suffix(".lock"), lease_duration=SECONDS_OF_LEASE, thread_local=False)
    while (found := _read_whole(path, read)) is None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
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
        StoppedError: where the work was asked to stop.
    """
    if stopping():
        raise StoppedError
    time.sleep(SECONDS_BETWEEN_LOOKS)


def _read_whole(path: Path, read: Callable[[Path], T]) -> T | None:
    """Return the content of a file, or None where it is not there; a damaged file is set aside."""
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
    """Return whether a runner on any machine works on a cell, or did in the last minute."""
    try:
        return time.time() - lease_file(results, cell).stat().st_mtime < SECONDS_OF_LEASE
    except OSError:
        return False


def _remove_empty(path: Path) -> None:
    """Remove a lease whose runner was killed before it had written who it is: it would never expire."""
    with contextlib.suppress(FileNotFoundError):
        found = path.stat()
        if not found.st_size and time.time() - found.st_mtime > SECONDS_OF_LEASE:
            path.unlink()


def lease_file(results: Path, cell: Cell) -> Path:
    """Return the file that says who works on a cell."""
    return results / ".leases" / f"{cell.key[:16]}.lock"
