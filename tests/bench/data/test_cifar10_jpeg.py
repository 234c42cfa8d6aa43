"""The tree of CIFAR-10 as JPEG files, from the data folder."""

from collections.abc import Callable
from pathlib import Path

import pytest

from attacks.core.errors import RequestError
from bench.data import Places, entry

MakeTree = Callable[..., Path]


def test_missing_tree_says_what_to_fetch(places: Places) -> None:
    found = entry("cifar10-jpeg", places)
    assert (found.train, found.test, found.shape, found.view) == (50_000, 10_000, (3, 32, 32), 32)
    with pytest.raises(RequestError, match=r"^cifar10-jpeg: no folder .*data/cifar10-jpeg; clone github\.com/Yoongi"):
        found.check(places)


def test_named_tree_is_the_same_dataset_as_that_folder(make_tree: MakeTree, places: Places) -> None:
    counts = {f"{split}/{n}": 2 for split in ("train", "test") for n in range(10)}
    root = make_tree("data/cifar10-jpeg", counts, size=(32, 32))
    found = entry("cifar10-jpeg", places)
    assert found.identity(places) == entry(f"folder:{root.rename(root.with_name('copy'))}", places).identity(places)
    (root.with_name("copy")).rename(root)
    dataset = found.load(places)
    assert (dataset.name, len(dataset.classes), dataset.train.images.shape) == ("cifar10-jpeg", 10, (20, 3, 32, 32))


def test_other_classes_are_refused(make_tree: MakeTree, places: Places) -> None:
    make_tree("data/cifar10-jpeg", {f"{split}/{n}": 1 for split in ("train", "test") for n in range(11)})
    with pytest.raises(RequestError, match="has 11 classes, not 10"):
        entry("cifar10-jpeg", places).check(places)
