import contextlib
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from attacks.core.errors import RequestError
from attacks.engine import noise as module
from attacks.engine.noise import (
    Noise,
    Provenance,
    _seal,
    apply_noise,
    digest,
    largest_value,
    load_noise,
    mean_norm,
    narrow,
    read_head,
    save_noise,
    standard_deviation,
)

ORIGIN = Provenance(name="mine", dataset="dots", dataset_digest="0" * 64, origin={"by": "me"})


@pytest.fixture
def noise() -> Noise:
    return np.random.default_rng(0).integers(-8, 9, (3, 2, 4, 5), dtype=np.int8)


def test_protect_adds_and_clips() -> None:
    images = np.array([0, 3, 100, 250, 255], dtype=np.uint8)
    noise = np.array([-8, -8, 8, 127, 127], dtype=np.int8)
    protected = apply_noise(images, noise)
    assert protected.dtype == np.uint8
    assert protected.tolist() == [0, 0, 108, 255, 255]
    assert images.tolist() == [0, 3, 100, 250, 255]


def test_round_trip(tmp_path: Path, noise: Noise) -> None:
    path = tmp_path / "deep" / "noise.safetensors"
    save_noise(path, noise.transpose(0, 1, 3, 2), ORIGIN)
    found, head = load_noise(path)
    assert found.dtype == np.int8
    assert np.array_equal(found, noise.transpose(0, 1, 3, 2))
    assert head.provenance == ORIGIN
    assert head == read_head(path)


@pytest.mark.parametrize(("entry", "dtype"), [(127, np.int8), (-127, np.int8), (-128, np.int16), (255, np.int16)])
def test_narrow_takes_int16_where_entries_need_it(tmp_path: Path, entry: int, dtype: type) -> None:
    noise = np.full((1, 1, 1, 2), entry, dtype=np.int16)
    assert narrow(noise).dtype == dtype
    save_noise(tmp_path / "noise.safetensors", narrow(noise), ORIGIN)
    found, _ = load_noise(tmp_path / "noise.safetensors")
    assert found.dtype == dtype
    assert found.tolist() == noise.tolist()


def test_sizes(noise: Noise) -> None:
    assert largest_value(np.array([-128, 5], dtype=np.int8)) == 128
    norms = [sum(int(value) ** 2 for value in one.ravel()) ** 0.5 for one in noise]
    assert mean_norm(noise) == pytest.approx(sum(norms) / len(norms))
    assert standard_deviation(noise) == pytest.approx(float(noise.std()))
    assert standard_deviation(np.full((3, 1, 2, 2), 7, dtype=np.int16)) == 0


@pytest.mark.parametrize(
    ("work", "most"),
    [
        (mean_norm, 0.5),
        (standard_deviation, 0.5),
        (lambda noise: apply_noise(noise.view(np.uint8), noise), 1.5),  # its result is as large as the noise
    ],
)
def test_large_noise_is_worked_on_in_parts(
    monkeypatch: pytest.MonkeyPatch, work: Callable[[Noise], object], most: float
) -> None:
    noise = np.random.default_rng(0).integers(-8, 9, (60, 3, 64, 64), dtype=np.int8)
    at_once = work(noise)
    monkeypatch.setattr(module, "PART", noise[0].size + 1)
    tracemalloc.start()
    in_parts = work(noise)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < most * noise.nbytes + 50_000
    assert np.array_equal(in_parts, at_once)


def test_head_is_read_alone(tmp_path: Path, noise: Noise) -> None:
    path = tmp_path / "noise.safetensors"
    save_noise(path, noise, ORIGIN)
    head = read_head(path)
    assert (head.shape, head.digest, head.largest, head.provenance) == ((3, 2, 4, 5), digest(noise), 8, ORIGIN)


def test_digest_is_of_shape_and_values(noise: Noise) -> None:
    other = noise.copy()
    other[0, 0, 0, 0] ^= 1
    assert digest(noise) == digest(np.asfortranarray(noise))
    assert len({digest(noise), digest(other), digest(noise.reshape(3, 2, 5, 4))}) == 3


def test_no_changed_byte_gives_other_noise(tmp_path: Path, noise: Noise) -> None:
    path = tmp_path / "noise.safetensors"
    save_noise(path, noise, ORIGIN)
    whole, refused = path.read_bytes(), 0
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        try:
            assert np.array_equal(load_noise(path)[0], noise)
        except RequestError:
            refused += 1
    assert refused >= noise.size + 64  # every value and the digest


def test_no_changed_byte_gives_another_provenance(tmp_path: Path, noise: Noise) -> None:
    path = tmp_path / "noise.safetensors"
    save_noise(path, noise, ORIGIN)
    whole, head = path.read_bytes(), read_head(path)
    for place in range(len(whole) - noise.size):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 2]) + whole[place + 1 :])
        with contextlib.suppress(RequestError):
            assert read_head(path) == head


@pytest.mark.parametrize("length", [0, 7, 40, -1])
def test_a_truncated_file_is_refused(tmp_path: Path, noise: Noise, length: int) -> None:
    path = tmp_path / "noise.safetensors"
    save_noise(path, noise, ORIGIN)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(RequestError, match="is not a noise file") as refusal:
        load_noise(path)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("dtype", "name"),
    [(torch.uint8, "uint8"), (torch.int32, "int32"), (torch.float32, "float32"), (torch.bfloat16, "bfloat16")],
)
def test_another_type_is_refused(tmp_path: Path, noise: Noise, dtype: torch.dtype, name: str) -> None:
    path = tmp_path / "noise.safetensors"
    save_file({"noise": torch.from_numpy(np.abs(noise)).to(dtype)}, path, {"digest": digest(np.abs(noise))})
    with pytest.raises(RequestError, match=f"its noise is {name}, not int8 or int16 in units of 1/255; .*noise import"):
        load_noise(path)


def test_another_shape_is_refused(tmp_path: Path, noise: Noise) -> None:
    save_file({"noise": torch.from_numpy(noise[0])}, tmp_path / "noise.safetensors")
    with pytest.raises(RequestError, match=r"has shape \(2, 4, 5\), not \(N, C, H, W\); .*noise import"):
        read_head(tmp_path / "noise.safetensors")


def test_another_format_is_refused(tmp_path: Path, noise: Noise) -> None:
    np.save(tmp_path / "noise.npy", noise)
    with pytest.raises(RequestError, match=r"is not a noise file .*noise import` converts it") as refusal:
        read_head(tmp_path / "noise.npy")
    assert "\n" not in str(refusal.value)


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"cannot read the noise file .*nothing\.safetensors"):
        load_noise(tmp_path / "nothing.safetensors")


@pytest.mark.parametrize(
    ("tensor", "changes", "says"),
    [
        ("other", {}, "is not a noise file .*noise import"),
        ("noise", {"provenance": ""}, "lacks a valid provenance.*noise import"),
        ("noise", {"provenance": ORIGIN.model_dump_json().replace("0" * 64, "x")}, "valid provenance.dataset_digest"),
        ("noise", {"provenance": '{"a\\u001b": 1}'}, "lacks a valid provenance"),
        ("noise", {"digest": ""}, "lacks a valid digest"),
        ("noise", {"digest": "0"}, "is damaged"),
        ("noise", {"largest": "7"}, "is damaged"),
        ("noise", {"largest": "seven"}, "lacks a whole number"),
        ("noise", {"largest": "256"}, "largest entry, 256, .*clip the noise to at most 255"),
    ],
)
def test_a_file_of_something_else_is_refused(
    tmp_path: Path, noise: Noise, tensor: str, changes: dict[str, str], says: str
) -> None:
    whole = {"digest": digest(noise), "largest": "8", "provenance": ORIGIN.model_dump_json()}
    metadata = {key: value for key, value in (whole | changes).items() if value}
    metadata["sha256"] = _seal(metadata)
    save_file({tensor: torch.from_numpy(noise)}, tmp_path / "other.safetensors", metadata)
    with pytest.raises(RequestError, match=says):
        load_noise(tmp_path / "other.safetensors")
