"""Runs in their own processes, which tests kill, stop and starve; the results are compared with those of a whole run.

CI tries a few faults on a tiny grid; `--all-faults` tries as many as the project promises, with the kills on the
smoke grid itself.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bench.records.store import Store

TINY = ("setup.victim.attack.steps=10", "setup.victim.steps=12", "setup.noise.steps=6")
SIZE = 1 << 20  # bytes of a small disk
COUNTS = pytest.StashKey[list[str]]()


@dataclass(frozen=True, kw_only=True)
class Site:
    """A grid with folders of its own.

    Attributes:
        root: the folder of its results and cache.
        grid: the arguments that name the grid and its changes.
        jobs: the number of workers of a run.
    """

    root: Path
    grid: tuple[str, ...]
    jobs: int = 1
    runs: "list[subprocess.Popen[str]]" = field(default_factory=list)

    @property
    def results(self) -> Path:
        return self.root / "results"

    @property
    def cache(self) -> Path:
        return self.root / "cache"

    def start(self, *more: str, by: str = "test") -> "subprocess.Popen[str]":
        """Start a run in its own process group."""
        folders = ("--results", str(self.results), "--cache", str(self.cache))
        command = (sys.executable, "-m", "bench", "run", *self.grid, *folders, "--device", "cpu")
        run = subprocess.Popen(
            (*command, "--jobs", str(self.jobs), *more),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env=os.environ | {"UNLEARNABLE_BENCH_BY": by},
        )
        self.runs.append(run)
        return run

    def run(self, *more: str) -> str:
        """Run to the end, check that it succeeded, and return the standard error."""
        run = self.start(*more)
        _, said = run.communicate()
        assert run.returncode == 0, said
        return said

    def kill_while_making(self, folder: str) -> None:
        """Run until a worker makes a file of a cache folder, kill the runner, and wait for the worker's state."""
        run = self.start()
        wait_for(f"{folder}/**/*.lock", self.cache)
        run.kill()  # its worker notices, saves its state and ends
        run.communicate()
        wait_for("unfinished/*.safetensors", self.cache)
        assert not list(self.cache.glob(f"{folder}/**/*.safetensors"))

    def stored(self) -> dict[Path, bytes]:
        """Return the content of every record's file, except those of failures."""
        paths = (path for part in ("records", "noise") for path in self.results.glob(f"{part}/**/*.json"))
        files = {path: path.read_bytes() for path in paths}
        return {path: text for path, text in files.items() if json.loads(text)["status"] != "failed"}

    def outcome(self) -> dict[str, Any]:
        """Return the records of a run by cell, without times, memory, environment and who ran it."""
        found = {}
        for record in Store(self.results).all():
            data = record.model_dump(mode="json", exclude={"environment", "finished", "by", "peak_memory", "costs"})
            passes = {phase: cost.passes.model_dump() for phase, cost in record.costs.items()}
            found[record.cell.label] = data | {"passes": passes}
        return found

    def leftovers(self) -> list[Path]:
        """Return the partial files of unfinished writes; a kill may leave some."""
        return [path for part in (self.results, self.cache) for path in part.rglob(".*.part")]

    def clear_up(self) -> None:
        for run in self.runs:
            if run.poll() is None:
                os.killpg(run.pid, signal.SIGKILL)
            run.communicate()


def wait_for(pattern: str, folder: Path) -> None:
    until = time.monotonic() + 300
    while not list(folder.glob(pattern)):
        assert time.monotonic() < until, pattern
        time.sleep(0.02)


@pytest.fixture
def all_faults(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--all-faults"))


@pytest.fixture
def add_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Site]]:
    """Make a site in a folder of its own, and end its remaining runs after the test."""
    sites = []

    def add(name: str, grid: Callable[[Path], tuple[str, ...]], jobs: int) -> Site:
        root = tmp_path_factory.mktemp(name)
        sites.append(Site(root=root, grid=grid(root), jobs=jobs))
        return sites[-1]

    yield add
    for site in sites:
        site.clear_up()


@pytest.fixture
def add_tiny(add_site: Callable[..., Site], new_bench: Callable[[Path], Any], one_core: None) -> Callable[..., Site]:
    """Make a site of the tiny grid with changes."""

    def add(*changes: str, more: tuple[str, ...] = ()) -> Site:
        def grid(root: Path) -> tuple[str, ...]:
            new_bench(root)
            return ("--grid", str(root / "tiny.toml"), *(word for one in changes for word in ("--set", one)), *more)

        return add_site("tiny", grid, jobs=1)

    return add


@pytest.fixture
def tiny(add_tiny: Callable[..., Site]) -> Callable[[], Site]:
    """Make a site of the tiny grid, with enough work to be killed during a run."""
    return lambda: add_tiny(*TINY)


@pytest.fixture
def smoke(add_site: Callable[..., Site]) -> Callable[[], Site]:
    """Make a site of the smoke grid, with one of its two victims."""
    grid = ("--grid", "smoke", "--set", "victims=resnet18-w8")
    return lambda: add_site("smoke", lambda _: grid, jobs=2)


@pytest.fixture
def killed(request: pytest.FixtureRequest, *, all_faults: bool) -> Callable[[], Site]:
    """Make a site of the grid on which the kills are tried."""
    make: Callable[[], Site] = request.getfixturevalue("smoke" if all_faults else "tiny")
    return make


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a separate file system of `SIZE` bytes, and yield its folder."""
    folder = tmp_path / "disk"
    folder.mkdir()
    try:
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "none", str(folder)], capture_output=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("only root can mount a small file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def fill(disk: Path) -> Callable[[int], Path]:
    """Fill that file system except for `free` bytes, and return the file that does so."""

    def filled(free: int) -> Path:
        filler = disk / "filler"
        used = sum(path.stat().st_blocks * 512 for path in disk.rglob("*"))
        filler.write_bytes(bytes(SIZE - 4096 - free - used))
        return filler

    return filled


@pytest.fixture
def count(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Report counts of what was tried at the end of the tests."""
    return request.config.stash.setdefault(COUNTS, []).append


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if lines := config.stash.get(COUNTS, []):
        terminalreporter.section("faults")
        for line in lines:
            terminalreporter.write_line(line)
