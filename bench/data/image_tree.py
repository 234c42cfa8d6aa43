"""A tree of image files as a dataset."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from attacks.core.arrays import empty
from attacks.core.errors import RequestError
from bench.data.cache import read_dataset, write_dataset
from bench.data.dataset import Dataset, Places, Progress, Split
from bench.data.decode import Resizing, decode, unwarned
from bench.data.resources import in_threads
from bench.data.survey import survey
from bench.data.tree import File, Tree, check_unchanged, endings, is_image, named


@dataclass(frozen=True, kw_only=True)
class ImageTree:
    """An entry for a local tree.

    Attributes:
        shape: channels, height and width; one channel only if all images are grey.
        tree: the tree as it was when the entry was made.
        side: side in pixels of the square that every image is resized to, if any.
        resize: what to resize of each image, as for `decode`.
        fetch: how to get the images of a named dataset; None for a user's own folder.
    """

    name: str
    title: str
    source: str
    shape: tuple[int, int, int]
    view: int
    tree: Tree
    side: int | None = None
    resize: Resizing = "middle"
    fetch: str | None = None

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.tree.classes)

    @property
    def train(self) -> int:
        """Number of training images."""
        return len(self.tree.train)

    @property
    def test(self) -> int:
        """Number of test images."""
        return len(self.tree.test)

    def identity(self, places: Places) -> str:
        """Return a digest over the files' paths, sizes and bytes, and over how they are read.

        It is cached, and valid as long as no file's size or modification time changes.
        """
        return f"sha256:{self._digest(places)}"

    def notes(self, places: Places) -> tuple[str, ...]:
        """Return notes on what is not used, and on what is unusual about the tree and could mislead."""
        return tuple(_notes(self.tree, survey(self.tree, places).repeated))

    @unwarned()
    def check(self, places: Places) -> None:  # noqa: ARG002
        """Check that the files have not changed and that the first image has the right size."""
        check_unchanged(self.tree)
        self._read(self.tree.files[0])

    def load(self, places: Places, progress: Progress | None = None) -> Dataset:
        """Decode all images in threads, or read them from the cache."""
        path = places.cached("datasets") / f"{self._digest(places)}.safetensors"
        dataset = read_dataset(path, self.name, self._files)
        if dataset is None:
            dataset = self._decode(places, progress)
            self.check(places)
            write_dataset(path, dataset)
        return dataset

    def _digest(self, places: Places) -> str:
        files = survey(self.tree, places).digest
        words = (str(self.side or ""), self.resize if self.resize != "middle" else "", "grey" if self._grey else "")
        how = " ".join(filter(None, words))
        return hashlib.sha256(f"{files}@{how}".encode()).hexdigest() if how else files

    @property
    def _grey(self) -> bool:
        return self.shape[0] == 1

    @property
    def _files(self) -> tuple[str, ...]:
        return tuple(file.path for file in self.tree.train)

    @unwarned()
    def _decode(self, places: Places, progress: Progress | None) -> Dataset:
        images = empty((len(self.tree.files), *self.shape), np.uint8, places.cache)

        def fill(task: tuple[int, File]) -> None:
            index, file = task
            images[index] = self._read(file)

        in_threads(fill, list(enumerate(self.tree.files)), progress)
        labels = np.array([file.label for file in self.tree.files], dtype=np.int64)
        n = len(self.tree.train)
        return Dataset(
            name=self.name,
            classes=self.tree.classes,
            files=self._files,
            train=Split(images=images[:n], labels=labels[:n]),
            test=Split(images=images[n:], labels=labels[n:]),
        )

    def _read(self, file: File) -> np.ndarray:
        path = self.tree.root / file.path
        image = decode(path, self.side, self.resize, grey=self._grey)
        if image.shape != self.shape:
            found, wanted = (f"{width}x{height}" for _, height, width in (image.shape, self.shape))
            if self.fetch:
                raise RequestError(f"{path} is {found} pixels, not {wanted}; {self.fetch}")
            raise RequestError(
                f"{path} is {found} pixels and {self.tree.files[0].path} is {wanted}; resize all of them with"
                f" folder:{self.tree.root}@{self.shape[1]}"
            )
        return image


def _notes(tree: Tree, repeated: Sequence[str]) -> Iterator[str]:
    """Yield the notes on a tree, one line each.

    Args:
        tree: the tree.
        repeated: paths of the test files that are also training files.
    """
    test = tree.test[0].path.partition("/")[0]
    if other := [path for path in tree.skipped if not is_image(path)]:
        yield f"files skipped because of their format ({named(endings(other))}): {len(other):,} ({named(other)})"
    if loose := [path for path in tree.skipped if is_image(path)]:
        yield f"images skipped because they are in no class folder: {len(loose):,} ({named(loose)})"
    if tree.unused:
        yield f"folders next to train/ and {test}/ that are not used: {len(tree.unused):,} ({named(tree.unused)})"
    tested = {file.label for file in tree.test}
    if untested := [name for label, name in enumerate(tree.classes) if label not in tested]:
        yield f"classes without images in {test}/: {len(untested):,} of {len(tree.classes):,} ({named(untested)})"
    if repeated:
        yield f"files in {test}/ that are also in train/: {len(repeated):,} of {len(tree.test):,} ({named(repeated)})"
