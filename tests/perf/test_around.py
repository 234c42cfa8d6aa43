"""Everything around the networks: reading images, rendering tables, the command line, and memory."""

import subprocess
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench.data import Places, entry
from bench.records.store import Store
from bench.report import leaderboard

Measure = Callable[..., None]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory, write_tree: Callable[..., Path], is_short: bool) -> Path:
    many = 5 if is_short else 500
    counts = {"train/ant": many, "train/bee": many, "test/ant": 5, "test/bee": 5}
    return write_tree(tmp_path_factory.mktemp("images"), counts, size=(64, 64))


def test_decode_a_folder(measure: Measure, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    def decode() -> None:
        places = Places(data=folder, cache=tmp_path_factory.mktemp("cache"))
        entry(f"folder:{folder}@32", places).load(places)

    measure(decode, role="around", work="decode a folder of 1,000 PNGs of 64 pixels to 32")


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory, synthetic: ModuleType, is_short: bool) -> Path:
    store = Store(tmp_path_factory.mktemp("synthetic"))
    for record in synthetic.records(100 if is_short else synthetic.COUNT):
        store.write(record)
    return store.root


def test_leaderboard(measure: Measure, results: Path) -> None:
    measure(lambda: leaderboard.render(results), role="around", work="leaderboard of 10,000 synthetic records", limit=5)


def test_leaderboard_again(
    measure: Measure, results: Path, synthetic: ModuleType, tmp_path: Path, is_short: bool
) -> None:
    """Each round finds one more record than the last; the first reading of all records falls in the warm-up."""
    *_, last = synthetic.records(100 if is_short else synthetic.COUNT)
    store, radius, added = Store(results), count(1), list[Path]()

    def add_and_render() -> None:
        cell = last.cell.model_copy(update={"rho_a": 100.0 + next(radius)})
        store.write(last.model_copy(update={"cell": cell}))
        added.append(store.path(cell))
        leaderboard.render(results, cache=tmp_path)

    work = "leaderboard of 10,000 synthetic records, one of them new"
    measure(add_and_render, role="around", work=work, limit=3)
    for path in added:
        path.unlink()


@pytest.mark.parametrize(("view", "column"), [("methods", "strongest"), ("cells", "accuracy")])
def test_first_sort(
    benchmark: BenchmarkFixture, browser: Any, results: Path, is_short: bool, view: str, column: str
) -> None:
    leaderboard.write_leaderboard(results, results)

    def open_anew() -> None:
        browser.get("about:blank")
        browser.get(f"{(results / 'index.html').as_uri()}#view={view}")
        browser.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")

    def sort() -> None:
        browser.execute_script(f"document.querySelector('[data-sort={column}]').click(); document.body.offsetHeight")

    work = f"first sort of the {view} of 10,000 synthetic records, page in Chromium"
    benchmark.extra_info.update(role="around", work=work, limit=0.2)
    benchmark.pedantic(sort, setup=open_anew, rounds=1 if is_short else 5, iterations=1)


@pytest.mark.parametrize(
    ("words", "limit"),
    [
        (["plan", "--grid", "full", "--set", "datasets=photo-patches"], 3),  # data available on any machine
        (["list", "methods"], 2),
        (["list", "victims"], 2),
        (["list", "datasets"], 2),
        (["list", "grids"], 2),
        (["list", "protocols"], 2),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else None,
)
def test_command(measure: Measure, words: list[str], limit: int, tmp_path: Path) -> None:
    folders = ["--cache", str(tmp_path / "cache"), "--results", str(tmp_path)] if words[0] == "plan" else []
    command = [sys.executable, "-m", "bench", *words, *folders]
    measure(
        lambda: subprocess.run(command, check=True, capture_output=True),
        role="around",
        work=f"`{' '.join(words)}`",
        limit=limit,
    )


@pytest.mark.parametrize("steps", [2, 40])
def test_memory(benchmark: BenchmarkFixture, measure: Measure, steps: int, is_short: bool) -> None:
    """Make the noise of a whole training set in a process of its own, and record its peak memory."""
    script, count = Path(__file__).with_name("peak.py"), 64 if is_short else 50_000

    def make() -> None:
        command = [sys.executable, str(script), str(count), str(steps)]
        benchmark.extra_info["peak_bytes"] = int(subprocess.run(command, check=True, capture_output=True).stdout)

    work = f"em-fu22 noise of 50,000 images with resnet18-w16, M {steps}, K 1"
    measure(make, rounds=1, warm_up=0, role="memory", work=work)
