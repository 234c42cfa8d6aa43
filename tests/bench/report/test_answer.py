from collections.abc import Callable
from pathlib import Path

import pytest

from attacks.methods import METHODS
from bench.cli.protect import METHOD, PROTOCOL
from bench.records.frame import load_records
from bench.records.schema import NoiseRecord, VictimRecord
from bench.records.store import Store
from bench.report.answer import answer_text, by_headline, recommended, track
from bench.report.summary import groups
from bench.report.tables import ScoreTable, build_tables


def main_table(results: Path) -> ScoreTable:
    (table,) = build_tables(groups(load_records(results)))
    return table


def measured(
    folder: Path,
    make_noise: Callable[..., NoiseRecord],
    make_victim: Callable[..., VictimRecord],
    accuracies: dict[str, tuple[float, ...]],
    bounds: dict[str, str],
) -> ScoreTable:
    """Records of methods at radii 0 and, where they have a second accuracy, 4."""
    store = Store(folder)
    for method, found in accuracies.items():
        bound = {"bound": bounds[method], "bounded": False} if method in bounds else {}
        store.write(make_noise(method, 0, 1000, **bound))
        for rho_a, accuracy in zip((0.0, 4.0), found, strict=False):
            store.write(make_victim(method, "resnet18", rho_a, 0, accuracy))
    return main_table(folder)


def test_methods_come_by_track_then_coverage_then_headline(
    tmp_path: Path, make_noise: Callable[..., NoiseRecord], make_victim: Callable[..., VictimRecord]
) -> None:
    accuracies = {
        "em-fu22": (10.0, 60.0),
        "rem-fu22": (30.0, 40.0),
        "sem-liu24": (5.0,),
        "clean": (90.0, 80.0),
        "ops-wu23": (1.0, 2.0),
        "cuda-sadasivan23": (1.0, 1.0),
        "lsp-yu22": (3.0, 4.0),
    }
    bounds = {"ops-wu23": "one pixel", "cuda-sadasivan23": "none", "lsp-yu22": "L2 9"}
    table = measured(tmp_path, make_noise, make_victim, accuracies, bounds)
    rows = by_headline(table.rows)
    assert [(row.name, track(row)) for row in rows] == [
        ("clean", 0),
        ("rem-fu22", 0),
        ("em-fu22", 0),
        ("sem-liu24", 0),
        ("ops-wu23", 1),
        ("lsp-yu22", 1),
        ("cuda-sadasivan23", 2),
    ]
    best = recommended(table)
    assert best is not None
    assert best.name == "rem-fu22"
    assert "rem-fu22 protects best" in answer_text(table)
    assert "one seed leaves its rank among the 6 methods at 1\N{EN DASH}6." in answer_text(table)


def test_what_does_not_lower_accuracy_is_not_recommended(
    tmp_path: Path, make_noise: Callable[..., NoiseRecord], make_victim: Callable[..., VictimRecord]
) -> None:
    accuracies = {"clean": (90.0,), "em-fu22": (90.0,), "random": (10.0,), "ops-wu23": (1.0,)}
    table = measured(tmp_path, make_noise, make_victim, accuracies, {"ops-wu23": "one pixel"})
    assert recommended(table) is None
    assert answer_text(table).startswith("No method within rho_u was measured against all trainers")


def test_protect_defaults_to_what_the_committed_tables_recommend(pytestconfig: pytest.Config) -> None:
    tables = build_tables(groups(load_records(pytestconfig.rootpath / "results")))
    found = [recommended(table) for table in tables if table.protocol == PROTOCOL and not table.title]
    assert [row.name for row in found if row] == [METHOD]
    assert METHODS[METHOD].bounded
