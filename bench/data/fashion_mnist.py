"""Fashion-MNIST (Xiao et al., 2017): grey 28x28 images of clothes, from four IDX files."""

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from attacks.core.errors import RequestError
from attacks.spec import Paper
from bench.data.dataset import Dataset, Places, Progress, Split
from bench.data.download import Download

CLASSES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
MIRROR = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"
DOWNLOADS = (
    Download(url=f"{MIRROR}/train-images-idx3-ubyte.gz", md5="8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
    Download(url=f"{MIRROR}/train-labels-idx1-ubyte.gz", md5="25c81989df183df01b3e8a0aad5dffbe"),
    Download(url=f"{MIRROR}/t10k-images-idx3-ubyte.gz", md5="bef4ecab320f06d8554ea6380940ec79"),
    Download(url=f"{MIRROR}/t10k-labels-idx1-ubyte.gz", md5="bb300cfdad3c16e7a12a480ee83cd310"),
)

XIAO17 = Paper(
    key="xiao2017fashion",
    title="Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms",
    authors=("Han Xiao", "Kashif Rasul", "Roland Vollgraf"),
    year=2017,
    venue="arXiv preprint",
    identifier="arXiv:1708.07747",
    kind="misc",
)


@dataclass(frozen=True, kw_only=True)
class FashionMnist:
    """Fashion-MNIST from Debian's package, from files put in place by hand, or downloaded.

    Attributes:
        digest: of the decoded images. It is the identity, since the files differ: Debian recompresses them.
        debian: where Debian's package `dataset-fashion-mnist` puts them.
    """

    name: str = "fashion-mnist"
    title: str = "Fashion-MNIST, ten classes of 28x28 greyscale pictures of clothes"
    source: str = "github.com/zalandoresearch/fashion-mnist"
    paper: Paper = XIAO17
    shape: tuple[int, int, int] = (1, 28, 28)
    view: int = 28
    classes: int = len(CLASSES)
    train: int = 60_000
    test: int = 10_000
    downloads: tuple[Download, ...] = DOWNLOADS
    digest: str = "072330a5cfe02836a765c2f87deedf02c9bd659640413024dece2adcde0be32c"
    debian: Path = Path("/usr/share/datasets/fashion-mnist")

    def identity(self, places: Places) -> str:  # noqa: ARG002
        """Return the digest of the images, which needs no data."""
        return f"sha256:{self.digest}"

    def notes(self, places: Places) -> tuple[str, ...]:  # noqa: ARG002
        """Return no notes: these images are the same everywhere."""
        return ()

    def check(self, places: Places) -> None:
        """Check that the files are there, or else can be downloaded."""
        if self._folder(places):
            return
        for download in self.downloads:
            if not download.present(_own(places)):
                download.probe(self.name, _own(places))

    def load(self, places: Places, progress: Progress | None = None) -> Dataset:
        """Read the first folder that has all four files, or else download them."""
        folder = self._folder(places)
        if folder is None:
            folder = _own(places)
            for download in self.downloads:
                if not download.present(folder):
                    download.fetch(self.name, folder, progress)
        dataset = Dataset(
            name=self.name, classes=CLASSES, train=read_split(folder, "train"), test=read_split(folder, "t10k")
        )
        if dataset.digest != self.digest:
            raise RequestError(
                f"{self.name}: the images in {folder} are not those of Fashion-MNIST; delete them and rerun"
            )
        return dataset

    def _folder(self, places: Places) -> Path | None:
        folders = (self.debian, _own(places), places.data / "FashionMNIST" / "raw")
        names = [download.file for download in self.downloads]
        return next((folder for folder in folders if all(_find(folder, name) for name in names)), None)


def read_split(folder: Path, part: Literal["train", "t10k"]) -> Split:
    """Read images `(N, 1, H, W)` and labels of one part from two IDX files, gzipped or not.

    Raises:
        RequestError: if a file is missing or damaged, or the numbers of images and labels differ.
    """
    images = read_idx(folder, f"{part}-images-idx3-ubyte.gz", dimensions=3)
    labels = read_idx(folder, f"{part}-labels-idx1-ubyte.gz", dimensions=1)
    if len(images) != len(labels):
        raise RequestError(f"{folder} has {len(images)} {part} images and {len(labels)} labels; delete them and rerun")
    return Split(images=images[:, np.newaxis], labels=labels.astype(np.int64))


def read_idx(folder: Path, name: str, dimensions: int) -> np.ndarray:
    """Read an IDX file of bytes: zero, zero, 8, the number of dimensions, the sizes as big-endian int32, the bytes.

    Args:
        folder: where the file is.
        name: its name when gzipped, ending in `.gz`.
        dimensions: how many it must have.

    Raises:
        RequestError: if it is missing, damaged or of another kind.
    """
    path = _find(folder, name)
    if path is None:
        raise RequestError(f"{folder / name} is missing; put it there")
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise RequestError(f"cannot read {path} ({error}); delete it and rerun") from error
    start = 4 + 4 * dimensions
    if len(content) < start or content[:4] != bytes((0, 0, 8, dimensions)):
        raise RequestError(f"{path} is not an IDX file of bytes in {dimensions} dimensions; delete it and rerun")
    sizes = np.frombuffer(content[4:start], dtype=">i4")
    if (sizes < 0).any() or len(content) - start != int(sizes.prod(dtype=np.int64)):
        raise RequestError(f"{path} is truncated or too long; delete it and rerun")
    return np.frombuffer(content, dtype=np.uint8, offset=start).reshape(sizes).copy()


def _own(places: Places) -> Path:
    return places.data / "fashion-mnist"


def _find(folder: Path, name: str) -> Path | None:
    paths = (folder / name, folder / name.removesuffix(".gz"))
    return next((path for path in paths if path.is_file()), None)
