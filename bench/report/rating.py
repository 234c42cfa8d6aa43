"""Methods across tables: how often each beats each other, and a rating of each.

A task is a dataset, a protocol, a precision and a trainer in its newest version, with all images protected. At each
task that two methods share, the lower mean accuracy wins; equal means split the win. References play too: `clean` has a
rating of 1000, and `random` shows what unoptimised noise is worth.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from attacks.methods.clean import CLEAN
from bench.report.standing import by_trainer
from bench.report.statistics import LEVEL, decimals, rounded
from bench.report.summary import Group, newest

RESAMPLES = 200
ANCHOR = 1000.0  # the rating of the clean reference
SCALE = 400.0  # points that make a win ten times as likely as a loss, as in chess
FEWEST_TASKS = 5  # below which resampling tasks says nothing about a method: it is absent from many resamples
RULES = (
    "A task is a dataset, a protocol, a precision and a trainer in its newest version; the lower mean accuracy wins "
    "it, whatever the number of seeds. Rating: Bradley and Terry's, on Elo's scale, with clean at 1000; a lead of 400 "
    "points makes a win ten times as likely as a loss. Ratings over different tasks are less comparable than ranks; "
    f"those over fewer than {FEWEST_TASKS} tasks come last, without an interval."
)
_ROUNDS = 30  # of Newton's method, enough for it to converge
_SEED = 0
_DECIMALS = 4  # of the means that are compared, as in the CSV
Floats = npt.NDArray[np.float64]
TaskMeans = Mapping[str, float]
"""The mean accuracy of each method at one task."""


@dataclass(frozen=True, kw_only=True)
class Rated:
    """One method across tasks.

    Attributes:
        rating: in points; a difference of 400 is a win ten times as likely as a loss.
        low, high: its 95% interval, from tasks drawn with replacement; None for the anchor, and for a method with
            fewer than `FEWEST_TASKS` tasks.
        tasks, of_tasks: how many tasks it was measured at, and how many there are.
        wins: by the other method's name: the share of wins against it, a tie counting half, and the number of tasks.
    """

    method: str
    rating: float
    low: float | None
    high: float | None
    tasks: int
    of_tasks: int
    wins: Mapping[str, tuple[float, int]]

    def wins_text(self, other: str) -> str | None:
        """Format the share of wins against another method, and the number of tasks; None without any."""
        if other not in self.wins:
            return None
        share, tasks = self.wins[other]
        return f"{decimals(100 * share, 0)}% ({tasks})"

    @property
    def points(self) -> dict[str, float | None]:
        """The rating and the limits of its interval, by name."""
        return {"rating": self.rating, "low": self.low, "high": self.high}


def tasks_of(groups: Iterable[Group]) -> list[TaskMeans]:
    """Return the tasks of groups of results; scores of older versions of a trainer (`newest`) do not count."""
    found: list[TaskMeans] = []
    for group in groups:
        measured = by_trainer(group.scores)
        for trainer in dict.fromkeys(trainer for scores in measured.values() for trainer in scores):
            column = newest([scores[trainer] for scores in measured.values() if trainer in scores])
            found.append({score.method: float(rounded(score.mean or 0.0, _DECIMALS)) for score in column})
    return found


def ratings(tasks: Sequence[TaskMeans]) -> list[Rated]:
    """Return the rating of every method across tasks; empty if no two methods share a task.

    The best comes first, and methods with fewer than `FEWEST_TASKS` tasks last.

    Ratings are those of Bradley and Terry ("Rank analysis of incomplete block designs", Biometrika 39, 1952) on Elo's
    scale, with an added tie of each method with a player of average strength, without which a method that always wins
    would have no rating. Tasks are resampled whole, since the results within one depend on each other.
    """
    methods = sorted({method for task in tasks for method in task})
    shared = [task for task in tasks if len(task) > 1]
    if not shared:
        return []
    wins = np.stack([_wins(task, methods) for task in shared])
    drawn = np.random.default_rng(_SEED).integers(len(shared), size=(RESAMPLES, len(shared)))
    weights = np.stack([np.bincount(draw, minlength=len(shared)) for draw in drawn]).astype(np.float64)
    flat = wins.reshape(len(shared), -1)
    resampled = _strengths((weights @ flat).reshape(RESAMPLES, len(methods), len(methods)), methods)
    (point,) = _strengths(wins.sum(axis=0, keepdims=True), methods)
    low, high = np.quantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    total = wins.sum(axis=0)
    found = []
    for place, method in enumerate(methods):
        count = sum(method in task for task in tasks)
        is_bare = method == CLEAN.name or count < FEWEST_TASKS
        found.append(
            Rated(
                method=method,
                rating=float(point[place]),
                low=None if is_bare else float(low[place]),
                high=None if is_bare else float(high[place]),
                tasks=count,
                of_tasks=len(tasks),
                wins=_shares(place, methods, total),
            )
        )
    return sorted(found, key=lambda one: (one.tasks < FEWEST_TASKS, -one.rating, one.method))


def _wins(task: TaskMeans, methods: Sequence[str]) -> Floats:
    """Return the wins at one task (winner, loser); a tie is half a win for both, and no method plays itself."""
    means = np.array([task.get(method, np.nan) for method in methods])
    wins: Floats = (means[:, None] < means[None, :]) + 0.5 * (means[:, None] == means[None, :])
    np.fill_diagonal(wins, 0.0)
    return wins


def _strengths(wins: Floats, methods: Sequence[str]) -> Floats:
    """Return ratings (sets, methods) from wins (sets, methods, methods): the mode, by short Newton steps."""
    played, won = wins + wins.transpose(0, 2, 1), wins.sum(axis=2)
    strength: Floats = np.zeros(won.shape)  # on a logarithmic scale
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
    """Return a method's share of wins against each other method, and the number of tasks that both have."""
    played = wins[place] + wins[:, place]
    return {
        other: (float(wins[place, number] / played[number]), round(float(played[number])))
        for number, other in enumerate(methods)
        if number != place and played[number]
    }
