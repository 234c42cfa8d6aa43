"""CIFAR-10 (Krizhevsky, 2009)."""

from pathlib import Path

from bench.data.cifar import KRIZHEVSKY09, read_cifar
from bench.data.dataset import Dataset
from bench.data.download import Download
from bench.data.torchvision_set import TorchvisionSet


def _read(root: Path) -> Dataset:
    return read_cifar("CIFAR10", "cifar10", root)


CIFAR10 = TorchvisionSet(
    name="cifar10",
    title="CIFAR-10, ten classes of 32x32 photographs",
    source="www.cs.toronto.edu/~kriz/cifar.html",
    classes=10,
    train=50_000,
    test=10_000,
    downloads=(
        Download(
            url="https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
            md5="c58f30108f718f92721af3b95e74349a",
        ),
    ),
    unpacked=tuple(
        f"cifar-10-batches-py/{file}"
        for file in (*(f"data_batch_{n}" for n in range(1, 6)), "test_batch", "batches.meta")
    ),
    read=_read,
    paper=KRIZHEVSKY09,
)
