from math import sqrt

import pandas as pd
import pytest

from bench.report.statistics import interval, paired_difference, rank_groups

T_2, T_1 = 4.302652729911275, 12.706204736432095  # 97.5% of Student's t, from printed tables: 4.303 and 12.706


def test_an_interval_is_that_of_student() -> None:
    found = interval([1.0, 2.0, 6.0])
    assert (found.n, found.mean) == (3, 3.0)
    reach = T_2 * sqrt(7 / 3)  # the variance is (4 + 1 + 9) / 2 = 7
    assert found.low == pytest.approx(3 - reach)
    assert found.high == pytest.approx(3 + reach)


def test_one_value_has_no_interval_and_equal_ones_have_no_width() -> None:
    one, none, equal = interval([5.0]), interval([]), interval([5.0, 5.0, 5.0])
    assert (one.n, one.mean, one.low, one.high) == (1, 5.0, None, None)
    assert (none.n, none.mean, none.low) == (0, None, None)
    assert (equal.low, equal.mean, equal.high) == (5.0, 5.0, 5.0)
    assert one.covers_zero
    assert not equal.covers_zero
    assert interval([0.0, 0.0]).covers_zero


def accuracies(values: dict[tuple[str, int], float]) -> "pd.Series[float]":
    return pd.Series(values).rename_axis(["victim", "seed"])


def test_differences_are_paired_and_every_seed_counts_once() -> None:
    first = accuracies({("a", 0): 10.0, ("b", 0): 20.0, ("a", 1): 30.0, ("b", 1): 40.0, ("a", 2): 99.0})
    second = accuracies({("a", 0): 9.0, ("b", 0): 17.0, ("a", 1): 26.0, ("b", 1): 36.0})
    found = paired_difference(first, second)  # 2 at seed 0, 4 at seed 1; seed 2 is missing on one side
    assert (found.n, found.mean) == (2, 3.0)
    assert found.low == pytest.approx(3 - T_1)
    assert found.covers_zero


def test_nothing_in_common_cannot_be_told_apart() -> None:
    found = paired_difference(accuracies({("a", 0): 1.0}), accuracies({("a", 1): 2.0}))
    assert found.n == 0
    assert found.covers_zero


@pytest.mark.parametrize(
    ("tied", "groups"),
    [
        ("", []),
        ("ab", ["ab"]),
        ("ab bc", ["ab", "bc"]),
        ("ab bc ac", ["abc"]),
        ("ab bc ac cd bd", ["abc", "bcd"]),
        ("ac", []),  # they are no neighbours
    ],
)
def test_groups_are_the_largest_runs_of_ties(tied: str, groups: list[str]) -> None:
    pairs = tied.split()
    found = rank_groups("abcd", lambda one, other: one + other in pairs)
    assert ["".join(group) for group in found] == groups
