"""Which images to protect, and their classes."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from attacks.core.errors import RequestError, listed
from bench.data.tree import ENDINGS, class_folders, composed, is_image, named, of_another_format, walk
from bench.protect.labels import read_labels

# usual names of the splits of a dataset, in lower case
SPLITS = frozenset({"dev", "eval", "test", "testing", "train", "training", "val", "valid", "validation"})
LAYOUT = "one folder per class, or a --labels file"


class Source(NamedTuple):
    """One image: its path below the folder with `/` between parts, and its label."""

    name: str
    label: int

    @property
    def target(self) -> str:
        """The path of its PNG below the output folder."""
        return str(PurePosixPath(self.name).with_suffix(".png"))


@dataclass(frozen=True, kw_only=True)
class Listing:
    """The images of a folder.

    Attributes:
        root: the folder.
        classes: sorted; a label is an index into it.
        sources: sorted by name.
        passed_over: other files, which are not protected, except hidden ones.
        hidden: image files that are not read, being hidden or in a folder that a tool made (`bench.data.clutter`).
    """

    root: Path
    classes: tuple[str, ...]
    sources: tuple[Source, ...]
    passed_over: tuple[str, ...]
    hidden: tuple[str, ...]

    @property
    def notes(self) -> Iterator[str]:
        """A line on each kind of files that stay unprotected, if there are any."""
        for why, names in (
            ("not in a supported image format, judging by their names", self.passed_over),
            ("images that are hidden or in a folder of a tool", self.hidden),
        ):
            if names:
                yield f"NOT protected and not copied ({why}): {len(names):,} ({named(names)})"

    @cached_property
    def paths(self) -> tuple[Path, ...]:
        """The file of every image."""
        return tuple(self.root / source.name for source in self.sources)


def list_images(root: Path, labels: Path | None) -> Listing:
    """List a folder whose images lie in one folder per class, or whose labels are in a CSV file.

    Raises:
        RequestError: if there are no images or fewer than two classes, an image has no class or a class no image,
            or two images would get the same name.
    """
    if not root.is_dir():
        raise RequestError(f"no folder {root}; give a folder of images ({LAYOUT})")
    files = sorted(path for path, _ in walk(root))
    names = [name for name in files if is_image(name)]
    if not names:
        raise _without_images([root], files, f" (supported: {', '.join(ENDINGS)})")
    classes = read_labels(labels, names, files) if labels else _by_folder(root, names, files)
    known = sorted(set(classes.values()))
    if len(known) == 1:
        raise RequestError(f"all images are of one class, {known[0]!r}; the noise needs at least two ({LAYOUT})")
    sources = tuple(Source(name, known.index(classes[name])) for name in names)
    _check_targets(sources)
    own = {labels.resolve()} if labels else set()
    others = tuple(name for name in files if name not in classes and (root / name).resolve() not in own)
    return Listing(
        root=root, classes=tuple(known), sources=sources, passed_over=others, hidden=_hidden_images(root, files)
    )


def _hidden_images(root: Path, read: list[str]) -> tuple[str, ...]:
    """Return the image files below a folder that are not among those read, without macOS's `._` files of attributes."""
    every = (Path(folder, name) for folder, _, names in os.walk(root) for name in names if not name.startswith("._"))
    names = {path.relative_to(root).as_posix() for path in every}
    return tuple(sorted(name for name in names - set(read) if is_image(name)))


def _without_images(folders: list[Path], others: list[str], more: str) -> RequestError:
    """Build the error for folders without images; `others` are the files in them, `more` completes the advice."""
    where = listed([str(folder) for folder in folders])
    if not others:
        return RequestError(f"no images in {where}; add some{more}")
    return RequestError(f"no images in a supported format in {where} ({of_another_format(others)}); convert them{more}")


def _by_folder(root: Path, names: list[str], files: list[str]) -> dict[str, str]:
    """Return the class of every image: the folder that it lies in."""
    _check_splits(root, [name for name in names if "/" in name])
    loose = [name for name in names if "/" not in name]
    if loose:
        raise RequestError(f"not in a class folder of {root}: {listed(loose)}; give {LAYOUT}")
    classes = {name: composed(name.partition("/")[0]) for name in names}
    empty = [name for name in class_folders(root) if composed(name) not in classes.values()]
    if empty:
        others = [name for name in files if name.partition("/")[0] in empty]
        raise _without_images([root / name for name in empty], others, " or remove the folder")
    return classes


def _check_splits(root: Path, names: list[str]) -> None:
    """Refuse a folder of splits, whose classes lie one folder deeper."""
    parts = [PurePosixPath(name).parts for name in names]
    folders = {part[0] for part in parts}
    split = {name for name in folders if name.casefold() in SPLITS}
    without_images = split - {part[0] for part in parts if len(part) == 2}
    with_classes = {part[0] for part in parts if len(part) > 2}
    if split and ((split == folders and split & with_classes) or len(without_images) > 1):
        splits = sorted(split if split == folders else without_images)
        best = next((name for name in splits if name.casefold().startswith("train")), splits[0])
        are = "are splits and not classes" if len(splits) > 1 else "is a split and not a class"
        raise RequestError(f"{listed(splits)} in {root} {are}; give {root / best}")


def _check_targets(sources: tuple[Source, ...]) -> None:
    seen: dict[str, str] = {}
    clashes = []
    for source in sources:
        other = seen.setdefault(source.target, source.name)
        if other != source.name:
            clashes.append(f"{other} and {source.name} would both become {source.target}")
    for source in sources:
        parent = next((str(path) for path in PurePosixPath(source.target).parents if str(path) in seen), None)
        if parent:
            clashes.append(f"{seen[parent]} would become {parent}, the folder of {source.name}")
    if clashes:
        raise RequestError(f"{listed(clashes)}; rename one of them")
