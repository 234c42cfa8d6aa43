from collections.abc import Callable
from math import log10
from pathlib import Path
from typing import Any

import pytest

from bench.records.frame import load_records
from bench.records.schema import VictimRecord
from bench.records.store import Store
from bench.report.rating import TaskMeans, ratings, tasks_of
from bench.report.summary import groups


def test_wins_are_counted_with_ties_and_gaps() -> None:
    tasks: list[TaskMeans] = [{"x": 1, "y": 2}, {"x": 3, "y": 3}, {"x": 5, "y": 4, "z": 1}, {"x": 0}]
    found = {one.method: one for one in ratings(tasks)}
    assert dict(found["x"].wins) == {"y": (0.5, 3), "z": (0.0, 1)}
    assert dict(found["z"].wins) == {"x": (1.0, 1), "y": (1.0, 1)}
    assert [(one.tasks, one.of_tasks) for one in (found["x"], found["z"])] == [(4, 4), (1, 4)]


def test_two_methods_differ_by_the_odds_of_their_wins() -> None:
    """Each also ties once with a player of average strength, which draws the two together a little."""
    x, clean = ratings([{"clean": 50.0, "x": 40.0 if n < 90 else 60.0} for n in range(100)])
    assert (clean.rating, clean.low) == (1000, None)
    assert x.rating == pytest.approx(1000 + 400 * log10(90 / 10), abs=8)
    assert x.low is not None
    assert x.high is not None
    assert 1250 < x.low < x.rating < x.high < 1600


def test_whoever_always_wins_has_a_rating() -> None:
    first, second = ratings([{"x": 1, "clean": 2}] * 2)
    assert (first.method, second.method) == ("x", "clean")
    assert 1000 < first.rating < 2000


def test_tasks_are_apart_by_all_but_the_method_and_partial_protection_is_none(
    tmp_path: Path, make_victim: Callable[..., VictimRecord]
) -> None:
    several: list[dict[str, Any]] = [
        {},
        {"cell": {"protocol": "p"}},
        {"cell": {"inputs": {"dataset": "e" * 64}}, "digests": {"dataset": "e" * 64}},
        {"axes": {"countermeasure": "cutout"}},
        {"axes": {"share": 50}},
        {"axes": {"share": 50, "part": "unprotected"}},
        {"axes": {"countermeasure": "mixup"}, "status": "failed"},
    ]
    for changes in several:
        for method, accuracy in (("em-fu22", 10.0), ("sem-liu24", 20.00004)):
            Store(tmp_path).write(make_victim(method, "resnet18", 0.0, 0, accuracy, **changes))
    assert tasks_of(groups(load_records(tmp_path))) == [{"em-fu22": 10.0, "sem-liu24": 20.0}] * 4


def test_methods_with_few_tasks_come_last_and_have_no_interval() -> None:
    tasks = [{"clean": 50.0, "x": 40.0}] * 4 + [{"clean": 50.0, "x": 40.0, "z": 1.0}]
    assert [(one.method, one.low is None) for one in ratings(tasks)] == [
        ("x", False),
        ("clean", True),
        ("z", True),
    ]


def test_scores_of_an_older_trainer_count_only_where_there_are_no_others_and_those_of_an_older_method_count(
    tmp_path: Path, make_victim: Callable[..., VictimRecord]
) -> None:
    store = Store(tmp_path)
    for method, victim, inputs in (
        ("clean", "resnet18", {"network": "resnet18/2"}),
        ("em-fu22", "resnet18", {"network": "resnet18/2", "method": "em-fu22/1"}),
        ("em-fu22", "vgg16", {"method": "em-fu22/9"}),
        ("rem-fu22", "resnet18", {}),
        ("rem-fu22", "vgg16", {}),
    ):
        store.write(make_victim(method, victim, 0.0, 0, 10.0, cell={"inputs": inputs}))
    rows = load_records(tmp_path)
    assert sorted(rows.loc[rows["older"], "method"]) == ["em-fu22", "rem-fu22"]
    assert list(map(set, tasks_of(groups(rows)))) == [{"clean", "em-fu22"}, {"em-fu22", "rem-fu22"}]


def test_without_a_comparison_there_is_no_rating() -> None:
    assert ratings([]) == []
    assert ratings([{"x": 1}, {"y": 1}]) == []


def test_the_order_of_tasks_does_not_matter() -> None:
    tasks: list[TaskMeans] = [{"x": 1, "y": 2, "z": 3}, {"x": 3, "y": 2}, {"z": 1, "y": 2}]
    assert ratings(tasks) == ratings(tasks[::-1])
