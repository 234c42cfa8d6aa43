"""Files, written atomically (a reader sees the old or the new one, never a part) and identified by their digest."""

import contextlib
import errno
import hashlib
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from attacks.core.errors import RequestError, escaped

PART = ".part"  # suffix of temporary files and folders; kill -9 may leave one behind
SECONDS_OF_A_PART = 86400.0  # age after which no process still writes to it

log = logging.getLogger(__name__)


@contextlib.contextmanager
def part_of(path: Path) -> Iterator[Path]:
    """Yield a temporary path to write a file to, in a temporary folder next to `path`.

    If the block succeeds, the file is flushed to disk and renamed to `path`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    parent, prefix = path.parent, f".{path.name}."
    with tempfile.TemporaryDirectory(dir=parent, prefix=prefix, suffix=PART, ignore_cleanup_errors=True) as folder:
        temporary = Path(folder) / path.name
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        with contextlib.suppress(OSError):  # some file systems have no permissions
            temporary.chmod(0o644)
        os.replace(temporary, path)  # noqa: PTH105 - one name for the step that makes the file visible
    _sync_folder(parent)


def write_atomically(path: Path, content: bytes) -> Path:
    """Write a file completely or not at all, and return its path.

    Raises:
        RequestError: if the disk is full or the folder cannot be written to.
    """
    return write_whole(path, lambda temporary: temporary.write_bytes(content))


def write_whole(path: Path, write: Callable[[Path], object]) -> Path:
    """Write a file completely or not at all with a function that writes to a path, and return its path.

    Raises:
        RequestError: if the disk is full or the folder cannot be written to.
    """
    from safetensors import SafetensorError

    try:
        with part_of(path) as temporary:
            write(temporary)
    except (OSError, SafetensorError) as error:  # raised by safetensors if the disk is full
        raise unwritable(path, error) from error
    return path


def check_writable(folder: Path) -> None:
    """Create a folder if it does not exist, and check that a file can be written in it.

    Raises:
        RequestError: if that fails.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"1")
    except OSError as error:
        raise unwritable(folder, error) from error


def paths_below(folder: Path, ending: str) -> list[Path]:
    """Return what lies below a folder and has a name that ends so, sorted, without what is inside temporary folders.

    Links to folders are not followed, which is logged. What vanishes meanwhile, as another process's temporary files
    do, is left out.

    Raises:
        RequestError: if a folder cannot be read.
    """
    found: list[Path] = []
    for root, folders, names in os.walk(folder, onerror=_raise_unless_gone):
        found += [Path(root, name) for name in (*folders, *names) if name.endswith(ending)]
        folders[:] = [name for name in folders if not name.endswith(PART)]
        for link in (path for name in folders if (path := Path(root, name)).is_symlink()):
            log.warning("skipped %s: it is a link to a folder; put the folder itself there", link)
    return sorted(found)


def _raise_unless_gone(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise unreadable(Path(error.filename), error) from error


def remove_parts(folder: Path) -> None:
    """Remove, where possible, the temporary files that killed writes have left below a folder."""
    for root, folders, names in os.walk(folder):
        for part in (Path(root, name) for name in (*folders, *names) if name.endswith(PART)):
            with contextlib.suppress(OSError):
                if part.name.startswith(".") and time.time() - part.stat().st_mtime > SECONDS_OF_A_PART:
                    shutil.rmtree(part) if part.is_dir() else part.unlink()
        folders[:] = [name for name in folders if not name.endswith(PART)]


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hex.

    Raises:
        RequestError: if it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: OSError, what: str = "") -> RequestError:
    """Build the error for a file that cannot be read; `what` names the kind of file, and ends in a space."""
    if isinstance(error, FileNotFoundError):  # safetensors raises it for every file that it cannot open
        try:
            path.open("rb").close()
        except OSError as found:
            error = found
    missing = isinstance(error, FileNotFoundError)  # the text of safetensors' own repeats the path
    reason = "No such file or directory" if missing else error.strerror or escaped(str(error))
    what_to_check = {errno.EACCES: "its permissions", errno.EPERM: "its permissions", errno.EIO: "the disk"}
    fix = f"check {what_to_check.get(error.errno or 0, 'the path')}"
    return RequestError(f"cannot read {what}{path}: {reason}; {fix}")


def unwritable(path: Path, error: Exception) -> RequestError:
    """Build the error for a file or folder that cannot be written."""
    reason = getattr(error, "strerror", None) or escaped(str(error))
    elsewhere = getattr(error, "errno", None) in {
        errno.EACCES,
        errno.EEXIST,
        errno.ENOENT,
        errno.ENOTDIR,
        errno.EPERM,
        errno.EROFS,
    }
    fix = "choose another folder" if elsewhere else "free some space or choose another folder"
    return RequestError(f"cannot write {path}: {reason}; {fix}")


def set_aside(path: Path) -> Path:
    """Rename a damaged file to an unused `*.corrupt` name next to it, and return the new path.

    Raises:
        RequestError: if the folder cannot be written to.
    """
    aside, number = path.with_name(f"{path.name}.corrupt"), 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.{number}.corrupt")
    try:
        path.rename(aside)
    except FileNotFoundError:
        return aside  # another process renamed it
    except OSError as error:
        raise RequestError(
            f"cannot rename the damaged file {path}: {error.strerror or error}; move it elsewhere"
        ) from error
    return aside


def _sync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut, if the file system supports it."""
    # the file is already in place, so a file system that cannot sync folders is no reason to fail
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
