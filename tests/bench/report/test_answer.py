from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from attacks.methods import METHODS
from bench.cli.protect import METHOD, PROTOCOL
from bench.records.frame import load_records
from bench.records.schema import NoiseRecord, VictimRecord
from bench.records.store import Store
from bench.report.answer import answer_lines, by_headline, certainty_text, leaders, recommended, track
from bench.report.summary import Group, groups
from bench.report.tables import ScoreTable, build_tables


def main_table(results: Path) -> tuple[Group, ScoreTable]:
    (group,) = groups(load_records(results))
    return group, build_tables([group])[0]


def measured(
    folder: Path,
    make_noise: Callable[..., NoiseRecord],
    make_victim: Callable[..., VictimRecord],
    accuracies: dict[str, tuple[float, ...]],
    bounds: dict[str, str],
) -> tuple[Group, ScoreTable]:
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
    group, table = measured(tmp_path, make_noise, make_victim, accuracies, bounds)
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
    (line,) = answer_lines(group, table)
    assert "rem-fu22 protects best" in line
    assert "one seed leaves its rank among the 6 methods at 1\N{EN DASH}6." in line


def test_what_does_not_lower_accuracy_is_not_recommended(
    tmp_path: Path, make_noise: Callable[..., NoiseRecord], make_victim: Callable[..., VictimRecord]
) -> None:
    accuracies = {"clean": (90.0,), "em-fu22": (90.0,), "random": (10.0,), "ops-wu23": (1.0,)}
    group, table = measured(tmp_path, make_noise, make_victim, accuracies, {"ops-wu23": "one pixel"})
    assert recommended(table) is None
    assert answer_lines(group, table) == [
        (
            "Against the only trainer measured here, no method within rho_u helps much: em-fu22 leaves 90.00% "
            "test accuracy, where clean images give 90.00% (resnet18, rho_a 0)."
        )
    ]


@pytest.fixture
def suite_of_trainers(tmp_path: Path, make_victim: Callable[..., VictimRecord], make_noise: Any) -> Path:
    """Records of three seeds at a protocol that the ranking suite has a cast for."""
    at = {
        ("resnet18", 0.0): {"clean": 90.0, "em-fu22": 10.0, "rem-fu22": 30.0, "ops-wu23": 5.0},
        ("resnet18", 4.0): {"clean": 80.0, "em-fu22": 79.0, "rem-fu22": 50.0, "sem-liu24": 50.0},
        ("resnet18", 8.0): {"clean": 60.0, "sem-liu24": 59.0},
        ("densenet121_fu22", 0.0): {"em-fu22": 20.0},
        ("vgg16", 0.0): {"clean": 1.0, "em-fu22": 1.0},
    }
    store = Store(tmp_path)
    for (victim, rho_a), accuracies in at.items():
        for method, accuracy in accuracies.items():
            for seed in range(3):
                bound = {"bound": "one pixel", "bounded": False} if method == "ops-wu23" else {}
                store.write(make_noise(method, seed, 1000, cell={"protocol": "paper-v1"}, **bound))
                place = {"cell": {"protocol": "paper-v1"}}
                store.write(make_victim(method, victim, rho_a, seed, accuracy + 0.1 * seed, **place))
    return tmp_path


def test_who_leads_at_each_trainer_of_the_suite(suite_of_trainers: Path) -> None:
    group, table = main_table(suite_of_trainers)
    found = [
        (leader.trainer.title, leader.score.method, leader.over.mean, certainty_text(leader))
        for leader in leaders(group, table)
    ]
    assert found == [
        ("standard training", "em-fu22", pytest.approx(-80.0), "certain (95%), 3 seeds"),
        ("adversarial training, radius 4", "rem-fu22", pytest.approx(-30.0), "undecided among 3, 3 seeds"),
        ("adversarial training, radius 8", "sem-liu24", pytest.approx(-1.0), "certain (95%), 3 seeds"),
        ("DenseNet", "em-fu22", None, "only one measured, 3 seeds"),
    ]


def test_the_answer_begins_with_adversarial_training(suite_of_trainers: Path) -> None:
    first, second, third = answer_lines(*main_table(suite_of_trainers))
    assert first == (
        "Against adversarial training, radius 4, rem-fu22 protects best: 50.10% test accuracy, 30.00 points below "
        "clean images, for 1.00k image-passes (1.01 s on Synthetic GPU); undecided among 3, 3 seeds."
    )
    assert second == (
        "Against adversarial training, radius 8, no method helps much: sem-liu24 leaves 59.10% test accuracy, 1.00 "
        "points below clean images; certain (95%), 3 seeds."
    )
    assert third == "No method within \N{PLUS-MINUS SIGN}8/255 was measured against all trainers here."


def test_what_was_not_measured_on_clean_images_is_recommended_and_that_is_said(
    tmp_path: Path, make_noise: Callable[..., NoiseRecord], make_victim: Callable[..., VictimRecord]
) -> None:
    group, table = measured(tmp_path, make_noise, make_victim, {"clean": (90.0,), "em-fu22": (10.0, 60.0)}, {})
    best = recommended(table)
    assert best is not None
    assert best.name == "em-fu22"
    (line,) = answer_lines(group, table)
    assert "it leaves 60.00% test accuracy, where clean images were not measured (resnet18, rho_a 4)." in line


def test_protect_defaults_to_what_the_committed_tables_recommend(pytestconfig: pytest.Config) -> None:
    tables = build_tables(groups(load_records(pytestconfig.rootpath / "results")))
    found = [recommended(table) for table in tables if table.protocol == PROTOCOL and not table.title]
    assert [row.name for row in found if row] == [METHOD]
    assert METHODS[METHOD].bounded
