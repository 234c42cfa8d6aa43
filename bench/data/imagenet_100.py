"""The first hundred classes of ImageNet (ILSVRC2012), the papers' ImageNet subset."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from attacks.errors import RequestError
from bench.data.dataset import Dataset, Places, Progress
from bench.data.image_tree import ImageTree
from bench.data.tree import scan

NAME = "imagenet-100"
TITLE = "ImageNet, first hundred classes, shortest side 256, 224 crops"
SOURCE = "image-net.org, ILSVRC2012"
CLASSES = 100
SIDE = 256
VIEW = 224
FETCH = (
    "get ILSVRC2012_img_train.tar and ILSVRC2012_img_val.tar from image-net.org and unpack them there as"
    " train/<wnid>/*.JPEG and val/<wnid>/*.JPEG"
)


@dataclass(frozen=True, kw_only=True)
class ImageNet100:
    """A local ImageNet tree, of which the first hundred classes in sorted order are taken.

    Attributes:
        root: the folder with `train/` and `val/`, or None for lists.
    """

    root: Path | None = None
    name: str = NAME
    title: str = TITLE
    source: str = SOURCE
    shape: tuple[int, int, int] = (3, SIDE, SIDE)
    view: int = VIEW
    classes: int = CLASSES

    @property
    def train(self) -> int:
        """Number of training images: of the local tree, else of the whole set."""
        return self._local.train if self._is_here() else 126_689

    @property
    def test(self) -> int:
        """Number of test images: of the local tree, else of the whole set."""
        return self._local.test if self._is_here() else 5_000

    def identity(self, places: Places) -> str:
        """Return the digest of the files; the first time this reads them all."""
        return self._local.identity(places)

    def check(self, places: Places) -> None:
        """See that the tree is there and has the classes."""
        self._local.check(places)

    def load(self, places: Places, progress: Progress | None = None) -> Dataset:
        """Decode the hundred classes, or take them from the cache."""
        return self._local.load(places, progress)

    def _is_here(self) -> bool:
        return self.root is not None and self.root.is_dir()

    @cached_property
    def _local(self) -> ImageTree:
        if self.root is None or not self.root.is_dir():
            raise RequestError(f"{NAME}: no folder {self.root or 'data/imagenet'}; {FETCH}")
        tree = scan(self.root, first=CLASSES)
        if len(tree.classes) < CLASSES:
            raise RequestError(f"{NAME}: {self.root / 'train'} has only {len(tree.classes)} classes; {FETCH}")
        return ImageTree(
            name=NAME,
            title=TITLE,
            source=SOURCE,
            shape=self.shape,
            view=VIEW,
            tree=tree,
            first=CLASSES,
            side=SIDE,
        )
