"""Shared by CIFAR-10 and CIFAR-100."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from attacks.spec import Paper
from bench.data.dataset import Dataset, Split

if TYPE_CHECKING:
    from torchvision.datasets import CIFAR10

KRIZHEVSKY09 = Paper(
    key="krizhevsky2009learning",
    title="Learning Multiple Layers of Features from Tiny Images",
    authors=("Alex Krizhevsky",),
    year=2009,
    venue="Technical report, University of Toronto",
    identifier="https://www.cs.toronto.edu/~kriz/learning-features-2009-TR.pdf",
    kind="misc",
)


def read_cifar(kind: Literal["CIFAR10", "CIFAR100"], name: str, root: Path) -> Dataset:
    """Read unpacked CIFAR batches with torchvision's class `kind`.

    Raises:
        RuntimeError: if a file is missing or does not match its MD5.
    """
    import torchvision

    reader = getattr(torchvision.datasets, kind)
    train, test = reader(root, train=True), reader(root, train=False)
    return Dataset(name=name, classes=tuple(train.classes), train=_split(train), test=_split(test))


def _split(images: "CIFAR10") -> Split:
    return Split(
        images=np.ascontiguousarray(images.data.transpose(0, 3, 1, 2)),
        labels=np.asarray(images.targets, dtype=np.int64),
    )
