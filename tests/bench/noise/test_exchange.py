"""Exported noise is imported unchanged, other conventions are understood, and what cannot be noise is refused."""

import json
import os
import pickle
import re
import sys
import unicodedata
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from attacks.core.errors import RequestError
from attacks.engine.noise import Noise, Provenance, load_noise, read_head, save_noise
from bench.data.dataset import Dataset, Split
from bench.noise.exchange import ImportHints, give, take
from bench.noise.foreign import KINDS, read_foreign, write_foreign
from bench.noise.validate import validate_noise

Take = Callable[..., Noise]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out" / "mine.safetensors"


@pytest.fixture
def taken(dataset: Dataset, out: Path) -> Take:
    """Import a file, replacing any earlier import, and return the noise."""

    def imported(path: Path, **hints: Any) -> Noise:
        out.unlink(missing_ok=True)
        take(path, out, name="mine", dataset=dataset, hints=ImportHints(**hints))
        return load_noise(out)[0]

    return imported


def refuse(taken: Take, path: Path, out: Path, says: str, **hints: Any) -> None:
    with pytest.raises(RequestError, match=says) as refusal:
        taken(path, **hints)
    assert "\n" not in str(refusal.value)
    assert not out.parent.exists()


@pytest.mark.parametrize("unit", ["255", "1"])
@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
@pytest.mark.parametrize("kind", KINDS)
def test_round_trip(
    kind: str, layout: Any, unit: Any, tmp_path: Path, noise: Noise, dataset: Dataset, taken: Take
) -> None:
    ours = tmp_path / "noise.safetensors"
    save_noise(ours, noise, Provenance(name="mine", dataset="dots", dataset_digest=dataset.digest, origin={}))
    values = give(ours, tmp_path / f"theirs{kind}", layout=layout, unit=unit)
    assert values.shape == ((12, 2, 5, 4) if layout == "nchw" else (12, 5, 4, 2))
    assert values.dtype == (np.int8 if unit == "255" else np.float32)
    back = taken(tmp_path / f"theirs{kind}")
    assert (back.dtype, back.tobytes()) == (noise.dtype, noise.tobytes())


def test_exports_are_the_same_twice(tmp_path: Path, noise: Noise) -> None:
    for kind in KINDS:
        one, two = tmp_path / "1" / f"noise{kind}", tmp_path / "2" / f"noise{kind}"
        write_foreign(one, noise)
        write_foreign(two, noise)
        assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_floats_of_any_width_are_rounded(dtype: torch.dtype, tmp_path: Path, noise: Noise, taken: Take) -> None:
    torch.save(torch.nn.Parameter((torch.from_numpy(noise) / 255).to(dtype)), tmp_path / "noise.pt")
    assert np.array_equal(taken(tmp_path / "noise.pt"), noise)
    save_file({"delta": (torch.from_numpy(noise) / 255).to(dtype)}, tmp_path / "noise.safetensors")
    assert np.array_equal(taken(tmp_path / "noise.safetensors"), noise)


def test_floats_in_255ths_are_rounded(tmp_path: Path, noise: Noise, taken: Take) -> None:
    np.save(tmp_path / "noise.npy", noise + 0.4 * (noise < 8))
    assert np.array_equal(taken(tmp_path / "noise.npy"), noise)


def test_one_noise_per_class_is_every_images_by_its_label(tmp_path: Path, noise: Noise, taken: Take) -> None:
    np.save(tmp_path / "noise.npy", noise[:3].transpose(0, 2, 3, 1))
    assert np.array_equal(taken(tmp_path / "noise.npy"), noise[[0, 1, 2] * 4])


def test_larger_noise_is_int16(tmp_path: Path, noise: Noise, taken: Take) -> None:
    np.save(tmp_path / "noise.npy", noise * np.float32(25 / 255))
    found = taken(tmp_path / "noise.npy", bound=255, unit="1")
    assert found.dtype == np.int16
    assert np.array_equal(found, noise * np.int16(25))


def test_layout_and_unit_are_asked_for_where_they_are_not_plain(tmp_path: Path, out: Path) -> None:
    images = np.zeros((4, 3, 3, 3), dtype=np.uint8)
    split = Split(images=images, labels=np.array([0, 1, 0, 1]))
    cubes = Dataset(name="cubes", classes=("a", "b"), train=split, test=split)
    values = np.arange(-54, 54).reshape(images.shape) / 54
    np.save(tmp_path / "noise.npy", values)

    def imported(path: Path, **hints: Any) -> Noise:
        take(path, out, name="mine", dataset=cubes, hints=ImportHints(**hints))
        return load_noise(out)[0]

    refuse(imported, tmp_path / "noise.npy", out, "fits both layouts; give --layout nchw or nhwc")
    refuse(
        imported,
        tmp_path / "noise.npy",
        out,
        "could be in units of 1 or 1/255; give --unit 1 or --unit 255",
        layout="nhwc",
    )
    noise = imported(tmp_path / "noise.npy", layout="nhwc", unit="255")
    assert np.array_equal(noise, np.rint(values).transpose(0, 3, 1, 2))


@pytest.mark.parametrize(
    ("scale", "unit", "hints"),
    [
        (1 / 255, "255", "in units of 1/255, rounds to zero; give --unit 1"),
        (1e-9, "1", "in units of 1, rounds to zero; use stronger noise"),
        (1e-9, None, "in units of 1, rounds to zero; use stronger noise"),
    ],
)
def test_a_noise_that_would_be_rounded_to_nothing_is_refused(
    tmp_path: Path, noise: Noise, taken: Take, out: Path, scale: float, unit: Any, hints: str
) -> None:
    np.save(tmp_path / "noise.npy", noise * np.float32(scale))
    refuse(taken, tmp_path / "noise.npy", out, hints, unit=unit)


def test_file_says_what_it_is_and_where_from(tmp_path: Path, noise: Noise, dataset: Dataset, out: Path) -> None:
    np.savez(tmp_path / "theirs.npz", delta=noise / np.float32(255), epsilon=8)
    take(tmp_path / "theirs.npz", out, name="mine", dataset=dataset, hints=ImportHints(key="delta"))
    found = read_head(out).provenance
    assert (found.name, found.dataset, found.dataset_digest) == ("mine", "dots", dataset.digest)
    assert found.origin["file"] == "theirs.npz"
    assert (found.origin["layout"], found.origin["unit"], found.origin["per"]) == ("nchw", "1", "image")
    assert found.origin["largest"] == pytest.approx(8, abs=1e-5)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (np.full((12, 2, 5, 4), np.nan), "480 of 480 entries of the noise are NaN or infinite"),
        (np.where(np.arange(4) == 1, np.inf, np.zeros((12, 2, 5, 1))), "120 of 480 entries"),
        (np.full((12, 2, 5, 4), -9), "largest entry is 9/255, over the bound of 8/255; clip it, or give --bound"),
        (np.full((12, 2, 5, 4), 200), "bound of 8/255; if these are protected images, subtract the clean ones; give"),
        (np.full((12, 2, 5, 4), 0.9), "--unit 1 or --unit 255; if these are protected images, subtract the clean ones"),
        (np.full((12, 2, 5, 4), -8.6), "largest entry is 8.6/255, over the bound"),
        (np.full((12, 2, 5, 4), 16 / 255), "largest entry is 16/255, over the bound"),
        (np.full((12, 2, 5, 4), 1e30), "over the bound"),
        (np.full((12, 2, 5, 4), np.longdouble("1e400")), "largest entry is inf/255, over the bound"),
        (np.full((12, 2, 5, 4), -(2**63)), "over the bound"),
        (
            np.zeros((11, 2, 5, 4)),
            r"shape \(11, 2, 5, 4\); for these images it must be \(12, 2, 5, 4\) or \(12, 5, 4, 2\), or 3",
        ),
        (np.zeros((12, 4, 5, 2)), "has shape"),
        (np.zeros((12, 40)), "has shape"),
        (np.zeros(()), "has shape"),
        (np.zeros((12, 2, 5, 4), dtype=np.uint8), "holds uint8 .* signed numbers .if these are protected images"),
        (np.zeros((12, 2, 5, 4), dtype=bool), "holds bool"),
        (np.zeros((12, 2, 5, 4), dtype=complex), "holds complex128"),
        (np.zeros((0, 2, 5, 4)), "holds float64 of shape"),
    ],
)
def test_what_is_no_noise_for_the_images_is_refused(
    values: np.ndarray, says: str, tmp_path: Path, out: Path, taken: Take
) -> None:
    np.save(tmp_path / "noise.npy", values)
    refuse(taken, tmp_path / "noise.npy", out, says)


def test_wrong_sayings_are_refused(tmp_path: Path, noise: Noise, out: Path, taken: Take) -> None:
    np.savez(tmp_path / "two.npz", one=noise, other=noise)
    np.save(tmp_path / "noise.npy", noise)
    refuse(taken, tmp_path / "two.npz", out, r"holds 2 tensors \(one, other\); choose one with --key")
    refuse(taken, tmp_path / "two.npz", out, "unknown tensor in .*did you mean 'other'", key="othr")
    refuse(taken, tmp_path / "noise.npy", out, "has shape", layout="nhwc")
    refuse(taken, tmp_path / "noise.npy", out, "leave out --unit", unit="1")
    refuse(taken, tmp_path / "noise.npy", out, "--bound takes", bound=256)
    refuse(taken, tmp_path / "noise.pkl", out, "has an unsupported format; use one of: .npy")
    refuse(taken, tmp_path / "none.npy", out, "cannot read .*No such file")


def test_a_noise_is_held_to_the_bound_that_it_was_imported_with(
    tmp_path: Path, noise: Noise, dataset: Dataset, out: Path, taken: Take
) -> None:
    np.save(tmp_path / "noise.npy", noise * np.int16(3))
    taken(tmp_path / "noise.npy", bound=30)
    assert read_head(out).provenance.origin["bound"] == 30
    assert all(finding.right for finding in validate_noise(out, dataset, ImportHints()))
    assert [one.what for one in validate_noise(out, dataset, ImportHints(bound=20)) if not one.right] == [
        "largest entry"
    ]


@pytest.mark.parametrize("name", ["", "a b", "../up", "em", "clean", "x" * 81])
def test_wrong_names_are_refused(name: str, tmp_path: Path, noise: Noise, dataset: Dataset, out: Path) -> None:
    np.save(tmp_path / "noise.npy", noise)
    with pytest.raises(RequestError, match="--name"):
        take(tmp_path / "noise.npy", out, name=name, dataset=dataset, hints=ImportHints())
    with pytest.raises(RequestError, match="noise files end in"):
        take(tmp_path / "noise.npy", out.with_suffix(".npy"), name="mine", dataset=dataset, hints=ImportHints())
    assert not out.parent.exists()


def test_the_bomb_goes_off_where_pickles_are_executed(tmp_path: Path, bomb: object) -> None:
    pickle.loads(pickle.dumps(bomb))
    assert (tmp_path / "mark").exists()


@pytest.mark.parametrize("kind", ["npy", "npz", "pt", "raw.pt", "old.pt", "raw.npy", "raw.npz", "dict.pt"])
def test_no_pickle_is_executed(kind: str, tmp_path: Path, bomb: object, noise: Noise, out: Path, taken: Take) -> None:
    path = tmp_path / f"noise.{kind}"
    if kind.startswith("raw"):
        path.write_bytes(pickle.dumps(bomb))
    elif kind == "npy":
        np.save(path, np.array([bomb], dtype=object), allow_pickle=True)
    elif kind == "npz":
        np.savez(path, delta=np.array([bomb], dtype=object))
    elif kind == "dict.pt":
        torch.save({"delta": torch.from_numpy(noise), "bomb": bomb}, path)
    else:
        torch.save(bomb, path, _use_new_zipfile_serialization=kind == "pt")
    refuse(taken, path, out, "not a complete" if kind == "raw.npz" else "contains pickled objects, which can run code")
    assert not (tmp_path / "mark").exists()


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_files_are_refused(kind: str, tmp_path: Path, noise: Noise, out: Path, taken: Take) -> None:
    path = tmp_path / f"noise{kind}"
    write_foreign(path, noise)
    whole = path.read_bytes()
    for content in (b"", b"PK\3\4 and then nothing", whole[: len(whole) // 2], b"\x93NUMPY" + whole[:9]):
        path.write_bytes(content)
        refuse(taken, path, out, f"is not a complete {kind} file|contains pickled objects")


def test_what_holds_no_plain_tensor_is_refused(tmp_path: Path, noise: Noise, out: Path, taken: Take) -> None:
    for name, held in (("list", [torch.zeros(3)]), ("sparse", torch.zeros(3, 3).to_sparse()), ("none", {})):
        torch.save(held, tmp_path / f"{name}.pt")
        refuse(taken, tmp_path / f"{name}.pt", out, "save only the tensor|holds no tensor under a name")


def test_only_tensors_count_as_tensors(tmp_path: Path, noise: Noise, out: Path, taken: Take) -> None:
    path, values = tmp_path / "theirs.pt", torch.from_numpy(noise)
    torch.save(dict(enumerate(values)), path)
    says = r"theirs.pt holds no tensor under a name; save one tensor, e\.g\. torch.stack\(list\(noise.values\(\)\)\)$"
    refuse(taken, path, out, says)
    np.savez(tmp_path / "theirs.npz", files=["a.png"])
    refuse(taken, tmp_path / "theirs.npz", out, r"theirs.npz holds no noise; save it as one array$")
    torch.save({"noise": values, "epsilon": 8}, path)
    assert np.array_equal(taken(path), noise)


def test_tensors_without_their_own_numbers_are_refused(tmp_path: Path, out: Path, taken: Take) -> None:
    path = tmp_path / "noise.pt"
    for held, says in (
        (
            torch.zeros(1).expand(10**6, 10**6, 1000),
            r"fewer numbers than its shape implies; save tensor.contiguous\(\)",
        ),
        (torch.zeros(12, 2, 5, 4, device="meta"), "save it as float32 or int8"),
        (torch.zeros(12, 2, 5, 4).to(torch.float8_e4m3fn), "holds torch.float8_e4m3fn on cpu; save it as float32"),
    ):
        torch.save(held, path)
        refuse(taken, path, out, says)


@pytest.mark.parametrize("kind", [".npy", ".pt"])
def test_random_bytes_are_not_called_pickles(kind: str, tmp_path: Path, out: Path, taken: Take) -> None:
    path = tmp_path / f"noise{kind}"
    path.write_bytes(np.random.default_rng(0).bytes(500))
    refuse(taken, path, out, f"is not a complete {kind} file")


@pytest.mark.parametrize("new", [True, False])
def test_a_part_of_a_tensors_file_is_not_called_a_pickle(
    new: bool, tmp_path: Path, noise: Noise, out: Path, taken: Take
) -> None:
    path = tmp_path / "noise.pt"
    torch.save(torch.from_numpy(noise), path, _use_new_zipfile_serialization=new)
    whole = path.read_bytes()
    for end in range(0 if new else len(whole) // 2, len(whole), 37):  # an older file begins with its pickle
        path.write_bytes(whole[:end])
        refuse(taken, path, out, r"is not a complete \.pt file")


def test_what_is_no_array_in_an_archive_is_refused(tmp_path: Path, out: Path, taken: Take) -> None:
    path = tmp_path / "noise.npz"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("delta", b"hello")
    refuse(taken, path, out, "not a complete .npz file .delta is not an array")
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("a\x1b[31m", b"hello")
    refuse(taken, path, out, re.escape(r"holds 2 tensors (a\x1b[31m, delta)"))


def test_an_archive_larger_than_the_memory_is_refused(
    tmp_path: Path, noise: Noise, out: Path, taken: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.savez_compressed(tmp_path / "noise.npz", noise)
    np.save(tmp_path / "noise.npy", noise)
    torch.save(torch.from_numpy(noise), tmp_path / "noise.pt")
    monkeypatch.setattr(os, "sysconf", lambda _name: 10)
    for name, what in (("npz", "arr_0 in .*"), ("npy", ".*noise.npy"), ("pt", ".*noise.pt")):
        refuse(taken, tmp_path / f"noise.{name}", out, f"^{what} would need .* GB; this machine has")


def test_a_file_may_have_a_name_that_is_no_text(tmp_path: Path, noise: Noise, out: Path, taken: Take) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.npy")
    np.save(path, noise)
    assert np.array_equal(taken(path), noise)
    assert read_head(out).provenance.origin["file"] == "caf\\udce9.npy"


def test_a_file_is_not_written_onto_itself(tmp_path: Path, noise: Noise, dataset: Dataset) -> None:
    path, other = tmp_path / "noise.safetensors", tmp_path / "other.safetensors"
    save_noise(path, noise, Provenance(name="mine", dataset="dots", dataset_digest=dataset.digest, origin={}))
    other.symlink_to(path)
    before = path.read_bytes()
    with pytest.raises(RequestError, match="choose another output"):
        give(path, other, layout="nhwc", unit="1")
    with pytest.raises(RequestError, match="choose another output"):
        take(path, other, name="mine", dataset=dataset, hints=ImportHints())
    assert path.read_bytes() == before


def test_a_noise_file_is_taken_for_its_own_images_alone(
    tmp_path: Path, noise: Noise, dataset: Dataset, out: Path, taken: Take
) -> None:
    ours = tmp_path / "em.safetensors"
    for digest, says in (
        ("0" * 64, "is for other images, or the same in another order"),
        (dataset.digest, "over the bound of 7/255; clip it, or give --bound if that is intended"),
    ):
        save_noise(ours, noise, Provenance(name="em", dataset="dots", dataset_digest=digest, origin={}))
        refuse(taken, ours, out, says, bound=7)
    assert np.array_equal(taken(ours), noise)
    assert read_head(out).provenance.name == "mine"


FILES = tuple(f"train/{'abc'[n % 3]}/{n}.png" for n in range(12))


def save_listed(path: Path, noise: Noise, name: str, listed: Any) -> Path:
    """Save noise with the names of the image files, as each file format holds them."""
    if path.suffix == ".npz":
        np.savez(path, delta=noise, **{name: np.array(listed)})
    elif path.suffix == ".safetensors":
        save_file({"delta": torch.from_numpy(noise)}, path, {name: json.dumps(listed)})
    else:
        torch.save({"delta": torch.from_numpy(noise), name: listed}, path)
    return path


@pytest.mark.parametrize("kind", [".npz", ".safetensors", ".pt"])
@pytest.mark.parametrize(
    "rename",
    [
        lambda file: file,
        lambda file: f"/home/them/pets/{file}",
        lambda file: file.removeprefix("train/"),
        lambda file: file.rpartition("/")[2],
        lambda file: "C:\\pets\\" + file.replace("/", "\\"),
        lambda file: (f"pets/{file}", 0),
    ],
    ids=["as ours", "absolute", "below train", "bare", "windows", "samples"],
)
def test_files_that_a_source_lists_are_compared(
    kind: str, rename: Any, tmp_path: Path, noise: Noise, dataset: Dataset, out: Path
) -> None:
    listed = [rename(file) for file in FILES]
    name = "samples" if isinstance(listed[0], tuple) else "files"
    path, own = tmp_path / f"theirs{kind}", replace(dataset, files=FILES)
    save_listed(path, noise, name, listed)
    provenance = take(path, out, name="mine", dataset=own, hints=ImportHints())
    assert provenance.origin["order"] == "checked by file names"
    assert np.array_equal(load_noise(out)[0], noise)
    out.unlink()
    out.parent.rmdir()

    def imported(path: Path) -> Noise:
        take(path, out, name="mine", dataset=own, hints=ImportHints())
        return load_noise(out)[0]

    listed[4], listed[7] = listed[7], listed[4]
    refuse(
        imported, save_listed(path, noise, name, listed), out, r"entry 4 of the noise is for .*7\.png, but .*b/4\.png"
    )
    refuse(
        imported, save_listed(path, noise, name, listed[:-1]), out, "lists 11 files, but there are 12 training images"
    )


def test_accented_file_names_are_compared_normalised(tmp_path: Path, noise: Noise, dataset: Dataset, out: Path) -> None:
    own = replace(dataset, files=tuple(f"train/é/{n}.png" for n in range(12)))
    save_listed(tmp_path / "theirs.pt", noise, "paths", [unicodedata.normalize("NFD", file) for file in own.files])
    take(tmp_path / "theirs.pt", out, name="mine", dataset=own, hints=ImportHints())


def test_a_format_that_needs_torch_says_so_without_it(
    tmp_path: Path, noise: Noise, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save_listed(tmp_path / "theirs.pt", noise, "files", FILES)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ModuleNotFoundError, match="torch"):  # main() names the extra
        read_foreign(path)


def test_an_order_that_cannot_be_checked_is_said_to_be(
    tmp_path: Path, noise: Noise, dataset: Dataset, out: Path
) -> None:
    own = replace(dataset, files=FILES)
    np.save(tmp_path / "theirs.npy", noise)
    for path, images, order in (
        (tmp_path / "theirs.npy", own, "not checked (no file names)"),
        (save_listed(tmp_path / "theirs.safetensors", noise, "files", "pets"), own, "not checked (no file names)"),
        (save_listed(tmp_path / "theirs.pt", noise, "files", [1] * 12), own, "not checked (no file names)"),
        (
            save_listed(tmp_path / "theirs.npz", noise, "files", FILES),
            dataset,
            "not checked (the images have no file names)",
        ),
        (tmp_path / "theirs.npy", dataset, None),
        (save_listed(tmp_path / "class.npz", noise[:3], "files", FILES), own, None),  # the same for each class
    ):
        out.unlink(missing_ok=True)
        provenance = take(path, out, name="mine", dataset=images, hints=ImportHints())
        assert provenance.origin.get("order") == order


def test_a_tensor_with_the_name_of_a_list_is_a_tensor(tmp_path: Path, noise: Noise, out: Path, taken: Take) -> None:
    np.savez(tmp_path / "theirs.npz", samples=noise)
    assert np.array_equal(taken(tmp_path / "theirs.npz"), noise)
    torch.save({"files": torch.from_numpy(noise), "paths": ["a"]}, tmp_path / "theirs.pt")
    assert np.array_equal(taken(tmp_path / "theirs.pt"), noise)
    np.savez(tmp_path / "both.npz", samples=noise, delta=noise)
    assert np.array_equal(taken(tmp_path / "both.npz", key="samples"), noise)
    out.unlink()
    out.parent.rmdir()
    refuse(taken, tmp_path / "both.npz", out, r"holds 2 tensors \(delta, samples\); choose one with --key")
