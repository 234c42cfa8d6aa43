"""Statistics over seeds: intervals of a mean and of a new seed, and runs of methods that cannot be distinguished."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from math import sqrt
from statistics import fmean, stdev

LEVEL = 0.95
FEWEST = 5
"""Seeds from which on a mean of accuracies has an interval."""
DIGITS = 2  # of an accuracy in percent: the last is one image of a test set of 10,000
_NOISE = 9  # digits beyond which binary fractions are not what was meant
_WHOLE = 10**15  # from here on a float has no decimals


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A mean, or a difference of two, with the limits of its 95% interval.

    Attributes:
        n: how many values there are.
        mean: exactly rounded whatever the machine; None of nothing.
        sd: the standard deviation that the interval is made with; None where there is none.
        low, high: the limits; None where too few values say nothing of them.
    """

    n: int
    mean: float | None = None
    sd: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def is_decided(self) -> bool:
        """Whether the interval shows on which side of zero the mean lies."""
        return self.low is not None and self.high is not None and not self.low <= 0 <= self.high


@dataclass(frozen=True, kw_only=True)
class SeedStatistics:
    """Accuracies in percent, one per seed.

    Attributes:
        n, mean, sd: their number, mean and sample standard deviation; None where there are too few.
        low, high: the 95% interval of the mean (Student's t); None below `FEWEST` seeds, and where it would leave
            0 to 100: the values are then no sample of a normal distribution.
        lowest, worst: the lowest and the highest of them; a higher accuracy means worse protection.
        next_low, next_high: the 95% prediction interval of one more seed, cut to 0 to 100; None below three seeds.
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
        """The interval of the mean, or in its place the lowest and the worst seed; nothing of one seed."""
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
        sd=over.sd,
        low=low,
        high=high,
        lowest=ends[0],
        worst=ends[1],
        next_low=next_low,
        next_high=next_high,
    )


def interval(values: Sequence[float]) -> Interval:
    """Return the mean of values, one per seed, with its 95% interval (Student's t), of width 0 if all are equal."""
    count = len(values)
    if count < 2:
        return Interval(n=count, mean=values[0] if count else None)
    mean, sd = fmean(values), stdev(values)
    reach = quantile(count - 1) * sd / sqrt(count)
    return Interval(n=count, mean=mean, sd=sd, low=mean - reach, high=mean + reach)


def prediction(values: Sequence[float], count: int = 1, error: float = 1 - LEVEL) -> tuple[float, float] | None:
    """Return the interval in which the mean of `count` further seeds lies, in percent; None below three values.

    It is the prediction interval of a normal sample, `mean ± t sd sqrt(1/n + 1/count)` with n - 1 degrees of freedom
    (Hahn and Meeker, "Statistical Intervals", 1991, chapter 4), cut to 0 to 100, where all accuracies lie.

    Args:
        values: accuracies in percent, one per seed.
        count: how many further seeds the mean is of.
        error: how often such a mean lies outside by chance.
    """
    if len(values) < 3:
        return None
    mean, sd = fmean(values), stdev(values)
    reach = quantile(len(values) - 1, 1 - error) * sd * sqrt(1 / len(values) + 1 / count)
    return max(0.0, mean - reach), min(100.0, mean + reach)


@cache
def quantile(freedom: float, level: float = LEVEL) -> float:
    """Return how many standard errors an interval of Student's t reaches to either side."""
    from scipy.special import ndtri, stdtrit  # scipy.stats has them too, but takes a second to import

    return float(ndtri((1 + level) / 2) if freedom == float("inf") else stdtrit(freedom, (1 + level) / 2))


def rounded(value: float, digits: int = DIGITS) -> Decimal:
    """Return a number as it is shown anywhere: rounded once, halves away from zero, and never minus zero.

    31.45 is 31.5 with one digit although the nearest binary fraction lies below it.
    """
    exact = Decimal(repr(round(float(value), _NOISE)))
    if abs(exact) >= _WHOLE:
        return exact
    return exact.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP) + 0


def decimals(value: float, digits: int = DIGITS) -> str:
    """Write a number as it is shown anywhere."""
    return f"{rounded(value, digits):f}"


def coverage(samples: Iterable[Sequence[float]]) -> tuple[int, int]:
    """Return how many values lie in the prediction interval of the others of their sample, and how many there are.

    Only samples of at least four values count: the others must be three.
    """
    inside = total = 0
    for values in samples:
        for place, value in enumerate(values):
            if bounds := prediction([*values[:place], *values[place + 1 :]]):
                total += 1
                inside += bounds[0] <= value <= bounds[1]
    return inside, total


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
