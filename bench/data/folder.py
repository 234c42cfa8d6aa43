"""`folder:PATH` and `folder:PATH@SIZE`: a user's own tree of images."""

import os
import re
from collections.abc import Collection
from pathlib import Path

from attacks.core.errors import RequestError
from attacks.core.settings import LONGEST_NAME
from bench.data.dataset import Places
from bench.data.decode import decode, is_grey, unwarned
from bench.data.image_tree import ImageTree
from bench.data.survey import survey
from bench.data.tree import scan

PREFIX = "folder:"
LARGEST_SIDE = 4096


def open_folder(spec: str, places: Places, taken: Collection[str]) -> ImageTree:
    """List a user's tree and read its first image; if that is grey, check whether all are.

    Args:
        spec: `folder:PATH`, or `folder:PATH@SIZE` to resize every image's middle square to `SIZE` pixels. A relative
            path is looked up in the working folder and then in the data folder.
        places: the data folder, and the cache of what is known about trees.
        taken: names of other datasets, from which the folder's name must differ.

    Raises:
        RequestError: if the tree cannot be used.
    """
    text, side = _parse(spec)
    root = _locate(text, places)
    name = _record_name(root, side)
    if name in taken:
        raise RequestError(f"{root} would be called {name!r} in records, like a built-in dataset; rename the folder")
    tree = scan(root)
    first = tree.root / tree.files[0].path
    with unwarned():
        _, height, width = decode(first, side).shape
        grey = is_grey(first)
    if height != width:
        raise RequestError(
            f"{first} is {width}x{height} pixels and not square; write {PREFIX}{text}@SIZE to resize the central square"
        )
    grey = grey and survey(tree, places).grey
    return ImageTree(
        name=name,
        title=f"{len(tree.files):,} images of {len(tree.classes)} classes in {root}",
        source=str(root),
        shape=(1 if grey else 3, height, width),
        view=height,
        tree=tree,
        side=side,
    )


def _parse(spec: str) -> tuple[str, int | None]:
    path, at, digits = spec.removeprefix(PREFIX).rpartition("@")
    if not (at and re.fullmatch("[0-9]+", digits)):
        path, digits = spec.removeprefix(PREFIX), ""
    if not path:
        raise RequestError(f"{spec!r} does not name a folder; write {PREFIX}PATH or {PREFIX}PATH@SIZE")
    digits = digits.lstrip("0") or digits[:1]  # Python refuses to read thousands of digits
    if digits and not (len(digits) <= len(str(LARGEST_SIDE)) and 1 <= int(digits) <= LARGEST_SIDE):
        raise RequestError(f"{spec!r:.200} asks for {digits:.9} pixels; choose a size from 1 to {LARGEST_SIDE}")
    return path, int(digits) if digits else None


def _locate(text: str, places: Places) -> Path:
    # Links are not resolved, so that a link can give a folder another name.
    path = Path(text).expanduser()
    below_data = places.data / path
    chosen = below_data if not path.exists() and below_data.exists() else path
    return Path(os.path.abspath(chosen))  # noqa: PTH100


def _record_name(root: Path, side: int | None) -> str:
    suffix = "" if side is None else f"-{side}"
    plain = re.sub(r"[^A-Za-z0-9._+-]+", "-", root.name).lstrip("._+-")[: LONGEST_NAME - len(suffix)]
    if not plain:
        raise RequestError(
            f"the name of {root} has no ASCII letter or digit, which its name in records needs; rename the folder"
        )
    return plain + suffix
