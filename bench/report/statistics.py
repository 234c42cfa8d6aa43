"""Statistics over seeds: means with 95% intervals, paired differences, and which methods cannot be distinguished."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from math import sqrt
from statistics import fmean, stdev

import pandas as pd

LEVEL = 0.95


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A mean with the limits of its interval.

    Attributes:
        n: how many values there are.
        mean: exactly rounded whatever the machine; None of nothing.
        sd: the sample's standard deviation; None where there is one value, or none.
        low, high: the 95% interval of Student's t; None where one value, or none, says nothing of the spread.
    """

    n: int
    mean: float | None
    sd: float | None
    low: float | None
    high: float | None

    @property
    def covers_zero(self) -> bool:
        """Tell whether the values leave open on which side of zero their mean lies."""
        return self.low is None or self.high is None or self.low <= 0 <= self.high


def interval(values: Sequence[float]) -> Interval:
    """Return the mean of values, one per seed, with its 95% interval; equal values have one without width."""
    count = len(values)
    if count < 2:
        return Interval(n=count, mean=values[0] if count else None, sd=None, low=None, high=None)
    mean, sd = fmean(values), stdev(values)
    reach = _quantile(count - 1) * sd / sqrt(count)
    return Interval(n=count, mean=mean, sd=sd, low=mean - reach, high=mean + reach)


@cache
def _quantile(freedom: int) -> float:
    """Return how many standard errors the interval reaches to either side."""
    from scipy.special import stdtrit  # scipy.stats has it too, but takes a second to import

    return float(stdtrit(freedom, (1 + LEVEL) / 2))


def paired_difference(first: pd.Series, second: pd.Series) -> Interval:
    """Return the mean of `first - second` over what both have, with an interval over seeds.

    What the two have at one seed shares its noise and its victims' first weights, so it counts once: the interval
    is that of the seeds' means.

    Args:
        first, second: accuracies by an index with a level `seed`, such as (victim, rho_a, seed).
    """
    differences = (first - second).dropna()
    return interval([fmean(part) for _, part in differences.groupby(level="seed")])


def rank_groups(names: Sequence[str], tied: Callable[[str, str], bool]) -> list[tuple[str, ...]]:
    """Return the largest runs of neighbours in which every two are tied; a run of one is none.

    Args:
        names: in the order of their ranks.
        tied: tells whether two of them cannot be distinguished.
    """
    runs: list[tuple[str, ...]] = []
    reached = 0
    for start, name in enumerate(names):
        end = start + 1
        while end < len(names) and all(tied(other, names[end]) for other in names[start:end]):
            end += 1
        if end > max(reached, start + 1):
            runs.append((name, *names[start + 1 : end]))
            reached = end
    return runs
