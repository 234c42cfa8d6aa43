"""The folder that protected images are written to: complete, or not there at all."""

import contextlib
import errno
import fcntl
import glob
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attacks.core.errors import RequestError
from attacks.core.files import PART, unwritable


def check_output(out: Path, images: Path) -> None:
    """Check that a folder can be written next to the images without touching anything.

    Raises:
        RequestError: if it is a file, is not empty, cannot be replaced, or lies in the folder of the images.
    """
    try:
        folder = _followed(out)
        if os.path.lexists(folder) and not folder.is_dir():
            raise RequestError(f"{out} is a file; choose a new or empty folder")
        if folder.is_relative_to(_followed(images)):
            where = "the image folder itself" if folder == _followed(images) else f"inside the image folder {images}"
            raise RequestError(f"{out} is {where}; choose one outside it")
        if folder.exists() and any(folder.iterdir()):
            raise RequestError(f"{out} is not empty; choose a new or empty folder")
        if folder == Path.cwd() or folder.is_mount():
            raise RequestError(f"{out} is a mount point or the working directory; choose a folder inside it")
    except OSError as error:
        raise _cannot_write(out, error) from error


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """Yield a temporary folder next to `out`, links followed; it becomes `out` if the block succeeds.

    Such folders left by killed processes are removed first.

    Raises:
        RequestError: if the disk is full or the folder cannot be written to.
    """
    try:
        folder = _followed(out)
        folder.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(folder)
        if folder.exists():  # better find out before the work whether it can be replaced
            permissions = _permissions(folder)
            with contextlib.suppress(FileNotFoundError):  # another run may do the same
                folder.rmdir()
            folder.mkdir(exist_ok=True)
            folder.chmod(permissions)
        temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    except OSError as error:
        raise _cannot_write(out, error) from error
    with _held(temporary) as used:
        try:
            yield used
            _become(used, folder)
        finally:
            shutil.rmtree(used, ignore_errors=True)


@contextmanager
def _held(temporary: Path) -> Iterator[Path]:
    """Hold a lock on a new folder, and yield it with the ending that tells other processes to check for the lock."""
    handle, used = os.open(temporary, os.O_RDONLY), temporary
    try:
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            used = temporary.rename(temporary.with_name(temporary.name + PART))
        yield used
    finally:
        os.close(handle)


def _remove_abandoned(folder: Path) -> None:
    """Remove temporary folders that no process holds any more, as far as possible."""
    for path in folder.parent.glob(f".{glob.escape(folder.name)}.{'?' * 8}{PART}"):
        with contextlib.suppress(OSError):
            handle = os.open(path, os.O_RDONLY)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path)
            finally:
                os.close(handle)


def _become(temporary: Path, folder: Path) -> None:
    """Rename a folder so that a power cut leaves all of it or nothing."""
    try:
        folder.mkdir(exist_ok=True)  # a new folder's permissions are the usual ones
        temporary.chmod(_permissions(folder))
        os.sync()  # the files, before they can be seen; one call, as syncing each of many images takes longer
        temporary.rename(folder)
        os.sync()  # the new name, before the state that could make the files again is forgotten
    except OSError as error:
        raise _cannot_write(folder, error) from error


def _permissions(folder: Path) -> int:
    return stat.S_IMODE(folder.stat().st_mode)


def _followed(path: Path) -> Path:
    """Return the target of a link; unlike with `Path.resolve`, a link to itself is not an error."""
    return Path(os.path.realpath(path))


def _cannot_write(out: Path, error: OSError) -> RequestError:
    if error.errno in {errno.ENOTEMPTY, errno.EEXIST} and out.is_dir():
        return RequestError(f"{out} was filled by another program meanwhile; choose another folder")
    return unwritable(out, error)
