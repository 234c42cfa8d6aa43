"""A tiny grid on sixty images of 8x8 pixels, really run, in a folder that each test may damage."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

Ended = Any  # what the fixture `command` returns
COUNTS = {"train": 14, "test": 6}
GRID = """
name = "tiny"
title = "for tests"
protocol = "tiny-v1.toml"
datasets = ["folder:{images}"]
methods = ["clean", "em"]
victims = ["resnet18-w8"]
radii = [0, 4]
seeds = [0]
"""
PROTOCOL = """
title = "for tests"

[setup.noise]
steps = 2
batch = 64
views = 1
descent = { steps = 1, step = 1.0 }
ascent = { steps = 1, step = 1.0 }
surrogate = "resnet18-w8"
sgd = { lr = 0.1 }

[setup.victim]
steps = 2
batch = 64
sgd = { lr = 0.1 }
attack = { steps = 1, step = 1.0 }
evaluate_every = 1
robust_attack = { steps = 1, step = 1.0 }
robust_images = 6
"""


@dataclass(frozen=True)
class Bench:
    """A folder with a grid, its cache and its results."""

    root: Path
    carry_out: Callable[[list[str]], Ended]

    @property
    def cache(self) -> Path:
        return self.root / "cache"

    @property
    def results(self) -> Path:
        return self.root / "results"

    def words(self, command: str, *more: str) -> list[str]:
        """Return the arguments of a command on the grid."""
        folders = ["--grid", str(self.root / "tiny.toml"), "--cache", str(self.cache), "--results", str(self.results)]
        device = [] if command == "status" else ["--device", "cpu", "--jobs", "1"]
        return [command, *folders, *device, *more]

    def do(self, command: str, *more: str) -> Ended:
        return self.carry_out(self.words(command, *more))

    def run(self, *more: str) -> Ended:
        return self.do("run", *more)

    def record(self, pattern: str) -> Path:
        """Return the path of the one result file that matches a pattern."""
        (found,) = self.results.glob(pattern)
        return found

    def stamps(self) -> dict[Path, int]:
        """Return when each file in the cache and the records was last written."""
        parts = (self.cache, self.results / "noise", self.results / "records")
        return {path: path.stat().st_mtime_ns for part in parts for path in part.rglob("*") if path.is_file()}


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, str], str], None]:
    """Install a package of files and entry points; workers import from the same folders as this process."""

    def put(files: dict[str, str], points: str) -> None:
        site = tmp_path / "site"
        about = {"METADATA": "Metadata-Version: 2.1\nName: toy\nVersion: 1.0\n", "entry_points.txt": points}
        for name, text in (files | {f"toy-1.0.dist-info/{name}": text for name, text in about.items()}).items():
            (site / name).parent.mkdir(parents=True, exist_ok=True)
            (site / name).write_text(text)
        monkeypatch.syspath_prepend(site)

    return put


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory, write_tree: Callable[..., Path]) -> Path:
    counts = {f"{split}/{name}": count for split, count in COUNTS.items() for name in ("ant", "bee", "cat")}
    return write_tree(tmp_path_factory.mktemp("images") / "dots", counts)


@pytest.fixture(scope="session")
def more(tmp_path_factory: pytest.TempPathFactory, write_tree: Callable[..., Path]) -> Path:
    """A data folder with a set of two other classes, `more`, to train weights on."""
    counts = {f"{split}/{name}": count for split, count in (("train", 10), ("test", 4)) for name in ("dog", "eel")}
    return write_tree(tmp_path_factory.mktemp("data") / "more", counts).parent


@pytest.fixture(scope="session")
def new_bench(images: Path, command: Callable[[list[str]], Ended]) -> Callable[[Path], Bench]:
    """Make a bench in a folder."""

    def make(root: Path) -> Bench:
        (root / "tiny.toml").write_text(GRID.format(images=images))
        (root / "tiny-v1.toml").write_text(PROTOCOL)
        return Bench(root, command)

    return make


@pytest.fixture
def empty(tmp_path: Path, new_bench: Callable[[Path], Bench]) -> Bench:
    """A bench where nothing has been run yet."""
    return new_bench(tmp_path)


@pytest.fixture(scope="session")
def first(
    tmp_path_factory: pytest.TempPathFactory, new_bench: Callable[[Path], Bench]
) -> Iterator[tuple[Bench, Ended]]:
    """The bench after its first run, and how that run ended; not to be changed."""
    bench = new_bench(tmp_path_factory.mktemp("first"))
    result = bench.run()
    stamps = bench.stamps()
    yield bench, result
    assert bench.stamps() == stamps


@pytest.fixture
def bench(first: tuple[Bench, Ended], empty: Bench) -> Bench:
    """A copy of the bench after the first run."""
    shutil.copytree(first[0].cache, empty.cache)
    shutil.copytree(first[0].results, empty.results)
    return empty
