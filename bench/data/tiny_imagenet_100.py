"""The first hundred classes of Tiny ImageNet, reduced to 32 x 32 pixels, as JPEG files from a public repository."""

from pathlib import Path

from attacks.spec import Paper
from bench.data.local_tree import LocalTree

CLASSES = 100

LE15 = Paper(
    key="le2015tiny",
    title="Tiny ImageNet Visual Recognition Challenge",
    authors=("Ya Le", "Xuan Yang"),
    year=2015,
    venue="Course report, CS231n, Stanford University",
    identifier="https://cs231n.stanford.edu/reports/2015/pdfs/yle_project.pdf",
    kind="misc",
)


def tiny_imagenet_100(data: Path | None) -> LocalTree:
    """Return the entry for the repository's images in a data folder, of which the first hundred classes are used."""
    return LocalTree(
        root=data / "tiny-imagenet-100-32px" if data else None,
        name="tiny-imagenet-100-32px",
        title="the first 100 classes of Tiny ImageNet at 32x32 pixels: tested on its validation images",
        source="github.com/DhanashriPalodkar/imageet32x32",
        fetch="from a clone of github.com/DhanashriPalodkar/imageet32x32, put the training images there as"
        " train/<wnid>/*.JPEG and the validation images, whose classes Tiny ImageNet's val_annotations.txt lists, as"
        " test/<wnid>/*.JPEG",
        paper=LE15,
        shape=(3, 32, 32),
        view=32,
        classes=CLASSES,
        whole=(500 * CLASSES, 50 * CLASSES),
        first=CLASSES,
    )
