"""Arrays that may be larger than memory, and tensors in files."""

import errno
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from attacks.core import arrays, tensors
from attacks.core.arrays import empty
from attacks.core.errors import DamagedError, RequestError
from attacks.core.tensors import digest_of_tensors, read_tensors, write_tensors
from attacks.engine.noise import Provenance, apply_noise, load_noise, save_noise
from attacks.methods import METHODS
from attacks.task import Task

LiesIn = Callable[[np.ndarray, Path], bool]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Count arrays of a few bytes as large."""
    monkeypatch.setattr(arrays, "LARGE", 100)
    monkeypatch.setattr(tensors, "LARGE", 100)
    return


def anonymous() -> int:
    """Return this process's resident memory that is backed by no file, in bytes."""
    status = Path("/proc/self/status").read_text().split("RssAnon:")[1]
    return 1024 * int(status.split()[0])


@pytest.mark.parametrize("name", METHODS)
def test_large_noise_lies_in_a_file(name: str, task: Callable[..., Task], lies_in: LiesIn, tmp_path: Path) -> None:
    given = task()
    in_memory = METHODS[name].recipe.make(given).noise
    given = task()
    noise = METHODS[name].recipe.make(replace(given, runtime=replace(given.runtime, scratch=tmp_path))).noise
    assert lies_in(noise.numpy(), tmp_path)
    assert torch.equal(noise, in_memory)


def test_large_protected_images_lie_in_a_file(lies_in: LiesIn, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    images, noise = random.integers(0, 256, (20, 3, 4, 4), np.uint8), random.integers(-8, 9, (20, 3, 4, 4), np.int8)
    chosen = np.arange(20) % 3 == 0
    protected = apply_noise(images, noise, chosen, tmp_path)
    assert lies_in(protected, tmp_path)
    expected = np.clip(images.astype(int) + noise * chosen[:, None, None, None], 0, 255)
    assert (protected == expected).all()


def test_a_noise_is_read_from_its_file_as_it_is_used(lies_in: LiesIn, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(-8, 9, (20, 3, 4, 4), np.int8)
    save_noise(tmp_path / "noise", noise, Provenance(name="n", dataset="d", dataset_digest="0" * 64, origin={}))
    read, _ = load_noise(tmp_path / "noise")
    assert lies_in(read, tmp_path)
    assert (read == noise).all()


def test_a_large_array_lies_in_a_file_without_a_name(tmp_path: Path) -> None:
    made = empty((10, 10), np.int16, tmp_path / "new")
    made[:] = np.arange(100).reshape(10, 10)
    assert list((tmp_path / "new").iterdir()) == []
    assert made.dtype == np.int16
    assert made.sum() == 4950
    assert type(made) is np.ndarray


@pytest.mark.parametrize(("shape", "folder"), [((3, 3), "here"), ((100, 100), None)])
def test_a_small_array_and_one_without_a_folder_lie_in_memory(
    tmp_path: Path, shape: tuple[int, int], folder: str | None
) -> None:
    assert empty(shape, np.uint8, folder and tmp_path / folder).base is None  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_found_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(RequestError, match="No space left on device; free some space"):
        empty((10, 10), np.int16, tmp_path)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux: reads /proc/self/status")
def test_large_arrays_and_tensors_take_no_memory(tmp_path: Path) -> None:
    size = 200_000_000
    before = anonymous()
    made = empty((size,), np.uint8, tmp_path)
    made[:] = 7
    write_tensors(tmp_path / "file", {"one": torch.from_numpy(made)})
    read, _ = read_tensors(tmp_path / "file")
    assert int(read["one"].sum(dtype=torch.int64)) == 7 * size
    assert anonymous() - before < size / 4


def test_tensors_and_texts_come_back(tmp_path: Path) -> None:
    twice = torch.arange(40.0)
    given = {
        "one": twice,
        "other": twice[:3],
        "number": torch.tensor(3),
        "half": twice.bfloat16(),
        "none": torch.empty(0),
        "across": torch.arange(6).view(2, 3).T,
    }
    write_tensors(tmp_path / "file", given, {"note": "text"})
    read, texts = read_tensors(tmp_path / "file")
    assert texts == {"note": "text", "digest": digest_of_tensors(given, {"note": "text"})}
    assert read.keys() == given.keys()
    assert all(torch.equal(read[name], tensor) and read[name].dtype == tensor.dtype for name, tensor in given.items())


def test_what_is_written_to_a_tensor_that_was_read_does_not_change_the_file(tmp_path: Path) -> None:
    write_tensors(tmp_path / "file", {"one": torch.zeros(1000)})
    read, _ = read_tensors(tmp_path / "file")
    read["one"].fill_(1)
    again, _ = read_tensors(tmp_path / "file")
    assert int(again["one"].sum()) == 0


def test_each_changed_byte_is_found_or_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_tensors(path, {"one": torch.arange(3), "two": torch.zeros(2, 2)}, {"note": "text"})
    whole = path.read_bytes()
    expected, stated = read_tensors(path)
    found = 0
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        try:
            read, texts = read_tensors(path)
        except DamagedError:
            found += 1
            continue
        assert texts == stated
        assert all(torch.equal(read[name], tensor) for name, tensor in expected.items())
    assert found > len(whole) * 0.9
