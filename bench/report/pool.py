"""Comparison of two methods over few seeds: the spread of a difference, moderated by that of comparable ones."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import exp, inf, log, sqrt
from statistics import fmean, variance
from typing import Any

import numpy as np
import pandas as pd

from bench.config.axes import FIELDS
from bench.records.metrics import RANKED
from bench.records.older import VERSIONS
from bench.report.statistics import RESOLUTION, Interval, quantile

DECIDING = 3
"""Common seeds needed to decide a comparison; two may fall in the same mode of a bimodal method."""
FEWEST_DEGREES = 10
"""Degrees of freedom that records need for their spreads to be pooled; fewer say little about spreads."""
MOST = 100.0  # points; the largest possible difference between two accuracies
_CONTEXT = [*(field for field in FIELDS if field != "method"), *VERSIONS]


@dataclass(frozen=True, kw_only=True)
class Pool:
    """Prior knowledge of the spread of a difference between two methods, before its own seeds are considered.

    The differences of all pairs of methods at the same trainer, in one dataset, protocol and precision, are comparable:
    their variances are treated as draws from one scaled inverse chi-squared distribution. A difference's own variance
    is then shrunk towards that of the others, the more so the better these agree (empirical Bayes; G. K. Smyth, "Linear
    models and empirical Bayes methods for assessing differential expression in microarray experiments", Statistical
    Applications in Genetics and Molecular Biology 3(1), 2004, sections 3 and 6.2). Only half of the prior's degrees of
    freedom count: pairs share methods, so their variances look more alike than they are. In simulations of methods
    with similar and with very different spreads, with 3 and 5 seeds, 2 to 5% of equal pairs are decided.

    Attributes:
        variance: the scale of that distribution, in squared percentage points.
        freedom: its degrees of freedom, i.e. how many seeds it is worth; 0 if the records have too few, infinite if
            the variances differ no more than by chance.
        most: the degrees of freedom of all records, counting a method's trainers at one seed once, since they share
            its noise; moderation never gives an interval more.
    """

    variance: float = 0.0
    freedom: float = 0.0
    most: float = 0.0

    def difference(self, values: Sequence[float]) -> Interval:
        """Return the mean of per-seed differences with its 95% interval; below `DECIDING` seeds, without the interval.

        Args:
            values: in percentage points; the interval is clipped to -100 to 100, the range of all differences.
        """
        count = len(values)
        if not count:
            return Interval(n=0)
        mean = fmean(values)
        if count < DECIDING:
            return Interval(n=count, mean=mean)
        own = max(variance(values), RESOLUTION**2)
        if self.freedom == inf:
            moderated = self.variance
        else:
            moderated = (self.freedom * self.variance + (count - 1) * own) / (self.freedom + count - 1)
        reach = self.reach(count, sqrt(moderated))
        low, high = max(-MOST, mean - reach), min(MOST, mean + reach)
        return Interval(n=count, mean=mean, sd=sqrt(moderated), low=low, high=high)

    def reach(self, count: int, sd: float) -> float:
        """Return the half-width of the interval of `count` differences with the moderated standard deviation `sd`."""
        return quantile(max(count - 1, min(self.freedom + count - 1, self.most))) * sd / sqrt(count)


def pool_of(rows: pd.DataFrame) -> Pool:
    """Return the pool estimated from one group's rows of `load_records`."""
    done = rows[rows["status"] == "ok"].dropna(subset=[RANKED])
    noises = done[["method", "seed"]].drop_duplicates()
    most = len(noises) - noises["method"].nunique() - noises["seed"].nunique() + 1
    if most < FEWEST_DEGREES:
        return Pool()
    found = list(_variances(done))
    if len(found) < 2:
        return Pool()  # two methods at one trainer: no spread of variances to estimate a prior from
    scale, freedom = prior([own for own, _ in found], [count for _, count in found])
    return Pool(variance=scale, freedom=freedom / 2, most=float(most))


def _variances(done: pd.DataFrame) -> Iterator[tuple[float, int]]:
    """Yield the variance of the differences between each two methods at each trainer, with its degrees of freedom.

    Two versions of a trainer count as two trainers.
    """
    methods = {name: number for number, name in enumerate(sorted(set(done["method"])))}
    at: dict[tuple[Any, ...], dict[int, dict[int, float]]] = {}
    cells = zip(*(done[name] for name in (*_CONTEXT, "method", "seed", RANKED)), strict=True)
    for *trainer, method, seed, accuracy in cells:
        at.setdefault(tuple(trainer), {}).setdefault(seed, {})[methods[method]] = accuracy
    first, second = np.triu_indices(len(methods), 1)
    for _, by_seed in sorted(at.items(), key=lambda item: str(item[0])):
        table = np.full((len(by_seed), len(methods)), np.nan)
        for line, seed in enumerate(sorted(by_seed)):
            table[line, list(by_seed[seed])] = list(by_seed[seed].values())
        differences = table[:, first] - table[:, second]
        differences = differences[:, np.isfinite(differences).sum(axis=0) >= 2]
        counts = np.isfinite(differences).sum(axis=0)
        if not counts.size:
            continue
        squares = np.nansum((differences - np.nanmean(differences, axis=0)) ** 2, axis=0)
        yield from zip((squares / (counts - 1)).tolist(), (counts - 1).tolist(), strict=True)


def prior(variances: Sequence[float], freedoms: Sequence[int]) -> tuple[float, float]:
    """Estimate the prior's scale and degrees of freedom from variances and the degrees of freedom of each.

    It uses the moments of their logarithms, as in section 6.2 of Smyth's paper.
    """
    from scipy.special import digamma, polygamma

    half = np.asarray(freedoms) / 2
    logs = np.log(np.maximum(variances, RESOLUTION**2)) - digamma(half) + np.log(half)
    mean = float(np.mean(logs))
    beyond = float(np.var(logs, ddof=1) - np.mean(polygamma(1, half)))
    if beyond <= 0:
        return exp(mean), inf
    freedom = 2 * _inverse_trigamma(beyond)
    return exp(mean + float(digamma(freedom / 2)) - log(freedom / 2)), freedom


def _inverse_trigamma(value: float) -> float:
    """Return where the trigamma function equals a positive value, by Newton's method (Smyth's appendix)."""
    from scipy.special import polygamma

    if value > 1e7:
        return 1 / sqrt(value)
    place = 0.5 + 1 / value
    for _ in range(50):
        there = float(polygamma(1, place))
        step = there * (1 - there / value) / float(polygamma(2, place))
        place += step
        if -step / place < 1e-10:
            break
    return place
