import errno
import hashlib
import os
import pickle
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from attacks.core.errors import RequestError
from bench.data import Places
from bench.data.cifar10 import CIFAR10
from bench.data.cifar100 import CIFAR100
from bench.data.svhn import SVHN
from bench.data.torchvision_set import TorchvisionSet
from bench.run.preflight import prepare_run

SETS = [CIFAR10, CIFAR100, SVHN]


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes()).hexdigest()


def served_from(entry: TorchvisionSet, url: str, sums: dict[str, str] | None = None) -> TorchvisionSet:
    """Point an entry's downloads to another address and, where given, other checksums."""
    return replace(
        entry,
        downloads=tuple(
            replace(download, url=f"{url}/{download.file}", md5=(sums or {}).get(download.file, download.md5))
            for download in entry.downloads
        ),
    )


@pytest.fixture
def small_cifar10(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TorchvisionSet:
    """CIFAR-10's archive with four images per file, on its own server."""
    import torchvision

    batches = tmp_path / "cifar-10-batches-py"
    batches.mkdir()
    contents: dict[str, Any] = {"batches.meta": {"label_names": [f"class {n}" for n in range(10)]}}
    for n, name in enumerate([*(f"data_batch_{n}" for n in range(1, 6)), "test_batch"]):
        pixels = (np.arange(4 * 3072) * (n + 1) % 251).astype(np.uint8).reshape(4, 3072)
        contents[name] = {"data": pixels, "labels": [n, n + 1, n + 2, n + 3]}
    for name, content in contents.items():
        (batches / name).write_bytes(pickle.dumps(content))
    known = torchvision.datasets.CIFAR10
    monkeypatch.setattr(
        known, "train_list", [[f"data_batch_{n}", md5(batches / f"data_batch_{n}")] for n in range(1, 6)]
    )
    monkeypatch.setattr(known, "test_list", [["test_batch", md5(batches / "test_batch")]])
    monkeypatch.setattr(known, "meta", {**known.meta, "md5": md5(batches / "batches.meta")})
    server = tmp_path / "server"
    server.mkdir()
    archive = server / "cifar-10-python.tar.gz"
    with tarfile.open(archive, "w:gz") as file:
        file.add(batches, batches.name)
    return served_from(CIFAR10, server.as_uri(), {archive.name: md5(archive)})


def test_checksums_are_torchvisions() -> None:
    import torchvision

    assert CIFAR10.downloads[0].md5 == torchvision.datasets.CIFAR10.tgz_md5
    assert CIFAR100.downloads[0].md5 == torchvision.datasets.CIFAR100.tgz_md5
    assert [(download.url, download.file, download.md5) for download in SVHN.downloads] == [
        tuple(torchvision.datasets.SVHN.split_list[part]) for part in ("train", "test")
    ]


def test_download_is_unpacked_and_read(small_cifar10: TorchvisionSet, places: Places) -> None:
    told: list[tuple[int, int]] = []
    small_cifar10.check(places)
    assert not places.data.exists()
    dataset = small_cifar10.load(places, lambda done, total: told.append((done, total)))
    assert dataset.train.images.shape == (20, 3, 32, 32)
    assert dataset.train.labels[:5].tolist() == [0, 1, 2, 3, 1]
    assert dataset.test.images[0].ravel()[:4].tolist() == [0, 6, 12, 18]
    assert dataset.classes[3] == "class 3"
    archive = places.data / "cifar-10-python.tar.gz"
    assert told[-1] == (archive.stat().st_size, archive.stat().st_size)
    assert [path.name for path in places.data.iterdir()] == [archive.name]
    assert list(places.cache.rglob("*")) == [places.cache / "datasets"]


def test_whole_archive_needs_no_network(small_cifar10: TorchvisionSet, places: Places) -> None:
    digest = small_cifar10.load(places).digest
    offline = replace(
        small_cifar10, downloads=(replace(small_cifar10.downloads[0], url="http://127.0.0.1:9/cifar-10-python.tar.gz"),)
    )
    offline.check(places)
    assert offline.load(places).digest == digest


def test_unpacked_files_are_used_where_whole(small_cifar10: TorchvisionSet, places: Places, tmp_path: Path) -> None:
    unpacked = replace(places, data=tmp_path)  # has the batches and no archive
    offline = served_from(small_cifar10, "http://127.0.0.1:9")
    offline.check(unpacked)
    assert len(offline.load(unpacked).test.labels) == 4
    (tmp_path / "cifar-10-batches-py" / "data_batch_2").write_bytes(b"half")
    assert len(small_cifar10.load(unpacked).test.labels) == 4
    assert (tmp_path / "cifar-10-python.tar.gz").exists()


@pytest.mark.parametrize("entry", SETS, ids=lambda entry: entry.name)
def test_no_network_is_one_line(entry: TorchvisionSet, places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    offline = served_from(entry, "http://127.0.0.1:9")
    file = entry.downloads[0].file
    for ask in (offline.check, offline.load):
        with pytest.raises(
            RequestError, match=f"^{entry.name}: .*/{file} is missing and .*; download .*{file} .* into "
        ) as caught:
            ask(places)
        assert "\n" not in str(caught.value)
    assert not any(places.data.glob("*"))


def test_damaged_archive_without_network(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    places.data.mkdir()
    archive = places.data / "cifar-10-python.tar.gz"
    archive.write_bytes(b"half of it")
    for ask in (served_from(CIFAR10, "http://127.0.0.1:9").check, served_from(CIFAR10, "http://127.0.0.1:9").load):
        with pytest.raises(RequestError, match="is damaged and cannot be downloaded"):
            ask(places)
    assert archive.read_bytes() == b"half of it"


def test_what_a_kill_while_unpacking_leaves_is_removed_by_a_later_run(
    small_cifar10: TorchvisionSet, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[Path] = []

    def killed(_archive: str, folder: str) -> None:
        begun.append(Path(folder))
        raise KeyboardInterrupt

    monkeypatch.setattr("torchvision.datasets.utils.extract_archive", killed)
    with pytest.raises(KeyboardInterrupt):
        small_cifar10.load(places)
    (begun[0] / "half").mkdir(parents=True)  # as if by kill -9
    os.utime(begun[0], (0, 0))
    prepare_run([], places.cache / "results", places)
    assert not begun[0].exists()


def test_a_full_disk_is_not_a_damaged_archive(
    small_cifar10: TorchvisionSet, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("torchvision.datasets.utils.extract_archive", full)
    with pytest.raises(RequestError, match=f"cannot write {places.cache}: No space left on device; free some space"):
        small_cifar10.load(places)
    assert (places.data / "cifar-10-python.tar.gz").exists()


def test_a_cache_that_cannot_be_written_is_not_a_damaged_archive(small_cifar10: TorchvisionSet, places: Places) -> None:
    places.cache.mkdir()
    places.cached("datasets").touch()  # in place of the folder
    said = f"^cannot write {places.cached('datasets')}: File exists; choose another folder$"
    with pytest.raises(RequestError, match=said):
        small_cifar10.load(places)


def test_damaged_archive_is_replaced(small_cifar10: TorchvisionSet, places: Places) -> None:
    places.data.mkdir()
    (places.data / "cifar-10-python.tar.gz").write_bytes(b"half of it")
    assert len(small_cifar10.load(places).train.labels) == 20


def test_wrong_download_is_not_kept(small_cifar10: TorchvisionSet, places: Places) -> None:
    wrong = replace(small_cifar10, downloads=(replace(small_cifar10.downloads[0], md5="0" * 32),))
    with pytest.raises(RequestError, match="the download has MD5 "):
        wrong.load(places)
    assert not any(places.data.iterdir())


def test_svhn_is_read(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    import torchvision
    from scipy.io import savemat  # type: ignore[import-untyped]

    places.data.mkdir()
    parts, sums = {}, {}
    for part in ("train", "test"):
        path = places.data / f"{part}_32x32.mat"
        pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3, 4), dtype=np.uint8)
        savemat(path, {"X": pixels, "y": np.array([[1], [10], [2], [9]], dtype=np.uint8)})
        sums[path.name] = md5(path)
        parts[part] = ["unused", path.name, sums[path.name]]
    monkeypatch.setattr(torchvision.datasets.SVHN, "split_list", parts)
    entry = served_from(SVHN, "http://127.0.0.1:9", sums)
    entry.check(places)
    dataset = entry.load(places)
    assert dataset.train.labels.tolist() == [1, 0, 2, 9]
    assert np.array_equal(dataset.train.images[2], pixels[..., 2].transpose(2, 0, 1))
