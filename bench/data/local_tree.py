"""A named dataset that is a tree of images, which the user fetches into the data folder."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from attacks.core.errors import RequestError
from attacks.spec import Paper
from bench.data.dataset import Dataset, Places, Progress
from bench.data.decode import Resizing
from bench.data.image_tree import ImageTree
from bench.data.tree import scan


@dataclass(frozen=True, kw_only=True)
class LocalTree:
    """An entry for such a dataset, whether or not its tree is there.

    Attributes:
        root: the folder with `train/`, and `val/` or `test/`; None if the entry is only listed.
        fetch: what the user has to do to get it there.
        paper: where its images were published.
        whole: numbers of training and test images in the full dataset.
        first: how many classes of the tree are used, in sorted order; None: all.
        side: side in pixels of the square that every image is resized to, if any.
        resize: what to resize of each image, as for `decode`.
    """

    root: Path | None
    name: str
    title: str
    source: str
    fetch: str
    paper: Paper
    shape: tuple[int, int, int]
    view: int
    classes: int
    whole: tuple[int, int]
    first: int | None = None
    side: int | None = None
    resize: Resizing = "middle"

    @property
    def train(self) -> int:
        """Number of training images: in the local tree, or else in the full dataset."""
        return self._local.train if self._is_here() else self.whole[0]

    @property
    def test(self) -> int:
        """Number of test images: in the local tree, or else in the full dataset."""
        return self._local.test if self._is_here() else self.whole[1]

    @property
    def to_fetch(self) -> str:
        """What the user has to put where."""
        return f"{self.root}: {self.fetch}"

    def identity(self, places: Places) -> str:
        """Return the digest of the files; the first call reads them all."""
        return self._local.identity(places)

    def notes(self, places: Places) -> tuple[str, ...]:
        """Return notes on what is not used, and on what is unusual about the tree and could mislead."""
        return self._local.notes(places)

    def check(self, places: Places) -> None:
        """Check that the tree is there and has the right number of classes, and then as `ImageTree.check`."""
        self._local.check(places)

    def load(self, places: Places, progress: Progress | None = None) -> Dataset:
        """Decode the images, or read them from the cache."""
        return self._local.load(places, progress)

    def _is_here(self) -> bool:
        return self.root is not None and self.root.is_dir()

    @cached_property
    def _local(self) -> ImageTree:
        if self.root is None or not self.root.is_dir():
            raise RequestError(f"{self.name}: no folder {self.root or 'in the data folder'}; {self.fetch}")
        tree = scan(self.root, first=self.first)
        if (found := len(tree.classes)) != self.classes:
            raise RequestError(
                f"{self.name}: {self.root / 'train'} has {found} classes, not {self.classes}; {self.fetch}"
            )
        return ImageTree(
            name=self.name,
            title=self.title,
            source=self.source,
            shape=self.shape,
            view=self.view,
            tree=tree,
            side=self.side,
            resize=self.resize,
            fetch=self.fetch,
        )
