"""Datasets by name. Adding one is a file here and a line in `entries`."""

from pathlib import Path

from attacks.errors import RequestError, unknown
from bench.data.cifar10 import CIFAR10
from bench.data.cifar10_jpeg import cifar10_jpeg
from bench.data.cifar100 import CIFAR100
from bench.data.dataset import Dataset, Entry, Places, Progress, Split
from bench.data.fashion_mnist import FashionMnist
from bench.data.folder import PREFIX, open_folder
from bench.data.imagenet_100 import imagenet_100
from bench.data.photo_patches import PhotoPatches
from bench.data.svhn import SVHN

__all__ = ["NAMES", "Dataset", "Entry", "Places", "Progress", "Split", "entries", "entry"]


def entries(places: Places | None = None) -> tuple[Entry, ...]:
    """Return every named dataset; `places` lets local trees give their own number of images."""
    data = places.data if places else None
    return (
        PhotoPatches(),
        FashionMnist(),
        CIFAR10,
        cifar10_jpeg(data),
        CIFAR100,
        SVHN,
        imagenet_100(data),
    )


NAMES = tuple(known.name for known in entries())


def entry(spec: str, places: Places) -> Entry:
    """Find a dataset by its name, or a user's tree by `folder:PATH` or `folder:PATH@SIZE`.

    Raises:
        RequestError: where the name is unknown or the tree cannot be used.
    """
    if spec.startswith(PREFIX):
        return open_folder(spec, places, NAMES)
    for known in entries(places):
        if known.name == spec:
            return known
    if "/" in spec or Path(spec).is_dir():
        raise RequestError(f"unknown dataset {spec!r}; for a folder of images write {PREFIX}{spec}")
    raise unknown("dataset", spec, (*NAMES, f"{PREFIX}PATH"))
