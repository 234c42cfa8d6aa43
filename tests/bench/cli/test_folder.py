"""Faults in a user's folder are reported by `plan`, `run` and `noise`, and noted in the records."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from attacks.engine.noise import load_noise
from bench.config.load import load_protocol
from bench.data import Places, entry
from bench.noise.make import plan_noise
from bench.records.noise_cache import noise_file
from bench.run.cell import run_cell
from bench.run.workplace import Workplace

Bench = Any  # the class in conftest.py
CLEAN = ("--set", "methods=clean", "--set", "radii=[0]")
NAMED = ", ".join(f"train/dog/{n}.heic" for n in range(6))
SAID = [
    f"pets: files skipped because of their format (.heic): 6 ({NAMED})",
    "pets: classes without images in test/: 1 of 3 (eel)",
    "pets: files in test/ that are also in train/: 1 of 4 (test/dog/1.png)",
]


@pytest.fixture
def pets(tmp_path: Path, write_tree: Callable[..., Path]) -> Path:
    """A tree with half a class in another format, a class missing from the test split, and a test image in training."""
    root = write_tree(tmp_path / "pets", {"train/cat": 6, "train/dog": 6, "train/eel": 6, "test/cat": 2, "test/dog": 2})
    for n in range(6):
        (root / f"train/dog/{n}.heic").write_bytes(b"heic")
    shutil.copy(root / "train/cat/3.png", root / "test/dog/1.png")
    return root


def test_plan_run_and_records_say_what_is_wrong_with_a_folder(empty: Bench, pets: Path) -> None:
    asked = (*CLEAN, "--set", f"datasets=folder:{pets}")
    plan = empty.do("plan", *asked)
    assert [line for line in plan.out.splitlines() if line.startswith("pets: ")] == SAID
    run = empty.run(*asked)
    assert run.status == 0, run.err
    assert [line for line in run.err.splitlines() if line.startswith("pets: ")] == SAID
    for pattern in ("noise/pets/clean/*.json", "records/pets/clean/*/*.json"):
        record = json.loads(empty.record(pattern).read_text())
        assert [f"pets: {note}" for note in record["notes"]] == SAID
    assert empty.run(*asked).began == []


def test_records_of_a_folder_with_nothing_wrong_have_no_notes(bench: Bench) -> None:
    assert "notes" not in json.loads(bench.record("noise/*/clean/*.json").read_text())
    assert "notes" not in json.loads(bench.record("records/*/clean/*/r0-*.json").read_text())


def test_imported_noise_lands_on_its_images(empty: Bench, pets: Path, command: Callable[..., Any]) -> None:
    """The noise is made by other code, with torchvision's ImageFolder."""
    from torchvision.datasets import ImageFolder

    shutil.copytree(pets / "train/cat", pets / "train/cat/0.more")
    shutil.copytree(pets / "train/cat", pets / "train/cat/more")
    samples = ImageFolder(str(pets / "train")).samples
    theirs, mine = empty.root / "theirs.npz", empty.root / "mine.safetensors"
    means = [np.asarray(Image.open(path)).mean(axis=(0, 1)) for path, _ in samples]  # noise that identifies its image
    noise = np.round(np.stack(means) % 8)[:, :, None, None].astype(np.int8).repeat(8, axis=2).repeat(8, axis=3)
    np.savez(theirs, noise=noise, files=np.array([path for path, _ in samples]))
    words = ["noise", "import", str(theirs), str(mine), "--name", "mine", "--dataset", f"folder:{pets}"]
    done = command([*words, "--cache", str(empty.cache)])
    assert done.status == 0, done.err
    assert "order checked by file names" in done.out
    assert SAID[0] in done.err.splitlines()
    assert np.array_equal(load_noise(mine)[0], noise)

    np.savez(theirs, noise=noise[::-1], files=np.array([path for path, _ in samples[::-1]]))
    mine.unlink()
    refused = command([*words, "--cache", str(empty.cache)])
    assert (refused.status, mine.exists()) == (2, False)
    assert "entry 0 of the noise is for" in refused.err
    report = command(["noise", "validate", str(theirs), "--dataset", f"folder:{pets}", "--cache", str(empty.cache)])
    assert report.status == 1
    assert "WRONG  entry 0 of the noise is for" in report.out


def test_protected_files_are_measured_next_to_the_originals(
    empty: Bench, tmp_path: Path, write_tree: Callable[..., Path], command: Callable[..., Any]
) -> None:
    """As docs/image-folders.md says."""
    counts = {"train/cat": 6, "train/dog": 6, "test/cat": 2, "test/dog": 2}
    own, out = write_tree(tmp_path / "own", counts, size=(16, 12)), tmp_path / "protected"
    numbers = ["--method", "random", "--size", "8", "--protocol", str(empty.root / "tiny-v1.toml"), "--device", "cpu"]
    places = ["--cache", str(empty.cache)]
    refused = command(["protect", str(own), str(out), *numbers, *places])
    assert (refused.status, refused.err.rstrip().endswith(f"give {own / 'train'}")) == (2, True)
    done = command(["protect", str(own / "train"), str(out / "train"), *numbers, *places])
    assert done.status == 0, done.err
    shutil.copytree(own / "test", out / "test")
    run = empty.run(*CLEAN, "--set", f'datasets=["folder:{own}@8","folder:{out}@8"]')
    assert run.status == 0, run.err
    there = Places(data=tmp_path, cache=empty.cache)
    before, after = (entry(f"folder:{folder}@8", there).load(there) for folder in (own, out))
    assert np.array_equal(before.test.images, after.test.images)
    assert not np.array_equal(before.train.images, after.train.images)
    for name in ("own-8", "protected-8"):
        assert json.loads(empty.record(f"records/{name}/clean/*/*.json").read_text())["status"] == "ok"
        assert name in run.out


def test_protect_reads_no_dataset(command: Callable[..., Any]) -> None:
    refused = command(["protect", "images", "out", "--data", "data"])
    assert (refused.status, "unknown option '--data'" in refused.err) == (2, True)


def test_a_grey_folder_gets_noise_of_one_channel(empty: Bench, pets: Path) -> None:
    for path in pets.rglob("*.png"):
        Image.open(path).convert("L").save(path)
    places = Places(data=empty.root, cache=empty.cache)
    job = plan_noise(f"folder:{pets}", "em", load_protocol(str(empty.root / "tiny-v1.toml")), 0, places)
    workplace = Workplace(results=empty.results, places=places, device="cpu", threads=1, by="")
    record = run_cell(job, workplace, lambda _done, _all: None, lambda: False)
    assert record.status == "ok", record.error
    assert load_noise(noise_file(places, job.noise))[0].shape == (18, 1, 8, 8)
    assert [f"pets: {note}" for note in record.notes] == SAID


def test_a_failed_cell_has_the_notes_too(empty: Bench, pets: Path) -> None:
    places = Places(data=empty.root, cache=empty.cache)
    protocol = load_protocol(str(empty.root / "tiny-v1.toml"), ["setup.noise.sgd.lr=1e30"])
    job = plan_noise(f"folder:{pets}", "em", protocol, 0, places)
    workplace = Workplace(results=empty.results, places=places, device="cpu", threads=1, by="")
    record = run_cell(job, workplace, lambda _done, _all: None, lambda: False)
    assert (record.status, [f"pets: {note}" for note in record.notes]) == ("failed", SAID)
