"""A report names what is wrong, and only that."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from attacks.core.errors import RequestError
from attacks.engine.noise import Noise, Provenance, _seal, digest, save_noise
from bench.data.dataset import Dataset
from bench.noise.exchange import ImportHints
from bench.noise.validate import validate_noise

Write = Callable[..., Path]


def report(path: Path, dataset: Dataset | None, **hints: Any) -> tuple[dict[str, str], list[str]]:
    """Return the findings, and the names of those that are wrong."""
    findings = validate_noise(path, dataset, ImportHints(**hints))
    return {one.what: one.found for one in findings}, [one.what for one in findings if not one.right]


@pytest.fixture
def write(tmp_path: Path, dataset: Dataset) -> Write:
    def write(noise: Noise, dataset_digest: str = dataset.digest) -> Path:
        path = tmp_path / "noise.safetensors"
        save_noise(path, noise, Provenance(name="mine", dataset="dots", dataset_digest=dataset_digest, origin={}))
        return path

    return write


def test_right_noise(write: Write, noise: Noise, dataset: Dataset) -> None:
    found, wrong = report(write(noise), dataset)
    assert not wrong
    assert found["largest entry"] == "8, at most 8"
    assert found["variety"] == "12 distinct among 12: one per image"
    assert found["digest"] == digest(noise)
    assert found["images"] == "those of dots, in this order"
    per_class, wrong = report(write(noise[[0, 1, 2] * 4]), dataset)
    assert (per_class["variety"], wrong) == ("3 distinct among 12: one per class", [])
    alone, wrong = report(write(noise), None)
    assert (alone["images"], wrong) == (f"for dots {dataset.digest[:12]}; give --dataset to compare", [])


def test_wrong_noise(write: Write, noise: Noise, dataset: Dataset) -> None:
    assert report(write(noise), dataset, bound=7)[1] == ["largest entry"]
    assert report(write(noise[:-1]), dataset)[1] == ["shape"]
    found, wrong = report(write(noise, "1" * 64), dataset)
    assert wrong == ["images"]
    assert found["images"] == f"different: for dots 111111111111, not {dataset.digest[:12]}"


def test_damaged_noise(write: Write, noise: Noise, dataset: Dataset) -> None:
    path = write(noise)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert report(path, dataset)[1] == ["digest"]


def test_a_wrong_largest_entry_is_found(write: Write, noise: Noise, dataset: Dataset) -> None:
    path = write(noise)
    with safe_open(path, framework="numpy") as file:
        metadata = file.metadata() | {"largest": "7"}
    save_file({"noise": noise}, path, metadata)
    with pytest.raises(RequestError, match="is damaged: its metadata"):
        report(path, dataset)
    save_file({"noise": noise}, path, metadata | {"sha256": _seal(metadata)})
    assert report(path, dataset)[1] == ["digest"]


def test_a_methods_name_is_wrong_where_it_did_not_make_the_noise(
    tmp_path: Path, noise: Noise, dataset: Dataset
) -> None:
    path = tmp_path / "noise.safetensors"
    save_noise(path, noise, Provenance(name="em", dataset="dots", dataset_digest=dataset.digest, origin={}))
    found, wrong = report(path, dataset)
    assert (found["file"], wrong) == (
        "noise file of 'em', the name of a method; import it under another name",
        ["file"],
    )


@pytest.mark.parametrize("bound", [-1, 256])
def test_a_bound_that_no_noise_has_is_refused(bound: int) -> None:
    with pytest.raises(RequestError, match="--bound takes a whole number from 0 to 255"):
        ImportHints(bound=bound)


def test_floats_of_others(tmp_path: Path, noise: Noise, dataset: Dataset) -> None:
    path = tmp_path / "noise.npy"
    np.save(path, (noise.transpose(0, 2, 3, 1) * 1.05 / 255).astype(np.float32))
    found, wrong = report(path, dataset)
    assert not wrong
    assert found["shape"] == "(12, 5, 4, 2): nhwc, one noise per image"
    assert found["largest entry"] == "8 (8.4 before rounding, read in units of 1), at most 8"
    assert report(path, dataset, bound=7)[1] == ["largest entry"]
    assert report(path, dataset, layout="nchw")[1] == ["shape"]


@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        (np.full((12, 2, 5, 4), np.nan), ["finite"]),
        (np.full((11, 2, 5, 4), np.inf), ["shape", "finite"]),
        (np.full((12, 2, 5, 4), 300.0), ["largest entry"]),
        (np.zeros(()), ["shape"]),
        (np.zeros(7, dtype=np.int8), ["shape"]),
    ],
)
def test_wrong_tensors_of_others(values: np.ndarray, wrong: list[str], tmp_path: Path, dataset: Dataset) -> None:
    np.save(tmp_path / "noise.npy", values)
    assert report(tmp_path / "noise.npy", dataset)[1] == wrong


def test_what_cannot_be_read_is_refused(tmp_path: Path, noise: Noise, dataset: Dataset) -> None:
    save_file(
        {"noise": noise}, tmp_path / "noise.safetensors", dict.fromkeys(("digest", "largest", "provenance"), "{}")
    )
    with pytest.raises(RequestError, match="lacks a valid provenance"):
        validate_noise(tmp_path / "noise.safetensors", dataset, ImportHints())
    with pytest.raises(RequestError, match="cannot read"):
        validate_noise(tmp_path / "none.safetensors", dataset, ImportHints())
