from math import sqrt

import pytest

from bench.report.statistics import coverage, decimals, interval, prediction, rank_groups, rounded, seed_statistics

T_2, T_4 = 4.302652729911275, 2.7764451051977987  # 97.5% of Student's t, from printed tables: 4.303 and 2.776


def test_an_interval_is_that_of_student() -> None:
    found = interval([1.0, 2.0, 6.0])
    assert (found.n, found.mean) == (3, 3.0)
    reach = T_2 * sqrt(7 / 3)  # the variance is (4 + 1 + 9) / 2 = 7
    assert found.low == pytest.approx(3 - reach)
    assert found.high == pytest.approx(3 + reach)


def test_one_value_has_no_interval_and_that_of_equal_ones_is_no_point() -> None:
    one, none, equal = interval([5.0]), interval([]), interval([5.0, 5.0, 5.0])
    assert (one.n, one.mean, one.low, one.high) == (1, 5.0, None, None)
    assert (none.n, none.mean, none.low) == (0, None, None)
    reach = T_2 * 0.01 / sqrt(3)
    assert (equal.low, equal.mean, equal.high) == pytest.approx((5 - reach, 5, 5 + reach))
    assert not one.is_decided
    assert equal.is_decided
    assert not interval([0.0, 0.0]).is_decided


@pytest.mark.parametrize("values", [[50.0], [10.0, 80.0], [10.0, 11.0, 80.0], [50.0, 51.0, 52.0, 53.0]])
def test_few_accuracies_have_a_range_and_no_interval(values: list[float]) -> None:
    found = seed_statistics(values)
    assert (found.low, found.high) == (None, None)
    assert (found.lowest, found.worst) == (values[0], values[-1])
    assert found.reaches == ((None, None) if len(values) == 1 else (values[0], values[-1]))


def test_five_accuracies_have_an_interval_unless_it_leaves_what_is_possible() -> None:
    inside = seed_statistics([50.0, 51.0, 52.0, 53.0, 54.0])
    assert inside.low == pytest.approx(52 - T_4 * sqrt(2.5 / 5))
    assert inside.reaches == (inside.low, inside.high)
    for values in ([1.0, 1.0, 1.0, 1.0, 90.0], [99.0, 99.0, 99.0, 99.0, 20.0]):
        outside = seed_statistics(values)
        assert (outside.low, outside.high) == (None, None)
        assert outside.reaches == (min(values), max(values))


def test_a_prediction_interval_is_wider_than_that_of_the_mean_and_stays_possible() -> None:
    bounds = prediction([50.0, 51.0, 52.0, 53.0, 54.0])
    reach = T_4 * sqrt(2.5) * sqrt(1 + 1 / 5)
    assert bounds == pytest.approx((52 - reach, 52 + reach))
    assert prediction([50.0, 51.0, 52.0, 53.0, 54.0], count=5) == pytest.approx(
        (52 - T_4 * sqrt(2.5 * 2 / 5), 52 + T_4 * sqrt(2.5 * 2 / 5))
    )
    assert prediction([2.0, 50.0, 98.0]) == (0.0, 100.0)
    assert prediction([50.0, 51.0]) is None
    reach = T_2 * 0.01 * sqrt(1 + 1 / 3)
    assert prediction([10.0, 10.0, 10.0]) == pytest.approx((10 - reach, 10 + reach))


def test_equal_accuracies_have_no_spread_but_an_interval() -> None:
    found = seed_statistics([10.0] * 5)
    assert (found.sd, found.low, found.high) == (
        0,
        pytest.approx(10 - T_4 * 0.01 / sqrt(5)),
        pytest.approx(10.0124, abs=1e-4),
    )


def test_a_smaller_error_makes_a_prediction_interval_wider() -> None:
    usual, strict = prediction([50.0, 51.0, 52.0]), prediction([50.0, 51.0, 52.0], error=0.01)
    assert usual
    assert strict
    assert strict[0] < usual[0] < usual[1] < strict[1]


def test_coverage_leaves_each_value_out_in_turn() -> None:
    # without the last, the others predict 51 +- 4.3 * 1 * sqrt(4/3) = 5.0; without another, the interval is wide
    assert coverage([[50.0, 51.0, 52.0, 90.0], [1.0, 2.0]]) == (3, 4)
    assert coverage([]) == (0, 0)


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (31.45, 1, "31.5"),  # its nearest binary fraction lies below
        (31.45, 2, "31.45"),
        (-0.04, 1, "0.0"),
        (-0.05, 1, "-0.1"),
        (0.125, 2, "0.13"),
        (2.675, 2, "2.68"),
        (67.0, 2, "67.00"),
        (1e300, 0, f"{10**300}"),
    ],
)
def test_numbers_are_rounded_once_with_halves_away_from_zero(value: float, digits: int, text: str) -> None:
    assert decimals(value, digits) == text
    assert float(rounded(value, digits)) == float(text)


@pytest.mark.parametrize(
    ("tied", "groups"),
    [
        ("", []),
        ("ab", ["ab"]),
        ("ab bc", ["ab", "bc"]),
        ("ab bc ac", ["abc"]),
        ("ab bc ac cd bd", ["abc", "bcd"]),
        ("ac", []),  # they are not neighbours
    ],
)
def test_groups_are_the_largest_runs_of_ties(tied: str, groups: list[str]) -> None:
    pairs = tied.split()
    found = rank_groups("abcd", lambda one, other: one + other in pairs)
    assert ["".join(group) for group in found] == groups
