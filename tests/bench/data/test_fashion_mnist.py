import gzip
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from attacks.core.errors import RequestError
from bench.data import Places
from bench.data.dataset import Dataset
from bench.data.download import Download
from bench.data.fashion_mnist import CLASSES, DOWNLOADS, FashionMnist, read_split

IMAGES = np.arange(2 * 28 * 28, dtype=np.uint8).reshape(2, 28, 28)
LABELS = np.array([3, 9], dtype=np.uint8)


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">BBBB{array.ndim}i", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


@pytest.fixture
def folder(places: Places) -> Path:
    folder = places.data / "fashion-mnist"
    folder.mkdir(parents=True)
    (folder / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(IMAGES)))
    (folder / "train-labels-idx1-ubyte").write_bytes(idx(LABELS))
    (folder / "t10k-images-idx3-ubyte").write_bytes(idx(IMAGES[:1]))
    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(LABELS[:1])))
    return folder


def entry_of(folder: Path) -> FashionMnist:
    train, test = read_split(folder, "train"), read_split(folder, "t10k")
    digest = Dataset(name="any", classes=CLASSES, train=train, test=test).digest
    return FashionMnist(debian=folder / "nowhere", digest=digest)


def test_checksums_are_torchvisions() -> None:
    from torchvision.datasets import FashionMNIST

    assert {(download.file, download.md5) for download in DOWNLOADS} == set(FashionMNIST.resources)


def test_packed_and_plain_files_are_read(folder: Path, places: Places) -> None:
    entry = entry_of(folder)
    entry.check(places)
    dataset = entry.load(places)
    assert np.array_equal(dataset.train.images, IMAGES[:, None])
    assert dataset.train.labels.tolist() == [3, 9]
    assert np.array_equal(dataset.test.images, IMAGES[:1, None])


def test_debian_comes_first(folder: Path, places: Places) -> None:
    elsewhere = replace(entry_of(folder), debian=folder)
    assert elsewhere.load(replace(places, data=places.data / "empty")).digest == elsewhere.digest


def test_other_images_are_refused(folder: Path, places: Places) -> None:
    with pytest.raises(RequestError, match="are not those of Fashion-MNIST"):
        replace(entry_of(folder), digest="0" * 64).load(places)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (idx(LABELS), "is not an IDX file of bytes in 3 dimensions"),
        (idx(IMAGES)[:-1], "is truncated or too long"),
        (idx(IMAGES) + b"x", "is truncated or too long"),
        (b"", "is not an IDX file"),
        (bytes((0, 0, 8, 3)) + np.array([-1, -1, 4], ">i4").tobytes() + b"1234", "is truncated or too long"),
        (idx(IMAGES[:1]), "has 1 train images and 2 labels"),
    ],
)
def test_damaged_file_is_named(folder: Path, content: bytes, message: str) -> None:
    (folder / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(content))
    with pytest.raises(RequestError, match=message):
        read_split(folder, "train")


def test_cut_gzip_is_named(folder: Path) -> None:
    path = folder / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(RequestError, match=r"cannot read .*train-images-idx3-ubyte\.gz"):
        read_split(folder, "train")


def test_missing_files_without_network(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    downloads = tuple(Download(url=f"http://127.0.0.1:9/{download.file}", md5=download.md5) for download in DOWNLOADS)
    entry = FashionMnist(debian=places.data, downloads=downloads)
    for ask in (entry.check, entry.load):
        with pytest.raises(RequestError, match=r"fashion-mnist: .*download http.* into .*fashion-mnist$"):
            ask(places)
