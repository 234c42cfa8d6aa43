from itertools import combinations
from math import inf, sqrt
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bench.config.axes import FIELDS, place
from bench.records.metrics import RANKED
from bench.records.older import VERSIONS
from bench.report.pool import Pool, pool_of, prior
from bench.report.statistics import quantile


def frame(accuracies: dict[tuple[str, str, int], float]) -> pd.DataFrame:
    """Return the rows that a pool reads, from accuracies by method, victim and seed."""
    rows: list[dict[str, Any]] = []
    for (method, victim, seed), accuracy in accuracies.items():
        cell = dict(zip(FIELDS, place(method=method, victim=victim, rho_a=0.0), strict=True))
        rows.append({**cell, **dict.fromkeys(VERSIONS, "1"), "seed": seed, "status": "ok", RANKED: accuracy})
    return pd.DataFrame(rows)


def drawn(random: np.random.Generator, scales: dict[str, float], seeds: int, victims: int = 4) -> pd.DataFrame:
    """Draw accuracies of methods with individual spreads; the victims of a seed share half of the variance."""
    found = {}
    for method, scale in scales.items():
        shared = random.normal(0, scale, seeds)
        for victim in range(victims):
            own = (shared + random.normal(0, scale, seeds)) / sqrt(2)
            found |= {(method, str(victim), seed): 50 + own[seed] for seed in range(seeds)}
    return frame(found)


def test_the_prior_is_found_again() -> None:
    random = np.random.default_rng(0)
    scale, freedom, own = 9.0, 6.0, 2
    truths = scale * freedom / random.chisquare(freedom, 20_000)
    found = prior((truths * random.chisquare(own, 20_000) / own).tolist(), [own] * 20_000)
    assert found == pytest.approx((scale, freedom), rel=0.1)


def test_variances_that_differ_by_chance_alone_are_pooled_whole() -> None:
    scale, freedom = prior([4.0, 4.1, 3.9, 4.0], [2, 2, 2, 2])
    assert freedom == inf
    assert 4 < scale < 9  # a variance with two degrees of freedom is mostly below the one it is drawn from


def test_a_spread_is_drawn_towards_that_of_the_others() -> None:
    pool = Pool(variance=4.0, freedom=6.0, most=20.0)
    low, high = pool.difference([1.0, 1.01, 1.02]), pool.difference([-9.0, 1.0, 11.0])
    assert low.sd == pytest.approx(sqrt((6 * 4 + 2 * 0.0001) / 8))
    assert high.sd == pytest.approx(sqrt((6 * 4 + 2 * 100) / 8))
    assert low.high == pytest.approx(1.01 + quantile(8) * (low.sd or 0) / sqrt(3))


def test_no_interval_has_more_degrees_of_freedom_than_the_records() -> None:
    free, held = (Pool(variance=4.0, freedom=inf, most=most).difference([0.0, 1.0, 2.0]) for most in (inf, 5.0))
    assert free.high == pytest.approx(1 + 1.959963984540054 * 2 / sqrt(3))
    assert held.high == pytest.approx(1 + quantile(5) * 2 / sqrt(3))


def test_without_a_pool_it_is_students_interval() -> None:
    found = Pool().difference([1.0, 2.0, 6.0])
    assert found.high == pytest.approx(3 + quantile(2) * sqrt(7 / 3))


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_seeds_decide_nothing_however_alike(count: int) -> None:
    found = Pool(variance=1.0, freedom=inf, most=99.0).difference([-50.0] * count)
    assert (found.n, found.is_decided) == (count, False)


def test_three_seeds_decide_what_alone_they_could_not() -> None:
    random = np.random.default_rng(1)
    pool = pool_of(drawn(random, dict.fromkeys("abcdef", 2.0), seeds=3))
    values = [-9.0, -3.0, -6.0]
    assert pool.difference(values).is_decided
    assert not Pool().difference(values).is_decided


def test_accidentally_equal_seeds_do_not_decide_a_small_difference() -> None:
    pool = pool_of(drawn(np.random.default_rng(1), dict.fromkeys("abcdef", 5.0), seeds=3))
    assert not pool.difference([1.0, 1.01, 1.02]).is_decided


def test_no_interval_reaches_beyond_what_two_accuracies_can_differ_by() -> None:
    found = Pool().difference([-90.0, 0.0, 20.0])
    assert found.low == -100
    assert found.high is not None
    assert found.high <= 100


def test_few_records_are_not_pooled() -> None:
    assert pool_of(drawn(np.random.default_rng(0), {"a": 1.0, "b": 1.0}, seeds=3)) == Pool()
    assert pool_of(frame({("a", "x", 0): 1.0})) == Pool()


def test_missing_cells_leave_the_others_as_they_are() -> None:
    rows = drawn(np.random.default_rng(2), dict.fromkeys("abcde", 2.0), seeds=4)
    alone = frame({("f", "0", 0): 99.0})
    assert pool_of(pd.concat([rows, alone])).variance == pool_of(rows).variance


@pytest.mark.parametrize("scales", [dict.fromkeys("abcdef", 3.0), {"a": 1, "b": 1, "c": 2, "d": 4, "e": 8, "f": 15}])
def test_five_in_a_hundred_equal_methods_are_told_apart(scales: dict[str, float]) -> None:
    """With equal or very different spreads and three seeds each, this is about as frequent as the level says."""
    random = np.random.default_rng(3)
    wrong = total = 0
    for _ in range(60):
        rows = drawn(random, scales, seeds=3)
        pool = pool_of(rows)
        at = {
            (method, victim): part.sort_values("seed")[RANKED]
            for (method, victim), part in rows.groupby(["method", "victim"])
        }
        for one, other in combinations(scales, 2):
            for victim in "0123":
                total += 1
                over = pool.difference([a - b for a, b in zip(at[one, victim], at[other, victim], strict=True)])
                wrong += over.is_decided
    assert wrong / total < 0.06


def test_differences_between_versions_of_a_network_do_not_count() -> None:
    rows = drawn(np.random.default_rng(2), dict.fromkeys("abcde", 2.0), seeds=8)
    newer = rows.assign(seed=rows["seed"] + 8, victim_version="2")
    newer[RANKED] += 20.0 * newer["method"].isin(["a", "b"])
    pools = [pool_of(pd.concat([rows, newer.assign(victim_version=version)])) for version in ("1", "2")]
    assert pools[0].freedom < 1
    assert pools[1].freedom == inf


def test_two_methods_at_one_trainer_have_no_pool() -> None:
    """There are degrees of freedom enough, but a single variance."""
    accuracies = {("a", "0", seed): 50.0 + seed % 3 for seed in range(11)}
    rows = frame(accuracies | {("b", "0", seed): 20.0 + seed % 2 for seed in range(11)})
    assert pool_of(rows) == Pool()
