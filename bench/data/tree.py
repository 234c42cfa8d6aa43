"""A tree of image files in the ImageFolder layout: `train/<class>/**/<image>` beside `test/` or `val/`."""

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from attacks.core.errors import RequestError

ENDINGS = (
    *(".avif", ".bmp", ".dib", ".gif", ".ico", ".j2k", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".pbm", ".pcx"),
    *(".pgm", ".png", ".pnm", ".ppm", ".sgi", ".tga", ".tif", ".tiff", ".webp"),
)
LAYOUT = "train/<class>/<image> and test/<class>/<image> (or val/)"


class File(NamedTuple):
    """One image file: its path below the root with `/` between parts, its label, and what a stat call tells."""

    path: str
    label: int
    size: int
    mtime_ns: int


@dataclass(frozen=True, kw_only=True)
class Tree:
    """What a tree holds, without a file having been opened; two scans are equal if nothing was changed between.

    Attributes:
        root: the folder that holds `train/` and `test/` or `val/`.
        classes: names of the folders in `train/`, sorted.
        train, test: files sorted by class and then by path.
    """

    root: Path
    classes: tuple[str, ...]
    train: tuple[File, ...]
    test: tuple[File, ...]

    @property
    def files(self) -> tuple[File, ...]:
        """All files, training first."""
        return self.train + self.test

    @property
    def stats(self) -> str:
        """SHA-256, in hex, over what stat calls told about the files."""
        return hashlib.sha256(repr([tuple(file) for file in self.files]).encode("utf-8", "surrogateescape")).hexdigest()


def scan(root: Path, first: int | None = None) -> Tree:
    """List a tree; hidden files and files that do not end like an image are passed over.

    Args:
        root: the folder that holds `train/` and `test/` or `val/`; `test/` is taken if both are there.
        first: take only this many classes, in sorted order, and pass over the others in both splits.

    Raises:
        RequestError: where the layout is another, or classes or images are missing.
    """
    if not root.is_dir():
        raise RequestError(f"no folder {root}; expected one with {LAYOUT}")
    train = root / "train"
    if not train.is_dir():
        raise RequestError(f"{root} has no train/ folder; expected {LAYOUT}")
    test = next((root / part for part in ("test", "val") if (root / part).is_dir()), None)
    if test is None:
        raise RequestError(f"{root} has neither a test/ nor a val/ folder; expected {LAYOUT}")
    classes = _classes(train)[:first]
    if len(classes) == 1:
        raise RequestError(f"{train} has only one class, {classes[0]!r}; add a folder for another")
    labels = {name: label for label, name in enumerate(classes)}
    tested = [name for name in _classes(test) if first is None or name in labels]
    strange = [name for name in tested if name not in labels]
    if strange:
        raise RequestError(f"{test / strange[0]} is a class missing from {train}; add it there or remove it here")
    if not tested:
        raise RequestError(f"{test} has none of the classes in {train}; expected {LAYOUT}")
    return Tree(
        root=root,
        classes=classes,
        train=tuple(file for name in classes for file in _images(root, train / name, labels[name])),
        test=tuple(file for name in tested for file in _images(root, test / name, labels[name])),
    )


def _classes(split: Path) -> tuple[str, ...]:
    names = class_folders(split)
    if not names:
        raise RequestError(f"{split} has no class folders; expected {LAYOUT}")
    return tuple(names)


def class_folders(root: Path) -> list[str]:
    """Return the names of the folders in a folder, sorted; not hidden ones.

    Raises:
        RequestError: where it cannot be read.
    """
    try:
        return sorted(path.name for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    except OSError as error:
        raise _unreadable(root, error) from error


def is_image(path: str) -> bool:
    """Say whether a file's name ends like an image's."""
    return PurePosixPath(path).suffix.lower() in ENDINGS


def _images(root: Path, folder: Path, label: int) -> list[File]:
    prefix = f"{folder.relative_to(root).as_posix()}/"
    files = (file for file in walk(folder, prefix) if is_image(file[0]))
    found = sorted(File(path, label, told.st_size, told.st_mtime_ns) for path, told in files)
    if not found:
        raise RequestError(f"no images in {folder}; add some (any of {', '.join(ENDINGS)}) or remove it")
    return found


def walk(folder: Path, prefix: str = "") -> Iterator[tuple[str, os.stat_result]]:
    """Yield path, with `prefix` before it, and stat of every file below a folder; not hidden ones; links are followed.

    Raises:
        RequestError: where a folder or file cannot be read, or is neither: reading a pipe would wait for ever.
    """
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                path = prefix + entry.name
                if entry.name.startswith("."):
                    continue
                if entry.is_dir():
                    yield from walk(folder / entry.name, f"{path}/")
                elif stat.S_ISREG((told := entry.stat()).st_mode):
                    yield path, told
                else:
                    raise RequestError(f"{folder / entry.name} is not a regular file; remove it")
    except OSError as error:
        raise _unreadable(folder, error) from error


def _unreadable(folder: Path, error: OSError) -> RequestError:
    return RequestError(f"cannot read {error.filename or folder} ({error.strerror}); repair or remove it")
