"""A tiny grid on sixty images of 8x8 pixels, really carried out, in a folder that each test may damage."""

import contextlib
import io
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.cli import main

COUNTS = {"train": 14, "test": 6}
GRID = """
name = "tiny"
title = "for tests"
protocol = "{root}/tiny-v1.toml"
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
class Ended:
    """A command's exit status and what it wrote."""

    status: int
    out: str
    err: str

    @property
    def began(self) -> list[str]:
        """The cells that a run began."""
        return [line.split()[-1] for line in self.err.splitlines() if "  begin  " in line]


@dataclass(frozen=True)
class Bench:
    """A folder with a grid, its cache and its results."""

    root: Path

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
        return ended(self.words(command, *more))

    def run(self, *more: str) -> Ended:
        return self.do("run", *more)

    def record(self, pattern: str) -> Path:
        """Return the one file below the results that a pattern names."""
        (found,) = self.results.glob(pattern)
        return found

    def stamps(self) -> dict[Path, int]:
        """Return when each file of records and cache was last written."""
        parts = (self.cache, self.results / "noise", self.results / "records")
        return {path: path.stat().st_mtime_ns for part in parts for path in part.rglob("*") if path.is_file()}


@contextlib.contextmanager
def on_one_core() -> Iterator[None]:
    """Keep this process and its workers on one core: two threads wait for each other long where others are at work."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def ended(words: list[str]) -> Ended:
    """Carry out a command in this process."""
    out, err = io.StringIO(), io.StringIO()
    before = signal.getsignal(signal.SIGTERM)
    try:
        with on_one_core(), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = main(words)
    finally:
        signal.signal(signal.SIGTERM, before)
    return Ended(status, out.getvalue(), err.getvalue())


@pytest.fixture
def one_core() -> Iterator[None]:
    """Keep what a test starts on one core, as commands in this process are."""
    with on_one_core():
        yield


@pytest.fixture
def command() -> Callable[[list[str]], Ended]:
    return ended


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("images") / "dots"
    random = np.random.default_rng(0)
    for split, count in COUNTS.items():
        for name in ("ant", "bee", "cat"):
            (root / split / name).mkdir(parents=True)
            for n in range(count):
                pixels = random.integers(0, 256, (8, 8, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(root / split / name / f"{n}.png")
    return root


@pytest.fixture(scope="session")
def new_bench(images: Path) -> Callable[[Path], Bench]:
    """Make a bench of a folder."""

    def make(root: Path) -> Bench:
        (root / "tiny.toml").write_text(GRID.format(root=root, images=images))
        (root / "tiny-v1.toml").write_text(PROTOCOL)
        return Bench(root)

    return make


@pytest.fixture
def empty(tmp_path: Path, new_bench: Callable[[Path], Bench]) -> Bench:
    """A bench where nothing was done yet."""
    return new_bench(tmp_path)


@pytest.fixture(scope="session")
def first(
    tmp_path_factory: pytest.TempPathFactory, new_bench: Callable[[Path], Bench]
) -> Iterator[tuple[Bench, Ended]]:
    """The bench of the first run, and how it ended; not to be changed."""
    bench = new_bench(tmp_path_factory.mktemp("first"))
    result = bench.run()
    stamps = bench.stamps()
    yield bench, result
    assert bench.stamps() == stamps


@pytest.fixture
def bench(first: tuple[Bench, Ended], empty: Bench) -> Bench:
    """A copy of the bench of the first run."""
    shutil.copytree(first[0].cache, empty.cache)
    shutil.copytree(first[0].results, empty.results)
    return empty
