"""`folder:PATH` and `folder:PATH@SIZE`: a user's own tree of images."""

import os
from collections.abc import Collection
from pathlib import Path

from attacks.core.errors import RequestError
from bench.config.recorded import PREFIX, folder_name, parse_folder
from bench.data.dataset import Places
from bench.data.decode import decode, is_grey, unwarned
from bench.data.image_tree import ImageTree
from bench.data.survey import survey
from bench.data.tree import scan


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
    text, side = parse_folder(spec)
    root = _locate(text, places)
    name = folder_name(root, side)
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


def _locate(text: str, places: Places) -> Path:
    # Links are not resolved, so that a link can give a folder another name.
    path = Path(text).expanduser()
    below_data = places.data / path
    chosen = below_data if not path.exists() and below_data.exists() else path
    return Path(os.path.abspath(chosen))  # noqa: PTH100
