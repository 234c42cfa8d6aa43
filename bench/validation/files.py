"""Find the files of a folder of records; links and whatever else is there are reported and not followed."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from bench.validation.finding import Finding

FOLDERS = ("noise", "records")
DEEPEST = 4  # dataset, method, victim, file
LARGEST = 1 << 20  # bytes; a record with a curve of a thousand points has a tenth of that


def files(root: Path) -> Iterator[Path | Finding]:
    """Yield what lies below `root/noise` and `root/records`, sorted: a file that may be a record, or what is wrong."""
    for name in FOLDERS:
        yield from _below(root / name, DEEPEST)


def _below(path: Path, depth: int) -> Iterator[Path | Finding]:
    try:
        status = path.lstat()
        inside = sorted(os.listdir(path)) if stat.S_ISDIR(status.st_mode) else None  # noqa: PTH208 - plain names
    except FileNotFoundError:
        return
    except OSError as error:
        yield Finding(path=path, what=f"cannot be read ({error.strerror})", fix="check its permissions")
        return
    if inside is not None and depth == 0:
        yield Finding(path=path, what="is a folder where a record is expected", fix="remove it")
    elif inside is not None:
        for name in inside:
            yield from _below(path / name, depth - 1)
    elif not stat.S_ISREG(status.st_mode):
        yield Finding(path=path, what="is a link or not a regular file", fix="put the record itself there or remove it")
    elif path.suffix != ".json" or path.name.startswith("."):
        yield Finding(path=path, what="is not a record", fix="remove it; only records written by `run` belong here")
    elif status.st_size > LARGEST:
        yield Finding(path=path, what=f"is larger than {LARGEST:,} bytes", fix="remove it; no record is that large")
    else:
        yield path
