"""Datasets by name. To add one, add a file here and a line in `_ours`, or an entry point in a package."""

import re
from pathlib import Path

from attacks.core.errors import RequestError, unknown
from attacks.core.packages import with_packages
from bench.config.recorded import PREFIX
from bench.data.cifar10 import CIFAR10
from bench.data.cifar10_jpeg import cifar10_jpeg
from bench.data.cifar100 import CIFAR100
from bench.data.dataset import Dataset, Entry, Places, Progress, Split
from bench.data.fashion_mnist import FashionMnist
from bench.data.folder import open_folder
from bench.data.imagenet_100 import imagenet_100
from bench.data.photo_patches import PhotoPatches
from bench.data.svhn import SVHN
from bench.data.tiny_imagenet_100 import tiny_imagenet_100

__all__ = [
    "NAMES",
    "Dataset",
    "Entry",
    "Places",
    "Progress",
    "Split",
    "dataset_names",
    "dataset_words",
    "entries",
    "entry",
    "listed_dataset",
]


ENTRY_POINTS = "unlearnable_bench.datasets"


def _ours(data: Path | None = None) -> dict[str, Entry]:
    known: tuple[Entry, ...] = (
        PhotoPatches(),
        FashionMnist(),
        CIFAR10,
        cifar10_jpeg(data),
        CIFAR100,
        SVHN,
        tiny_imagenet_100(data),
        imagenet_100(data),
    )
    return {one.name: one for one in known}


NAMES = tuple(_ours())
"""The datasets that come with this package."""


def entries(places: Places | None = None) -> tuple[Entry, ...]:
    """Return every named dataset: ours, then those of installed packages (entry points to an `Entry`).

    Args:
        places: where local trees are, so that they report their actual numbers of images.

    Raises:
        RequestError: if a package's entry point is not a dataset, or has a name that already exists.
    """
    ours = _ours(places.data if places else None)
    return tuple(with_packages(ours, group=ENTRY_POINTS, kind="dataset", expected=Entry).values())  # type: ignore[type-abstract]


def listed_dataset(name: str) -> Entry | None:
    """Return a listed dataset by its name; None if no such dataset is listed."""
    return next((known for known in entries() if known.name == name), None)


def dataset_names() -> tuple[str, ...]:
    """Return the name of every dataset."""
    return tuple(known.name for known in entries())


def dataset_words(name: str) -> str:
    """Return a dataset's name for captions, e.g. `CIFAR-10` for `cifar10`: the start of its title.

    An unlisted dataset keeps its name.
    """
    known = listed_dataset(name)
    return re.split(r"[,:] ", known.title if known else name)[0]


def entry(spec: str, places: Places) -> Entry:
    """Find a dataset by its name, or a user's tree by `folder:PATH` or `folder:PATH@SIZE`.

    Raises:
        RequestError: if the name is unknown or the tree cannot be used.
    """
    if spec.startswith(PREFIX):
        return open_folder(spec, places, dataset_names())
    for known in entries(places):
        if known.name == spec:
            return known
    if "/" in spec or Path(spec).is_dir():
        raise RequestError(f"unknown dataset {spec!r}; for a folder of images, write {PREFIX}{spec}")
    raise unknown("dataset", spec, (*dataset_names(), f"{PREFIX}PATH"))
