"""Leases: how runners that share a folder of records or a cache divide the work."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

from filelock import SoftFileLease, Timeout

from attacks.core.errors import StoppedError, one_line
from attacks.core.files import PART, set_aside, unreadable, unwritable
from bench.config.models import Cell

SECONDS_OF_LEASE = 60.0
SECONDS_BETWEEN_LOOKS = 1.0  # between checks whether another runner is done

T = TypeVar("T")
log = logging.getLogger(__name__)


class _Lease:
    """A lease that is also taken over where filelock cannot.

    To take over a lease, filelock exchanges two files in one step, which network file systems (NFS, SMB) refuse; and it
    never takes over an empty one, left by a runner killed before it had written who it is. Such a lease is removed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lease = SoftFileLease(path, lease_duration=SECONDS_OF_LEASE, thread_local=False)
        self._seen: tuple[int, int] | None = None  # its file as another runner last touched it
        self._since = self._looked = 0.0  # when we first saw that, and when we last looked, by our own clock

    def take(self) -> bool:
        """Try to take the lease, and return whether it is now ours.

        Raises:
            RequestError: if the folder cannot be written to.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if self._acquire():
                return True
            return self._is_abandoned() and self._remove() and self._acquire()
        except OSError as error:
            raise unwritable(self._path, error) from error

    def _acquire(self) -> bool:
        try:
            self._lease.acquire(blocking=False)
        except Timeout:
            return False
        return True

    def _is_abandoned(self) -> bool:
        """Return whether its holder has not touched the file for as long as we have watched, and that is too long."""
        try:
            seen, now = _touch_of(self._path), time.monotonic()
        except FileNotFoundError:
            return False  # it was given up now: the next try may succeed
        hung = now - self._looked > SECONDS_OF_LEASE / 2  # perhaps the disk, for its holder too
        if hung or seen != self._seen:
            self._seen, self._since = seen, now
        self._looked = now
        return now - self._since >= SECONDS_OF_LEASE

    def _remove(self) -> bool:
        """Remove the file that was watched, and return whether it was still there.

        Of several runners that do so at once, one removes it; another may catch the lease that the first has just
        taken, and puts it back.
        """
        aside = self._path.with_name(f".{self._path.name}.{uuid4().hex}{PART}")
        try:
            self._path.rename(aside)
        except FileNotFoundError:
            return False
        if _touch_of(aside) != self._seen:
            aside.rename(self._path)
            return False
        aside.unlink()
        return True

    @property
    def is_lost(self) -> bool:
        """Whether another runner took it over because our heartbeat stopped for too long."""
        return self._lease.compromise is not None

    def release(self) -> None:
        """Give up the lease if it is ours."""
        self._lease.release()


def _touch_of(path: Path) -> tuple[int, int]:
    """Return what changes in a lease file when its holder touches it or another runner takes it."""
    found = path.lstat()
    return found.st_mtime_ns, found.st_ino


class Leases:
    """The leases of one runner, each a file next to the records, renewed by a heartbeat.

    If a runner dies, its leases are free at once on its own machine; elsewhere, and on network disks, after a minute
    without a heartbeat.
    Leases only divide the work: files are written atomically, so they stay whole even if two runners write them.
    """

    def __init__(self, results: Path) -> None:
        self._results = results
        self._leases: dict[str, _Lease] = {}  # others' too: a lease knows how long it saw no heartbeat

    def take(self, cell: Cell) -> bool:
        """Try to lease a cell, and return whether it is now ours.

        Raises:
            RequestError: if the folder cannot be written to.
        """
        if cell.key not in self._leases:
            self._leases[cell.key] = _Lease(lease_file(self._results, cell))
        return self._leases[cell.key].take()

    def lost(self, cell: Cell) -> bool:
        """Return whether another runner took over a lease of ours because our heartbeat stopped for too long."""
        return self._leases[cell.key].is_lost

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
    while (found := _read_whole(path, read)) is None:
        with hold(path.with_suffix(".lock"), f"make {path}", stopping):
            if not path.exists():  # it may have been made while we took the lease
                make()
    return found


@contextmanager
def hold(path: Path, what: str, stopping: Callable[[], bool]) -> Iterator[None]:
    """Hold a lease for a while; if another runner has it, say so once and wait.

    Args:
        path: its file.
        what: what the other runner is doing then.
        stopping: says whether to stop.

    Raises:
        RequestError: if the folder cannot be written to.
        StoppedError: if the work was asked to stop while waiting.
    """
    lease, is_told = _Lease(path), False
    while not lease.take():
        if not is_told:
            warn_of_waiting(what, path)
        is_told = True
        if stopping():
            raise StoppedError
        time.sleep(SECONDS_BETWEEN_LOOKS)
    try:
        yield
    finally:
        lease.release()


def warn_of_waiting(what: str, lease: Path) -> None:
    """Log what another runner is doing that this one has to wait for."""
    log.warning("waiting for another runner to %s; its lease file is %s", what, lease)


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


def lease_file(results: Path, cell: Cell) -> Path:
    """Return the lease file of a cell, which says who is working on it."""
    return results / ".leases" / f"{cell.key[:16]}.lock"
