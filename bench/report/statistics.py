"""Statistics over seeds: intervals of a mean and of a new seed, and runs of methods that cannot be distinguished."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from math import isnan, sqrt
from statistics import fmean, stdev
from typing import Any

LEVEL = 0.95
FEWEST = 5
"""Seeds needed for a mean of accuracies to have an interval."""
RESOLUTION = 0.01  # points: one image of a 10,000-image test set; smaller spreads are not resolved
DIGITS = 2  # of an accuracy in percent; the last is one image of a 10,000-image test set
_NOISE = 9  # digits; beyond them a float holds only binary rounding error
_WHOLE = 10**15  # floats from here on have no meaningful decimals


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A mean, or a difference of two means, with the limits of its 95% interval.

    Attributes:
        n: the number of values.
        mean: correctly rounded on every machine; None without values.
        sd: the standard deviation used for the interval; None where there is none.
        low, high: the limits; None if there are too few values.
    """

    n: int
    mean: float | None = None
    sd: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def is_decided(self) -> bool:
        """Whether there is an interval and it excludes zero."""
        return self.low is not None and self.high is not None and not self.low <= 0 <= self.high


@dataclass(frozen=True, kw_only=True)
class SeedStatistics:
    """Accuracies in percent, one per seed.

    Attributes:
        n, mean, sd: their number, mean and sample standard deviation; None where there are too few.
        low, high: the 95% interval of the mean (Student's t); None below `FEWEST` seeds, or if it would leave
            0 to 100: the values are then no sample of a normal distribution.
        lowest, worst: the lowest and the highest accuracy; a higher one means worse protection.
        next_low, next_high: the 95% prediction interval of one more seed, clipped to 0 to 100; None below three seeds.
    """

    n: int
    mean: float | None = None
    sd: float | None = None
    low: float | None = None
    high: float | None = None
    lowest: float | None = None
    worst: float | None = None
    next_low: float | None = None
    next_high: float | None = None

    @property
    def reaches(self) -> tuple[float | None, float | None]:
        """The interval of the mean, or failing that the lowest and the worst seed; (None, None) below two seeds."""
        if self.low is not None:
            return self.low, self.high
        return (self.lowest, self.worst) if self.n > 1 else (None, None)


def seed_statistics(values: Sequence[float]) -> SeedStatistics:
    """Return the statistics of accuracies in percent, one per seed."""
    if not values:
        return SeedStatistics(n=0)
    count, mean, ends = len(values), fmean(values), (min(values), max(values))
    if count < 2:
        return SeedStatistics(n=count, mean=mean, lowest=ends[0], worst=ends[1])
    over = interval(values)
    low, high = over.low, over.high
    if count < FEWEST or low is None or high is None or low < 0 or high > 100:
        low = high = None
    next_low, next_high = prediction(values) or (None, None)
    return SeedStatistics(
        n=count,
        mean=mean,
        sd=stdev(values),
        low=low,
        high=high,
        lowest=ends[0],
        worst=ends[1],
        next_low=next_low,
        next_high=next_high,
    )


def interval(values: Sequence[float]) -> Interval:
    """Return the mean of values, one per seed, with its 95% interval (Student's t).

    A standard deviation below `RESOLUTION` (1% if the values are logarithms) counts as that much, or else seeds that
    agree by accident would exclude everything.
    """
    count = len(values)
    if count < 2:
        return Interval(n=count, mean=values[0] if count else None)
    mean, sd = fmean(values), max(stdev(values), RESOLUTION)
    reach = quantile(count - 1) * sd / sqrt(count)
    return Interval(n=count, mean=mean, sd=sd, low=mean - reach, high=mean + reach)


def prediction(values: Sequence[float], count: int = 1, error: float = 1 - LEVEL) -> tuple[float, float] | None:
    """Return the prediction interval of the mean of `count` further seeds, in percent; None below three values.

    It is that of a normal sample, `mean ± t sd sqrt(1/n + 1/count)` with n - 1 degrees of freedom
    (Hahn and Meeker, "Statistical Intervals", 1991, chapter 4), with an sd of at least `RESOLUTION`, clipped to 0 to
    100, the range of all accuracies.

    Args:
        values: accuracies in percent, one per seed.
        count: how many further seeds the mean is taken over.
        error: the probability that such a mean lies outside by chance.
    """
    if len(values) < 3:
        return None
    mean, sd = fmean(values), max(stdev(values), RESOLUTION)
    reach = quantile(len(values) - 1, 1 - error) * sd * sqrt(1 / len(values) + 1 / count)
    return max(0.0, mean - reach), min(100.0, mean + reach)


@cache
def quantile(freedom: float, level: float = LEVEL) -> float:
    """Return the half-width of an interval of Student's t, in standard errors."""
    from scipy.special import ndtri, stdtrit  # scipy.stats has them too, but takes a second to import

    return float(ndtri((1 + level) / 2) if freedom == float("inf") else stdtrit(freedom, (1 + level) / 2))


def rounded(value: float, digits: int = DIGITS) -> Decimal:
    """Return a number as shown everywhere: rounded once, halves away from zero, and never minus zero.

    31.45 becomes 31.5 with one digit although the nearest binary fraction lies below it.
    """
    exact = Decimal(repr(round(float(value), _NOISE)))
    if abs(exact) >= _WHOLE:
        return exact
    return exact.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP) + 0


def decimals(value: float, digits: int = DIGITS) -> str:
    """Format a number as shown everywhere."""
    return f"{rounded(value, digits):f}"


def coverage(samples: Iterable[Sequence[float]]) -> tuple[int, int]:
    """Return how many values lie in the prediction interval of the others in their sample, and how many were tested.

    Only samples of at least four values count: an interval needs three.
    """
    inside = total = 0
    for values in samples:
        for place, value in enumerate(values):
            if bounds := prediction([*values[:place], *values[place + 1 :]]):
                total += 1
                inside += bounds[0] <= value <= bounds[1]
    return inside, total


def rank_groups(names: Sequence[str], tied: Callable[[str, str], bool]) -> list[tuple[str, ...]]:
    """Return the maximal runs of neighbours in which every two are tied; a run has at least two.

    Args:
        names: in rank order.
        tied: returns whether two names cannot be distinguished.
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


def known_values(rows: list[dict[Hashable, Any]], column: str) -> list[float]:
    """Return the numbers of a column, without missing ones."""
    return [float(row[column]) for row in rows if not isnan(row[column])]


def mean_of(values: list[float]) -> float | None:
    """Return the mean, correctly rounded on every machine; None without values."""
    return fmean(values) if values else None
