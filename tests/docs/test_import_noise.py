"""The scripts of docs/import-noise.md: your own noise, and noise of a shuffled part of a dataset."""

import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from attacks.engine.noise import Provenance, save_noise
from bench.cli import parser
from bench.cli.options import places_of
from bench.config.load import load_grid
from bench.data import Places, entry
from bench.noise.foreign import read_foreign
from bench.run.plan import make_plan

PAGE = Path(__file__).parents[2] / "docs" / "import-noise.md"


def match(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the script of the page."""
    (script,) = re.findall(r"^```python file=match_noise.py\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    (folder / "match_noise.py").write_text(script)
    words = ["match_noise.py", "photo-patches", ".", "clean.npy", "protected.npy", "noise.npy"]
    return subprocess.run([sys.executable, *words], cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("kind", ["floats", "uint8"])
def test_protected_images_find_their_places(kind: str, tmp_path: Path) -> None:
    places = Places(data=tmp_path, cache=tmp_path)
    train = entry("photo-patches", places).load(places).train.images
    random = np.random.default_rng(0)
    chosen = random.permutation(len(train))[:300]
    clean = train[chosen].astype(int)
    protected = (clean + random.integers(-8, 9, clean.shape)).clip(0, 255)
    for name, images in (("clean", clean), ("protected", protected)):
        last = images.transpose(0, 2, 3, 1)
        np.save(tmp_path / f"{name}.npy", last.astype(np.uint8) if kind == "uint8" else last.astype(np.float32) / 255)
    done = match(tmp_path)
    assert done.stdout == f"300 of {len(train)} images have noise; the largest entry is 8\n", done.stderr
    expected = np.zeros(train.shape, dtype=int)
    expected[chosen] = protected - clean
    assert np.array_equal(np.load(tmp_path / "noise.npy"), expected)


def test_images_of_another_set_are_refused(tmp_path: Path) -> None:
    strange = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)
    np.save(tmp_path / "clean.npy", strange)
    np.save(tmp_path / "protected.npy", strange)
    done = match(tmp_path)
    assert done.returncode == 1
    assert done.stderr == "5 of 5 clean images are not among the training images of photo-patches\n"


def test_a_noise_of_ones_own_can_be_compared(carry_out: Callable[[str], list[str]]) -> None:
    (said,) = carry_out("import-noise.md")
    assert re.search(r"strong-v1: (\d+) cells of protocol smoke-v1, \1 to run", said)
    assert "photo-patches/own26/resnet18-w8/r0-s2" in said


def test_saved_noise_lists_the_names_of_its_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torchvision.datasets import ImageFolder

    monkeypatch.chdir(tmp_path)
    for name in ("cat", "dog"):
        Path("pets/train", name).mkdir(parents=True)
        Path("pets/train", name, "1.png").touch()
    lines = re.findall(
        r"^    ((?:np\.savez|torch\.save)\(.*)$", PAGE.with_name("image-folders.md").read_text(), re.MULTILINE
    )
    noise = np.ones((2, 3, 4, 4), dtype=np.int8)
    for line, file in zip(lines, ("noise.npz", "noise.pt"), strict=True):
        exec(line, {"np": np, "torch": torch, "noise": noise, "ImageFolder": ImageFolder})
        found = read_foreign(Path(file))
        assert np.array_equal(found.values, noise)
        assert found.files == ("pets/train/cat/1.png", "pets/train/dog/1.png")


def test_the_script_and_the_commands_after_it_use_the_same_folders() -> None:
    commands = re.findall(r"^python -m bench (.*own\.safetensors.*)$", PAGE.read_text(), re.MULTILINE)
    places = [places_of(parser().parse_args(shlex.split(command))) for command in commands]
    assert places == [Places(data=Path("data"), cache=Path("cache"))] * 2
    assert 'places = Places(data=Path("data"), cache=Path("cache"))' in PAGE.read_text()


def test_released_noise_is_run_on_its_dataset_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    commands = re.findall(r"^python -m bench (.*ntga.*)$", PAGE.read_text(), re.MULTILINE)
    imported, run = (parser().parse_args(shlex.split(command)) for command in commands)
    made = Provenance(name=imported.name, dataset=imported.dataset, dataset_digest="0" * 64, origin={})
    save_noise(imported.out, np.zeros((1, 1, 1, 1), dtype=np.int8), made)
    plan = make_plan(*load_grid(run.grid, run.changes), places_of(run))
    assert {(job.dataset, job.cell.method) for job in plan.jobs} == {("cifar10", "clean"), ("cifar10", "ntga-yuan21")}
    assert imported.data == run.data == Path("path/to/data")
