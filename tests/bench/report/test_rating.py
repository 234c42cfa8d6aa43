import csv
import io
from collections.abc import Mapping
from math import log10

import pytest

from bench.report.rating import ratings

Tasks = Mapping[str, Mapping[str, float]]
FIELDS = ("dataset", "dataset_digest", "protocol", "precision", "victim", "training", "rho_a", "countermeasure")


def lines(tasks: Tasks, **changes: str) -> list[dict[str, str]]:
    """Return lines of the CSV for means by victim and method."""
    usual = dict.fromkeys(FIELDS, "x") | {"share": "100", "part": "all", "older": "0"}
    return [
        usual | {"victim": victim, "method": method, "mean": f"{mean:.4f}"} | changes
        for victim, means in tasks.items()
        for method, mean in means.items()
    ]


def test_wins_are_counted_with_ties_and_gaps() -> None:
    tasks = {"a": {"x": 1, "y": 2}, "b": {"x": 3, "y": 3}, "c": {"x": 5, "y": 4, "z": 1}, "d": {"x": 0}}
    found = {one.method: one for one in ratings(lines(tasks))}
    assert dict(found["x"].wins) == {"y": (0.5, 3), "z": (0.0, 1)}
    assert dict(found["z"].wins) == {"x": (1.0, 1), "y": (1.0, 1)}
    assert [(one.tasks, one.of_tasks) for one in (found["x"], found["z"])] == [(4, 4), (1, 4)]


def test_two_methods_differ_by_the_odds_of_their_wins() -> None:
    """Each also ties once with a player of average strength, which draws the two together a little."""
    tasks = {str(n): {"clean": 50.0, "x": 40.0 if n < 90 else 60.0} for n in range(100)}
    x, clean = ratings(lines(tasks))
    assert (clean.rating, clean.low) == (1000, None)
    assert x.rating == pytest.approx(1000 + 400 * log10(90 / 10), abs=8)
    assert x.low is not None
    assert x.high is not None
    assert 1250 < x.low < x.rating < x.high < 1600


def test_whoever_always_wins_has_a_rating() -> None:
    first, second = ratings(lines({"a": {"x": 1, "clean": 2}, "b": {"x": 1, "clean": 2}}))
    assert (first.method, second.method) == ("x", "clean")
    assert 1000 < first.rating < 2000


def test_tasks_are_apart_by_all_but_the_method_and_partial_protection_is_none() -> None:
    tasks = {"a": {"x": 1, "y": 2}}
    several = [*lines(tasks), *lines(tasks, rho_a="4"), *lines(tasks, protocol="p"), *lines(tasks, dataset_digest="d")]
    several += [*lines(tasks, share="50"), *lines(tasks, part="unprotected"), *lines(tasks, mean="")]
    assert {(one.tasks, one.of_tasks) for one in ratings(several)} == {(4, 4)}


def test_methods_with_few_tasks_come_last_and_have_no_interval() -> None:
    tasks = {str(number): {"clean": 50.0, "x": 40.0} for number in range(5)}
    tasks["0"] |= {"z": 1.0}
    assert [(one.method, one.low is None) for one in ratings(lines(tasks))] == [
        ("x", False),
        ("clean", True),
        ("z", True),
    ]


def test_lines_of_older_versions_count_only_where_there_are_no_others() -> None:
    new, old = {"a": {"x": 2, "clean": 3}}, {"a": {"y": 1}, "b": {"x": 2, "y": 1}}
    found = {one.method: one for one in ratings([*lines(new), *lines(old, older="2")])}
    assert dict(found["y"].wins) == {"x": (1.0, 1)}
    assert found["clean"].of_tasks == 2


def test_without_a_comparison_there_is_no_rating() -> None:
    assert ratings([]) == []
    assert ratings(lines({"a": {"x": 1}, "b": {"y": 1}})) == []


def test_the_order_of_lines_does_not_matter() -> None:
    tasks = {"a": {"x": 1, "y": 2, "z": 3}, "b": {"x": 3, "y": 2}, "c": {"z": 1, "y": 2}}
    text = io.StringIO()
    writer = csv.DictWriter(text, lines(tasks)[0])
    writer.writeheader()
    writer.writerows(lines(tasks))
    read = list(csv.DictReader(io.StringIO(text.getvalue())))
    assert ratings(read) == ratings(read[::-1])
