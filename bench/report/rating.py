"""Methods across tables: how often each beats each other, and one rating, from the lines of the leaderboard's CSV.

A task is a dataset, a protocol, a precision and a trainer, all images being protected. At each task that two methods
have, the lower mean accuracy wins; means that are equal share the win. References play too: `clean` has a rating of
1000, and `random` shows what noise that was not optimised is worth.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from attacks.methods.clean import CLEAN
from bench.config.axes import ALL, AXIS, FIELDS
from bench.report.statistics import LEVEL

RESAMPLES = 200
ANCHOR = 1000.0  # the rating of the clean reference
SCALE = 400.0  # points that make a win ten times as likely as a loss, as in chess
_ROUNDS = 30  # of Newton's method, by which it has settled
_SEED = 0
Floats = npt.NDArray[np.float64]
_TASK = ("dataset", "dataset_digest", "protocol", "precision", *(field for field in FIELDS if field != "method"))


@dataclass(frozen=True, kw_only=True)
class Rated:
    """One method across tasks.

    Attributes:
        rating: in points; a difference of 400 is a win ten times as likely as a loss.
        low, high: its 95% interval, from tasks drawn with replacement; None of the anchor.
        tasks, of_tasks: how many tasks it was measured at, and how many there are.
        wins: by the other methods' names: the share of wins against it, a tie being half, and at how many tasks.
    """

    method: str
    rating: float
    low: float | None
    high: float | None
    tasks: int
    of_tasks: int
    wins: Mapping[str, tuple[float, int]]

    @property
    def points(self) -> dict[str, float | None]:
        """The rating and the limits of its interval, by name."""
        return {"rating": self.rating, "low": self.low, "high": self.high}


def ratings(lines: Iterable[Mapping[str, str]]) -> list[Rated]:
    """Return every method across tasks, the best first; nothing where no two methods share a task.

    Ratings are those of Bradley and Terry ("Rank analysis of incomplete block designs", Biometrika 39, 1952) on Elo's
    scale, with one more tie of each method with a player of average strength, without which one that always won would
    have no rating. Tasks are resampled whole, since their results depend on each other.

    Args:
        lines: of the CSV, with its names.
    """
    means = _means(lines)
    methods = sorted({method for task in means.values() for method in task})
    tasks = [task for task in means.values() if len(task) > 1]
    if not tasks:
        return []
    wins = np.stack([_wins(task, methods) for task in tasks])
    drawn = np.random.default_rng(_SEED).integers(len(tasks), size=(RESAMPLES, len(tasks)))
    weights = np.stack([np.bincount(draw, minlength=len(tasks)) for draw in drawn]).astype(np.float64)
    flat = wins.reshape(len(tasks), -1)
    resampled = _strengths((weights @ flat).reshape(RESAMPLES, len(methods), len(methods)), methods)
    (point,) = _strengths(wins.sum(axis=0, keepdims=True), methods)
    low, high = np.quantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    total = wins.sum(axis=0)
    found = []
    for place, method in enumerate(methods):
        is_anchor = method == CLEAN.name
        found.append(
            Rated(
                method=method,
                rating=float(point[place]),
                low=None if is_anchor else float(low[place]),
                high=None if is_anchor else float(high[place]),
                tasks=sum(method in task for task in means.values()),
                of_tasks=len(means),
                wins=_shares(place, methods, total),
            )
        )
    return sorted(found, key=lambda one: (-one.rating, one.method))


def _means(lines: Iterable[Mapping[str, str]]) -> dict[tuple[str, ...], dict[str, float]]:
    """Return the mean accuracies of every task by method, all images being protected."""
    found: dict[tuple[str, ...], dict[str, float]] = {}
    for line in lines:
        if line["mean"] and (line["share"], line["part"]) == (str(ALL), AXIS["part"].usual):
            found.setdefault(tuple(line[name] for name in _TASK), {})[line["method"]] = float(line["mean"])
    return found


def _wins(task: Mapping[str, float], methods: Sequence[str]) -> Floats:
    """Return the wins of one task (winner, loser); a tie is half a win for both, and nothing is won against itself."""
    means = np.array([task.get(method, np.nan) for method in methods])
    wins: Floats = (means[:, None] < means[None, :]) + 0.5 * (means[:, None] == means[None, :])
    np.fill_diagonal(wins, 0.0)
    return wins


def _strengths(wins: Floats, methods: Sequence[str]) -> Floats:
    """Return ratings (sets, methods) from wins (sets, methods, methods): the mode, by short steps of Newton's."""
    played, won = wins + wins.transpose(0, 2, 1), wins.sum(axis=2)
    strength: Floats = np.zeros(won.shape)  # its logarithm
    own = np.arange(len(methods))
    for _ in range(_ROUNDS):
        likely = 1 / (1 + np.exp(strength[:, None, :] - strength[:, :, None]))
        average = 1 / (1 + np.exp(-strength))
        slope = won - (played * likely).sum(axis=2) + 0.5 - average
        curve = played * likely * (1 - likely)
        bend = -curve
        bend[:, own, own] = curve.sum(axis=2) + average * (1 - average)
        step = np.linalg.solve(bend, slope[:, :, None])[:, :, 0]
        strength = strength + np.clip(step, -1, 1)
    points = SCALE / np.log(10.0) * strength
    zero = points[:, [methods.index(CLEAN.name)]] if CLEAN.name in methods else 0.0
    rated: Floats = points - zero + ANCHOR
    return rated


def _shares(place: int, methods: Sequence[str], wins: Floats) -> dict[str, tuple[float, int]]:
    """Return the share of wins of a method against each other, and the tasks that both have."""
    played = wins[place] + wins[:, place]
    return {
        other: (float(wins[place, number] / played[number]), round(float(played[number])))
        for number, other in enumerate(methods)
        if number != place and played[number]
    }
