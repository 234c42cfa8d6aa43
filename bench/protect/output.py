"""The folder that protected images are written to: there as a whole, or not at all."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attacks.errors import RequestError


def check_output(out: Path, images: Path) -> None:
    """See that a folder can be written beside the images without touching anything.

    Raises:
        RequestError: where it is a file, holds something, or lies in the folder of the images.
    """
    if out.exists() and not out.is_dir():
        raise RequestError(f"{out} is a file; name a new or empty folder")
    if out.resolve().is_relative_to(images.resolve()):
        raise RequestError(f"{out} lies in the folder of the images, {images}; name one outside it")
    try:
        if out.exists() and any(out.iterdir()):
            raise RequestError(f"{out} is not empty; name a new or empty folder")
    except OSError as error:
        raise _cannot_write(out, error) from error


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """Give a temporary folder beside `out` to write to; it becomes `out` if the block succeeds.

    Raises:
        RequestError: where the disk is full or the folder cannot be written to.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
    except OSError as error:
        raise _cannot_write(out, error) from error
    try:
        yield temporary
        _become(temporary, out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _become(temporary: Path, out: Path) -> None:
    try:
        temporary.chmod(0o755)
        temporary.rename(out)
    except OSError as error:
        raise _cannot_write(out, error) from error


def _cannot_write(out: Path, error: OSError) -> RequestError:
    return RequestError(f"cannot write {out}: {error.strerror or error}; free some space or choose another folder")
