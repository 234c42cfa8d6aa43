"""CIFAR-100 with its fine labels (Krizhevsky, 2009)."""

from pathlib import Path

from bench.data.cifar import KRIZHEVSKY09, read_cifar
from bench.data.dataset import Dataset
from bench.data.download import Download
from bench.data.torchvision_set import TorchvisionSet


def _read(root: Path) -> Dataset:
    return read_cifar("CIFAR100", "cifar100", root)


CIFAR100 = TorchvisionSet(
    name="cifar100",
    title="CIFAR-100, 100 classes of 32x32 photographs",
    source="www.cs.toronto.edu/~kriz/cifar.html",
    classes=100,
    train=50_000,
    test=10_000,
    downloads=(
        Download(
            url="https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
            md5="eb9058c3a382ffc7106e4002c42a8d85",
        ),
    ),
    unpacked=("cifar-100-python/train", "cifar-100-python/test", "cifar-100-python/meta"),
    read=_read,
    paper=KRIZHEVSKY09,
)
