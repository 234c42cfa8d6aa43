"""A tree of image files as a dataset."""

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from attacks.core.errors import RequestError
from attacks.core.files import set_aside, write_atomically
from bench.data.cache import read_dataset, write_dataset
from bench.data.dataset import Dataset, Places, Progress, Split
from bench.data.decode import Resize, decode, unwarned
from bench.data.resources import in_threads
from bench.data.tree import File, Tree, scan
from bench.seal import parse_sealed, seal

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class ImageTree:
    """An entry for a local tree.

    Attributes:
        tree: what was there when the entry was asked for.
        first: how many classes of it count, as for `scan`.
        side: pixels of the square that every image is resized to, if any.
        resize: what of each image, as for `decode`.
    """

    name: str
    title: str
    source: str
    shape: tuple[int, int, int]
    view: int
    tree: Tree
    first: int | None = None
    side: int | None = None
    resize: Resize = "middle"

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
        """Return a digest over the files' paths, sizes and bytes, and over how they are resized.

        It is remembered in the cache, and holds as long as no file's size or modification time changes.
        """
        return f"sha256:{self._digest(places)}"

    def check(self, places: Places) -> None:  # noqa: ARG002
        """See that the files are still as they were."""
        if scan(self.tree.root, self.first) != self.tree:
            raise RequestError(f"{self.tree.root} changed while it was in use; rerun")

    def load(self, places: Places, progress: Progress | None = None) -> Dataset:
        """Decode all images with threads, or take them from the cache."""
        path = places.cache / "datasets" / f"{self._digest(places)}.safetensors"
        dataset = read_dataset(path, self.name)
        if dataset is None:
            dataset = self._decode(progress)
            self.check(places)
            write_dataset(path, dataset)
        return dataset

    def _digest(self, places: Places) -> str:
        files = self._files_digest(places)
        if self.side is None:
            return files
        how = str(self.side) if self.resize == "middle" else f"{self.side} {self.resize}"
        return hashlib.sha256(f"{files}@{how}".encode()).hexdigest()

    def _files_digest(self, places: Places) -> str:
        root = hashlib.sha256(str(self.tree.root).encode("utf-8", "surrogateescape")).hexdigest()
        note = places.cache / "datasets" / f"files-{root[:16]}.json"
        stats = self.tree.stats
        known = _read_note(note)
        if known.get("stats") == stats:
            return known["digest"]
        logger.info("computing the digest of %d files in %s (once)", len(self.tree.files), self.tree.root)
        digest = hash_files(self.tree)
        self.check(places)
        write_atomically(note, seal({"digest": digest, "stats": stats}))
        return digest

    @unwarned()
    def _decode(self, progress: Progress | None) -> Dataset:
        images = np.empty((len(self.tree.files), *self.shape), dtype=np.uint8)

        def fill(task: tuple[int, File]) -> None:
            index, file = task
            images[index] = self._read(file)

        in_threads(fill, list(enumerate(self.tree.files)), progress)
        labels = np.array([file.label for file in self.tree.files], dtype=np.int64)
        n = len(self.tree.train)
        return Dataset(
            name=self.name,
            classes=self.tree.classes,
            train=Split(images=images[:n], labels=labels[:n]),
            test=Split(images=images[n:], labels=labels[n:]),
        )

    def _read(self, file: File) -> np.ndarray:
        image = decode(self.tree.root / file.path, self.side, self.resize)
        if image.shape != self.shape:
            raise RequestError(
                f"{self.tree.root / file.path} is {image.shape[2]}x{image.shape[1]} pixels and"
                f" {self.tree.files[0].path} is {self.shape[2]}x{self.shape[1]}; resize all of them with"
                f" folder:{self.tree.root}@{self.shape[1]}"
            )
        return image


def hash_files(tree: Tree) -> str:
    """Return the SHA-256, in hex, over the paths, sizes and bytes of a tree's files, in order."""

    def one(file: File) -> bytes:
        content = (tree.root / file.path).read_bytes()
        head = f"{file.path}\0{len(content)}\0".encode("utf-8", "surrogateescape")
        return head + hashlib.sha256(content).digest()

    try:
        return hashlib.sha256(b"".join(in_threads(one, tree.files))).hexdigest()
    except OSError as error:
        raise RequestError(f"cannot read {error.filename} ({error.strerror}); repair or remove it") from error


def _read_note(path: Path) -> dict[str, str]:
    try:
        return parse_sealed(path.read_bytes())
    except OSError:
        return {}
    except ValueError as error:
        logger.warning("%s is damaged (%s); set aside as %s and rebuilt", path, error, set_aside(path).name)
        return {}
