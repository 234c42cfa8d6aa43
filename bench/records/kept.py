"""Cache what was taken from records when they were last read, so that unchanged files are not read again."""

import contextlib
import hashlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import pydantic

from attacks.core.errors import RequestError
from attacks.core.files import write_atomically

FileState = list[int]
"""Size, times and inode of a file: rewriting it changes them."""
SETTLED = 2_000_000_000  # nanoseconds after which a further change is sure to give a file another time
FEWEST = 1000  # files; fewer are read within a second
_PACKAGES = ("attacks", "bench", "victims")


def state_of(path: Path) -> FileState | None:
    """Return the state of a file; None where it has none, or changed so recently that a change could go unnoticed."""
    now = time.time_ns()
    try:
        found = path.stat()
    except OSError:
        return None
    if now - max(found.st_mtime_ns, found.st_ctime_ns) <= SETTLED:
        return None
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]


class Kept:
    """JSON values taken from the files of a folder, each valid as long as its file and this code stay the same.

    A cache that is damaged, made by other code or not writable is ignored.

    Args:
        root: the folder.
        what: a word for what is taken from its files; each kind of value is kept separately.
        cache: the cache folder; None: nothing is kept.
    """

    def __init__(self, root: Path, what: str, cache: Path | None) -> None:
        name = hashlib.sha256(os.fsencode(root.resolve()) + what.encode()).hexdigest()[:16]
        self._path = cache / "records" / f"{name}.json" if cache else None
        self._before = _read(self._path) if self._path else {}
        self._now: dict[str, tuple[FileState, Any]] = {}

    def get(self, name: str, state: FileState | None) -> Any | None:
        """Return the value kept for a file in this state, or None where there is none."""
        found = self._before.get(name)
        if state is None or found is None or found[0] != state:
            return None
        self._now[name] = found
        return found[1]

    def put(self, name: str, state: FileState | None, value: Any) -> None:
        """Keep the JSON value that was taken from a file in this state."""
        if self._path and state:
            self._now[name] = state, value

    def save(self) -> None:
        """Write the values looked up and put, if they differ from those read and are enough to be worth it."""
        if self._path and len(self._now) >= FEWEST and self._now != self._before:
            content = json.dumps(self._now, separators=(",", ":")).encode()
            with contextlib.suppress(RequestError):
                write_atomically(self._path, _digest(content) + b"\n" + content)


def _read(path: Path) -> dict[str, tuple[FileState, Any]]:
    try:
        digest, _, content = path.read_bytes().partition(b"\n")
    except OSError:
        return {}
    if digest != _digest(content):
        return {}
    return {name: (state, value) for name, (state, value) in json.loads(content).items()}


def _digest(content: bytes) -> bytes:
    """Return the first line of a cache with this content, made by this code."""
    return hashlib.sha256(_CODE.encode() + content).hexdigest().encode()


def _code() -> str:
    """Return a digest of this code and of the versions of Python and pydantic."""
    found = hashlib.sha256(f"{sys.version} {pydantic.VERSION}".encode())
    root = Path(__file__).parents[2]
    files = (path for package in _PACKAGES for path in (root / package).rglob("*.py") if path.is_file())
    for path in sorted(files):  # an editor may leave dangling links
        found.update(f"{path.relative_to(root)}\n".encode() + path.read_bytes())
    return found.hexdigest()


_CODE = _code()  # at import: the files may have changed by the end of a long run
