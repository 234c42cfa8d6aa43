"""Synthetic records: the numbers are made up by a formula and mean nothing."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from attacks.methods import METHODS
from bench.config.models import NoiseCell, VictimCell
from bench.records.schema import (
    Cost,
    Environment,
    Metrics,
    NoiseMetrics,
    NoiseRecord,
    Passes,
    Point,
    Record,
    VictimRecord,
)
from bench.records.store import Store
from victims.countermeasures import COUNTERMEASURES
from victims.recipes import TRAININGS

# By method: accuracy at radius 0, what each unit of radius adds, image-passes of the noise.
NUMBERS = {
    "clean": (94.0, -1.2, 0),
    "random": (93.0, -1.0, 0),
    "em-fu22": (15.0, 17.0, 7_680_000),
    "rem-fu22": (22.0, 5.0, 390_000_000),
    "sem-liu24": (18.0, 3.0, 39_000_000),
}
# What a record's texts may try on whatever shows them: a page, a spreadsheet, LaTeX, Matplotlib, a terminal.
HOSTILE = (
    '=1+1,"</script><img src="x" onerror="document.title=1">@script@$\\frac{1}{0}$\\input{x} | `a` [b](javascript:1) %'
)
HOSTILE += "\x1b[2J\r\n=2\u202eend\u2028"
ENVIRONMENT = Environment(
    device="Synthetic GPU", driver="580.1", threads=2, platform="test", versions={}, commit="0" * 40, dirty=False
)


def _identity(known: Mapping[str, Any], name: str) -> str:
    """Return the present version of what a record names, so that it is not of an older one."""
    return str(known[name].identity) if name in known else f"{name}/1"


def _noise_cell(method: str, seed: int, **changes: Any) -> NoiseCell:
    place = {"dataset": "synthetic", "protocol": "test-v1"} | changes
    inputs = {
        "dataset": "d" * 64,
        "method": _identity(METHODS, method),
        "engine": "1",
        "stream": f"{place['dataset']}/{place['protocol']}",
    }
    cell = {"method": method, "seed": seed, "numbers": {"noise": {"rho_u": 8}}} | place
    return NoiseCell(**cell | {"inputs": inputs | place.get("inputs", {})})


def _noise(method: str, seed: int, passes: int, **changes: Any) -> NoiseRecord:
    record = {
        "cell": _noise_cell(method, seed, **changes.pop("cell", {})),
        "status": "ok",
        "costs": {"generation": Cost(seconds=passes / 1e5 + seed, passes=Passes(attack=passes))},
        "bound": "L-inf rho_u",
        "bounded": True,
        "metrics": NoiseMetrics(linf=8, l2_mean=300),
        "peak_memory": 2**29,
        "precision": "fp32",
        "environment": ENVIRONMENT,
        "digests": {"dataset": "d" * 64, "noise": f"{method}-{seed}"},
        "finished": "2026-01-01T00:00:00Z",
        "by": "test",
    }
    return NoiseRecord(**(record | changes))


def _victim(method: str, victim: str, rho_a: float, seed: int, accuracy: float, **changes: Any) -> VictimRecord:
    noise = _noise_cell(method, seed, **changes.pop("cell", {}))
    axes = changes.pop("axes", {})
    used = {
        "noise": noise.key,
        "recipe": _identity(TRAININGS, axes.get("training", "supervised")),
        "countermeasure": _identity(COUNTERMEASURES, axes.get("countermeasure", "standard")),
    }
    place = noise.model_dump(exclude={"kind"}) | {"inputs": noise.inputs | used, "numbers": {"victim": {"steps": 9}}}
    record = {
        "cell": VictimCell(victim=victim, rho_a=rho_a, **(place | axes)),
        "status": "ok",
        "costs": {"training": Cost(seconds=60, passes=Passes(attack=900, train=100, forward=5000))},
        "metrics": Metrics(accuracy_final=accuracy, accuracy_last_mean=accuracy, accuracy_peak=accuracy),
        "curve": [
            Point(step=step, accuracy=10 + (accuracy - 10) * (1 - 0.5 ** (step / 4000)), loss=1.0)
            for step in range(2000, 40001, 2000)
        ],
        "precision": "fp32",
        "environment": ENVIRONMENT,
        "digests": {"dataset": "d" * 64, "noise": f"{method}-{seed}"},
        "finished": "2026-01-01T00:00:00Z",
        "by": "test",
    }
    return VictimRecord(**(record | changes))


@pytest.fixture
def make_noise() -> Callable[..., NoiseRecord]:
    return _noise


@pytest.fixture
def make_victim() -> Callable[..., VictimRecord]:
    return _victim


@pytest.fixture(scope="session")
def matrix() -> list[Record]:
    """Five methods, two victims, three radii, three seeds; one cell failed at every seed, one is missing."""
    records: list[Record] = []
    for method, (base, slope, passes) in NUMBERS.items():
        for seed in range(3):
            records.append(_noise(method, seed, passes))
            for victim, harder in (("resnet18", 0.0), ("vgg16_bn", 4.0)):
                for rho_a in (0.0, 2.0, 4.0):
                    accuracy = min(100.0, base + slope * rho_a + harder * (base < 50) + 0.75 * seed)
                    records.append(_victim(method, victim, rho_a, seed, accuracy))
    records = [record for record in records if _name(record) != ("rem-fu22", "vgg16_bn", 4.0)]
    return [_failed(record) if _name(record) == ("em-fu22", "vgg16_bn", 4.0) else record for record in records]


def _name(record: Record) -> tuple[str, str, float] | None:
    cell = record.cell
    return (cell.method, cell.victim, cell.rho_a) if isinstance(cell, VictimCell) else None


def _failed(record: Record) -> Record:
    return record.model_copy(update={"status": "failed", "error": "out of memory", "metrics": None, "curve": ()})


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory, matrix: list[Record]) -> Path:
    """A folder with the records of `matrix`; not to be changed."""
    store = Store(tmp_path_factory.mktemp("results"))
    for record in matrix:
        store.write(record)
    return store.root


@pytest.fixture
def hostile_text() -> str:
    return HOSTILE


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A folder of records whose free texts are all hostile, and a million characters long."""
    text = HOSTILE + "x" * 10**6
    versions = {"torch": text, text: text}
    changes = {"device": text, "driver": text, "platform": text, "commit": HOSTILE, "versions": versions}
    shared = {"environment": ENVIRONMENT.model_copy(update=changes), "by": text, "finished": text}
    shared["digests"] = {"dataset": HOSTILE, "noise": text}
    store = Store(tmp_path / "hostile")
    for method in ("clean", "em-fu22", "ops-wu23"):
        store.write(_noise(method, 0, 1000, bound=text, bounded=False, **shared))
        store.write(_victim(method, "resnet18", 0.0, 0, 20.0, **shared))
        failed = {"status": "failed", "error": text, "metrics": None, "curve": ()}
        store.write(_victim(method, "vgg16", 0.0, 0, 0.0, **shared, **failed))
    return store.root


@pytest.fixture(scope="session")
def rows_of() -> Callable[[dict[str, Any]], list[dict[str, Any]]]:
    """Return the rows that `packed` was given, from its result; written independently of the page's script."""

    def at(column: Any, row: int) -> Any:
        if isinstance(column, list):
            return column[row]
        if "at" in column:
            return column["values"][column["at"][row]]
        return column["others"].get(str(row), column["usual"])

    def rows(table: dict[str, Any]) -> list[dict[str, Any]]:
        return [{name: at(column, row) for name, column in table["columns"].items()} for row in range(table["count"])]

    return rows
