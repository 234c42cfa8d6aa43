"""A tree of image files in the ImageFolder layout: `train/<class>/**/<image>` next to `test/` or `val/`."""

import hashlib
import os
import posixpath
import stat
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from attacks.core.errors import RequestError, escaped, listed, several
from attacks.core.files import unreadable
from bench.data.clutter import is_clutter

ENDINGS = (
    *(".avif", ".bmp", ".dib", ".gif", ".ico", ".j2k", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".pbm", ".pcx"),
    *(".pgm", ".png", ".pnm", ".ppm", ".sgi", ".tga", ".tif", ".tiff", ".webp"),
)
LAYOUT = "train/<class>/<image> and test/<class>/<image> (or val/)"
MOST_NAMED = 10
TESTS = ("test", "val")  # the first that exists is used


class File(NamedTuple):
    """One image file: its path below the root with `/` between parts, its label, and its size and time from `stat`."""

    path: str
    label: int
    size: int
    mtime_ns: int


@dataclass(frozen=True, kw_only=True)
class Tree:
    """The contents of a tree, found without opening a file; two scans are equal if nothing changed in between.

    Attributes:
        root: the folder with `train/` and `test/` or `val/`.
        first: how many of its classes are used, as for `scan`.
        classes: names of the folders in `train/`, sorted.
        train, test: files sorted by class, then by folder and then by name, as in torchvision's ImageFolder.
        skipped: paths of the other files in the splits: those without an image suffix or in no class folder; and of
            images next to the splits.
        unused: the other folders next to the splits, sorted.
    """

    root: Path
    first: int | None
    classes: tuple[str, ...]
    train: tuple[File, ...]
    test: tuple[File, ...]
    skipped: tuple[str, ...] = field(default=(), compare=False)
    unused: tuple[str, ...] = field(default=(), compare=False)

    @property
    def files(self) -> tuple[File, ...]:
        """All files, training first."""
        return self.train + self.test

    @property
    def stats(self) -> str:
        """SHA-256, in hex, over paths, labels, sizes and times of the files."""
        return hashlib.sha256(repr([tuple(file) for file in self.files]).encode("utf-8", "surrogateescape")).hexdigest()


def scan(root: Path, first: int | None = None) -> Tree:
    """List a tree, ignoring what is hidden or left by tools. Class names are compared in Unicode's NFC.

    Args:
        root: the folder with `train/` and `test/` or `val/`; `test/` is used if both exist.
        first: use only this many classes, in sorted order, and ignore the others in both splits.

    Raises:
        RequestError: if the layout is different, or classes or images are missing.
    """
    if not root.is_dir():
        raise RequestError(f"no folder {root}; expected one with {LAYOUT}")
    train = root / "train"
    if not train.is_dir():
        raise RequestError(f"{root} has no train/ folder; expected {LAYOUT}")
    tests = [part for part in TESTS if (root / part).is_dir()]
    if not tests:
        raise RequestError(f"{root} has neither a test/ nor a val/ folder; expected {LAYOUT}")
    test = root / tests[0]
    advice = f"; {tests[0]}/ is used, not {tests[1]}/; rename it to use that" if len(tests) > 1 else ""
    classes = _classes(train)[:first]
    if len(classes) == 1:
        raise RequestError(f"{train} has only one class, {classes[0]!r}; add a folder for another")
    labels = {composed(name): label for label, name in enumerate(classes)}
    tested = [name for name in _classes(test, advice) if first is None or composed(name) in labels]
    strange = [name for name in tested if composed(name) not in labels]
    if strange:
        alike = {name.casefold(): name for name in classes}.get(strange[0].casefold())
        fix = f"rename it to {alike!r}" if alike else "add it there or remove it here"
        raise RequestError(f"{test / strange[0]} is a class missing from {train}; {fix}{advice}")
    if not tested:
        raise RequestError(f"{test} has none of the classes in {train}; expected {LAYOUT}{advice}")
    tested.sort(key=lambda name: labels[composed(name)])
    by_split = [
        [_class_files(root, split / name, labels[composed(name)]) for name in names]
        for split, names in ((train, classes), (test, tested))
    ]
    images = [tuple(file for files, _ in split for file in files) for split in by_split]
    others = (path for split in by_split for _, paths in split for path in paths)
    return Tree(
        root=root,
        first=first,
        classes=classes,
        train=images[0],
        test=images[1],
        unused=tuple(name for name in class_folders(root) if not _is_one_of(root / name, train, test)),
        skipped=(*_images_beside(train), *_outside_classes(train), *_outside_classes(test), *others),
    )


def check_unchanged(tree: Tree) -> None:
    """Check that the files of a tree have not changed since they were listed.

    Raises:
        RequestError: if they have.
    """
    if scan(tree.root, tree.first) != tree:
        raise RequestError(f"{tree.root} changed while it was in use; rerun")


def composed(name: str) -> str:
    """Return a name in Unicode's NFC: some systems store an accented letter as one character, others as two."""
    return unicodedata.normalize("NFC", name)


def _is_one_of(folder: Path, *splits: Path) -> bool:
    """Return whether a folder is one of the splits, perhaps as Train/ where the file system ignores case."""
    return any(folder.samefile(split) for split in splits)


def _classes(split: Path, advice: str = "") -> tuple[str, ...]:
    names = class_folders(split)
    if not names:
        raise RequestError(f"{split} has no class folders; expected {LAYOUT}{advice}")
    seen: dict[str, str] = {}
    for name in names:
        if seen.setdefault(composed(name), name) != name:
            raise RequestError(
                f"{split} has two folders called {composed(name)!r}, one with composed and one with decomposed accents;"
                " merge them"
            )
    return tuple(names)


def class_folders(root: Path) -> list[str]:
    """Return the sorted names of the folders in a folder, except those hidden or left by tools.

    Raises:
        RequestError: if it cannot be read.
    """
    try:
        return sorted(path.name for path in root.iterdir() if path.is_dir() and not is_clutter(path.name))
    except OSError as error:
        raise _unreadable(root, error) from error


def is_image(path: str) -> bool:
    """Return whether a file's name has an image suffix."""
    return PurePosixPath(path).suffix.lower() in ENDINGS


def _outside_classes(split: Path) -> list[str]:
    """Return the paths, below the root, of the files in a split that are in no class folder."""
    try:
        names = [path.name for path in split.iterdir() if not is_clutter(path.name) and not _is_folder(path)]
    except OSError as error:
        raise _unreadable(split, error) from error
    return sorted(f"{split.name}/{name}" for name in names)


def _images_beside(split: Path) -> list[str]:
    """Return the names of the images next to a split, sorted."""
    names = [path.name for path in split.parent.iterdir() if is_image(path.name) and path.is_file()]
    return sorted(name for name in names if not is_clutter(name))


def _is_folder(path: Path) -> bool:
    return stat.S_ISDIR(path.stat().st_mode)  # a broken link is an error, not a file outside the classes


def _class_files(root: Path, folder: Path, label: int) -> tuple[list[File], list[str]]:
    """Return the images of a class and the paths of its other files, both in order."""
    prefix = f"{folder.relative_to(root).as_posix()}/"
    images, others = [], []
    for path, told in walk(folder, prefix):
        if is_image(path):
            images.append(File(path, label, told.st_size, told.st_mtime_ns))
        else:
            others.append(path)
    if not images:
        which = f" ({of_another_format(others)})" if others else ""
        fix = "convert these" if others else "add some"
        raise RequestError(f"no images in {folder}{which}; {fix} (any of {', '.join(ENDINGS)}) or remove it")
    return sorted(images, key=lambda file: posixpath.split(file.path)), sorted(others)


def endings(paths: Iterable[str]) -> list[str]:
    """Return the suffixes of files, e.g. `[".heic", ".txt"]`."""
    return sorted({PurePosixPath(path).suffix.lower() or "no suffix" for path in paths})


def of_another_format(paths: Sequence[str]) -> str:
    """Return how many files cannot be read, and their suffixes."""
    return f"{several(len(paths), 'file')} of another format: {named(endings(paths))}"


def named(names: Sequence[str]) -> str:
    """Return names in a printable form: all, or the first few and how many more there are."""
    return escaped(listed(names, MOST_NAMED))


def walk(folder: Path, prefix: str = "") -> Iterator[tuple[str, os.stat_result]]:
    """Yield the path, after `prefix`, and stat of every file below a folder; links are followed.

    What is hidden or left by tools is ignored.

    Raises:
        RequestError: if a folder or file cannot be read, or is neither: reading a pipe would block forever.
    """
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                path = prefix + entry.name
                if is_clutter(entry.name):
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
    return unreadable(Path(error.filename or folder), error)
