from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from attacks.methods import METHODS
from bench.cli.protect import METHOD, PROTOCOL
from bench.config.suite import RANKING, load_suite
from bench.records.frame import load_records
from bench.records.schema import NoiseRecord, VictimRecord
from bench.records.store import Store
from bench.report.answer import answer_lines, by_headline, certainty_text, lacks, leaders, track
from bench.report.generations import Generation
from bench.report.notes import on_passes, without_passes
from bench.report.summary import REFERENCES, Group, groups
from bench.report.tables import ScoreTable, build_tables
from bench.report.text import device_words, seconds_range_text, times_text

BOUND = "\N{PLUS-MINUS SIGN}8/255"


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
    """Write records of methods at radius 0 and, with a second accuracy, 4; return the group and the main table."""
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
    (line,) = answer_lines(group, table)
    assert (
        "rem-fu22 leaves the lowest test accuracy so far of the methods within rho_u: 40.00% (80.00% without noise)."
        in line
    )
    assert line.endswith(" Rank 1\N{EN DASH}6 among 6 methods, one run each.")


def test_what_does_not_lower_accuracy_does_not_help(
    tmp_path: Path, make_noise: Callable[..., NoiseRecord], make_victim: Callable[..., VictimRecord]
) -> None:
    accuracies = {"clean": (90.0,), "em-fu22": (90.0,), "random": (10.0,), "ops-wu23": (1.0,)}
    group, table = measured(tmp_path, make_noise, make_victim, accuracies, {"ops-wu23": "one pixel"})
    assert answer_lines(group, table) == [
        (
            "Against the only trainer measured (resnet18, rho_a 0), no method within rho_u helps much: em-fu22 leaves "
            "a test accuracy of 90.00% (90.00% without noise)."
        )
    ]


@pytest.fixture
def suite_of_trainers(tmp_path: Path, make_victim: Callable[..., VictimRecord], make_noise: Any) -> Path:
    """Records of three seeds under a protocol that the ranking suite has a cast for."""
    at = {
        ("resnet18", 0.0): {"clean": 90.0, "em-fu22": 10.0, "rem-fu22": 30.0, "ops-wu23": 5.0},
        ("resnet18", 4.0): {"clean": 80.0, "em-fu22": 79.0, "rem-fu22": 50.0, "sem-liu24": 50.0, "ops-wu23": 40.0},
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
        ("standard training", "em-fu22", pytest.approx(-80.0), "certain (95%) among 2, 3 runs each"),
        (
            "adversarial training, radius 4",
            "rem-fu22",
            pytest.approx(-30.0),
            "undecided against 1 of 2 others, 3 seeds in common",
        ),
        (
            "adversarial training, radius 8",
            "sem-liu24",
            pytest.approx(-1.0),
            "only one within the bound, certain (95%), 3 runs",
        ),
        ("DenseNet", "em-fu22", None, "only one within the bound, 3 runs"),
    ]


def test_the_lowest_of_several_methods_may_be_no_lower_than_clean_images(
    tmp_path: Path, make_noise: Any, make_victim: Any
) -> None:
    store, cell = Store(tmp_path), {"protocol": "paper-v1"}
    for method, accuracy in {"clean": 30.0, "em-fu22": 30.0, "rem-fu22": 50.0}.items():
        for seed in range(3):
            store.write(make_noise(method, seed, 1000, cell=cell))
            store.write(make_victim(method, "resnet18", 4.0, seed, accuracy + 0.1 * seed, cell=cell))
    (leader,) = leaders(*main_table(tmp_path))
    assert certainty_text(leader) == "lowest of 2 (95%), perhaps not below clean images, 3 runs each"


def test_a_leader_is_of_the_newest_version_of_its_trainer(tmp_path: Path, make_noise: Any, make_victim: Any) -> None:
    store, newer = Store(tmp_path), {"inputs": {"network": "resnet18/9"}}
    for method, accuracy, changes in (
        ("clean", 80.0, {}),
        ("em-fu22", 10.0, {}),
        ("rem-fu22", 50.0, newer),
        ("sem-liu24", 60.0, newer),
    ):
        store.write(make_noise(method, 0, 1000, cell={"protocol": "paper-v1"}))
        store.write(make_victim(method, "resnet18", 0.0, 0, accuracy, cell={"protocol": "paper-v1", **changes}))
    (leader,) = leaders(*main_table(tmp_path))
    assert (leader.score.method, leader.clean, leader.over.n) == ("rem-fu22", None, 0)
    assert (leader.before, certainty_text(leader)) == (
        1,
        "undecided against the one other measured since a correction, one seed in common",
    )


def test_what_is_certain_since_a_correction_is_said_to_be_so_and_is_bold(
    tmp_path: Path, make_noise: Any, make_victim: Any
) -> None:
    """EM leaves least, but was measured before the trainer was corrected, so that it competes nowhere."""
    store, accuracies = Store(tmp_path), {"clean": 80.0, "em-fu22": 10.0, "rem-fu22": 20.0, "sem-liu24": 30.0}
    for seed in range(3):
        for method, accuracy in accuracies.items():
            inputs = {"network": f"resnet18/{1 if method == 'em-fu22' else 9}"}
            store.write(make_noise(method, seed, 1000, cell={"protocol": "paper-v1"}))
            cell = {"protocol": "paper-v1", "inputs": inputs}
            store.write(make_victim(method, "resnet18", 4.0, seed, accuracy + 0.1 * seed, cell=cell))
    group, table = main_table(tmp_path)
    (leader,) = leaders(group, table)
    assert certainty_text(leader) == "certain (95%) among the 2 measured since a correction, 3 runs each"
    (line,) = answer_lines(group, table)
    assert line.endswith(" Certain (95%) among the 2 methods measured since a correction, 3 runs each.")
    marks = {row.name: (row.cells[0].best, row.cells[0].second) for row in table.rows if any(row.cells)}
    assert {name for name, (best, _) in marks.items() if best} == {"rem-fu22"}
    assert {name for name, (_, second) in marks.items() if second} == {"sem-liu24"}


def test_all_others_are_said_to_be_all(tmp_path: Path, make_noise: Any, make_victim: Any) -> None:
    accuracies = {"clean": (90.0, 90.0), "em-fu22": (10.0, 30.0), "rem-fu22": (20.0, 30.0), "sem-liu24": (20.0, 40.0)}
    store = Store(tmp_path)
    for method, found in accuracies.items():
        store.write(make_noise(method, 0, 1000, cell={"protocol": "paper-v1"}))
        for rho_a, accuracy in zip((0.0, 4.0), found, strict=True):
            store.write(make_victim(method, "resnet18", rho_a, 0, accuracy, cell={"protocol": "paper-v1"}))
    group, table = main_table(tmp_path)
    said = {certainty_text(leader) for leader in leaders(group, table)}
    assert said == {"undecided against both others, one seed in common"}
    (line,) = answer_lines(group, table)
    assert line.endswith(" Undecided against both other methods, one seed in common.")


def test_the_only_one_since_a_correction_is_said_to_be_so(tmp_path: Path, make_noise: Any, make_victim: Any) -> None:
    """EM leaves far less, but was measured before the trainer was corrected."""
    store = Store(tmp_path)
    for method, accuracy, version in (("clean", 80.0, 9), ("em-fu22", 10.0, 1), ("rem-fu22", 78.0, 9)):
        cell = {"protocol": "paper-v1", "inputs": {"network": f"resnet18/{version}"}}
        store.write(make_noise(method, 0, 1000, cell={"protocol": "paper-v1"}))
        store.write(make_victim(method, "resnet18", 4.0, 0, accuracy, cell=cell))
    group, table = main_table(tmp_path)
    (leader,) = leaders(group, table)
    assert certainty_text(leader) == "only one within the bound measured since a correction, one run"
    (line,) = answer_lines(group, table)
    assert "adversarial training, radius 4 (1 method measured since a correction, one run), so none is known" in line


def test_the_answer_begins_with_adversarial_training(suite_of_trainers: Path) -> None:
    assert answer_lines(*main_table(suite_of_trainers)) == [
        (
            "Against adversarial training, radius 4 (perturbations of up to 4/255), rem-fu22 leaves the lowest test "
            f"accuracy so far of the methods within {BOUND}: 50.10% (80.10% without noise). Protecting all images "
            "costs 1.00k image-passes (1.01 s on Synthetic GPU). Undecided against 1 of 2 other methods, 3 seeds in "
            "common."
        ),
        (
            f"No method within {BOUND} measured so far lowers accuracy by even 5 points against adversarial training, "
            "radius 8 (1 method, 3 runs), so none is known to protect against every trainer."
        ),
    ]


def test_none_helps_only_where_no_method_does_on_its_own_seeds(
    tmp_path: Path, make_noise: Any, make_victim: Any
) -> None:
    """The method with the lowest mean has an easier seed; another lowers accuracy more on its seed of clean."""
    cell = {"protocol": "paper-v1"}
    accuracies = {"clean": {0: 80.0, 1: 50.0}, "em-fu22": {1: 48.0}, "rem-fu22": {0: 60.0}}
    store = Store(tmp_path)
    for method, seeds in accuracies.items():
        for seed, accuracy in seeds.items():
            store.write(make_noise(method, seed, 1000, cell=cell))
            for rho_a in (0.0, 4.0, 8.0):
                left = accuracy if rho_a == 4 else accuracies["clean"][seed]
                store.write(make_victim(method, "resnet18", rho_a, seed, left, cell=cell))
    group, table = main_table(tmp_path)
    assert [leader.helps for leader in leaders(group, table)] == [False, True, False]
    *_, none = answer_lines(group, table)
    assert "against standard training (2 methods, one run each) or adversarial training, radius 8 (2 methods" in none


def test_an_answer_says_for_how_many_images_where_only_one_method_was_measured_and_over_how_many_runs(
    tmp_path: Path, make_noise: Any, make_victim: Any
) -> None:
    store, cell = Store(tmp_path), {"protocol": "lite-v1", "dataset": "cifar10"}
    for seed, method in ((0, "clean"), (0, "em-fu22"), (0, "sem-liu24"), (1, "sem-liu24")):
        store.write(make_noise(method, seed, 2_000_000, cell=cell))
        store.write(make_victim(method, "resnet18-w8", 4.0, seed, {"clean": 70.0}.get(method, 30.0), cell=cell))
    store.write(make_victim("em-fu22", "resnet18-w8", 8.0, 0, 30.0, cell=cell))
    four, eight = answer_lines(*main_table(tmp_path))
    assert "Protecting all 50,000 images costs 2.00M image-passes" in four
    assert four.endswith(" Undecided against the other method, one seed in common.")
    assert f"em-fu22, the only method within {BOUND} measured, leaves a test accuracy of 30.00% (no comparable" in eight
    assert eight.endswith(" Not certain, one run.")


@pytest.mark.parametrize(
    ("device", "words"),
    [
        ("Intel(R) Xeon(R) Processor", "Intel Xeon"),
        ("Intel(R) Xeon(R) Processor (family 6, model 143, stepping 8), 2 threads", "Intel Xeon model 143, 2 threads"),
        ("Intel(R) Core(TM) i7 CPU @ 2.00GHz", "Intel Core i7 @ 2.00GHz"),
        ("NVIDIA H200", "NVIDIA H200"),
        ("CPUs of ours", "CPUs of ours"),
    ],
)
def test_a_sentence_names_hardware_without_trademarks(device: str, words: str) -> None:
    made = Generation(method="em-fu22", seconds={"AMD EPYC": 19.7, device: 40.52}, memory={}, passes=1.0)
    assert device_words(device) == words
    assert times_text(made) == f"19.7 s on AMD EPYC to 40.5 s on {words}"


def test_a_sentence_names_the_fastest_and_the_slowest_of_several_devices() -> None:
    seconds = {"AMD EPYC": 405.0, "Intel Xeon": 88.1, "NVIDIA H200": 19.7}
    made = Generation(method="em-fu22", seconds=seconds, memory={}, passes=1.0)
    assert times_text(made) == "19.7 s on NVIDIA H200 to 405 s on AMD EPYC"
    assert seconds_range_text(made) == "19.7\N{EN DASH}405"
    assert seconds_range_text(replace(made, seconds={"AMD EPYC": 405.0}, exhausted=3)) == "405 \N{DOUBLE DAGGER}"
    assert seconds_range_text(replace(made, seconds={})) == "\N{EN DASH}"


def test_a_method_that_trains_without_image_passes_is_named_with_what_it_does() -> None:
    def made(method: str, passes: float) -> Generation:
        return Generation(method=method, seconds={"AMD EPYC": 88.3}, memory={}, passes=passes)

    found = [made("clean", 0.0), made("lsp-yu22", 0.0), made("pil-liu26", 0.0), made("theirs", 0.0), made("em-fu22", 5)]
    assert without_passes(found) == (
        "Training that is not counted in image-passes: pil-liu26 (perturbation-induced linearisation: sign steps on "
        "two linear layers)."
    )
    assert on_passes(found)[0].endswith(without_passes(found))
    assert without_passes(found[:2]) == ""


def test_what_was_not_measured_on_clean_images_may_lead_and_that_is_said(
    tmp_path: Path, make_noise: Callable[..., NoiseRecord], make_victim: Callable[..., VictimRecord]
) -> None:
    group, table = measured(tmp_path, make_noise, make_victim, {"clean": (90.0,), "em-fu22": (10.0, 60.0)}, {})
    (line,) = answer_lines(group, table)
    assert "em-fu22 leaves the lowest test accuracy so far of the methods within rho_u: 60.00% (no comparable" in line


def test_protect_defaults_to_what_the_committed_tables_recommend(pytestconfig: pytest.Config) -> None:
    """The lowest of the methods bounded by `rho_u` that lack no trainer, and below clean images."""
    tables = build_tables(groups(load_records(pytestconfig.rootpath / "results")))
    dataset = load_suite(RANKING).casts[PROTOCOL].dataset
    (table,) = (
        one for one in tables if (one.group.dataset, one.group.protocol) == (dataset, PROTOCOL) and not one.title
    )
    rows = by_headline(table.rows)
    best = next(row for row in rows if row.name not in REFERENCES and not track(row) and not lacks(row))
    assert best.name == METHOD
    assert best.standing is not None
    assert best.standing.clean is not None
    assert (best.standing.strongest.mean or 100) < (best.standing.clean.mean or 0)
    assert METHODS[METHOD].bounded
