"""The standing of a method: the strongest trainer of the suite, its range of ranks, and the trust in its records."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import pandas as pd

from attacks.methods.clean import CLEAN
from bench.config.axes import ALL, AXIS, SCORED, Place, without_method
from bench.config.suite import RANKING, Suite, load_suite
from bench.records.trust import TIERS, Tier
from bench.report.pool import Pool
from bench.report.statistics import Interval
from bench.report.summary import REFERENCES, Group, Score, newest, paired, reference_of

Measured = Mapping[Place, Score]
"""The scores of one method, by trainer as `without_method` returns it."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """The results of one method, with all images protected.

    Attributes:
        strongest: its score against its strongest trainer: the one with the highest mean, of the suite's trainers that
            were measured and those made against the method.
        clean: the clean reference's score at the same trainer, of the same version; None where there is none.
        over: the difference between the two, paired by seed, with its interval; empty for the clean reference itself.
        trainers, of_trainers: how many trainers of the suite were measured for it, and how many there are.
        lacks: how many trainers it lacks that were measured for another method of its group, references excepted.
        suite: the suite of these trainers; None if the ranking suite has no cast for the protocol, and all trainers
            that any method of the group was measured against are used instead.
        best_rank, worst_rank: 1 plus the number of methods that protect better beyond doubt, and the number of methods
            minus those that protect worse beyond doubt; 1 is best, None where there is nothing to compare.
    """

    method: str
    strongest: Score
    clean: Score | None
    over: Interval
    trainers: int
    of_trainers: int
    lacks: int
    suite: str | None
    best_rank: int | None = None
    worst_rank: int | None = None


def trainer_text(score: Score) -> str:
    """Name a score's trainer, e.g. `resnet18, rho_a 4`; usual values are left out."""
    words = (axis.word(score.of[axis.field]) for axis in SCORED if axis.field != "method")
    return ", ".join(filter(None, words)) + " (adaptive)" * score.adaptive


def trainer_title(score: Score, protocol: str) -> str:
    """Return the ranking suite's title for a score's trainer at a protocol; its `trainer_text` if there is none."""
    known = load_suite(RANKING).trainers(protocol).get(without_method(score.cell))
    return trainer_text(score) if known is None or score.adaptive else known.title


def standings(group: Group, suite: Suite | None = None) -> dict[str, Standing]:
    """Return the standing of each method of a group measured at any trainer of the suite; references are unranked.

    Args:
        group: the group of results.
        suite: the suite of trainers; the ranking suite if None.
    """
    suite = suite or load_suite(RANKING)
    wanted = suite.trainers(group.protocol)
    measured = by_trainer(group.scores, wanted)
    everything = set().union(*map(shareable, measured.values()))
    of_methods = set().union(*(shareable(scores) for name, scores in measured.items() if name not in REFERENCES))
    clean = by_trainer(group.scores).get(CLEAN.name, {})  # also at adaptive trainers outside the suite
    ranks = _ranks(measured, group.pool)
    found = {}
    for method, scores in measured.items():
        trainer, strongest = max(scores.items(), key=lambda item: item[1].mean or 0.0)
        there = reference_of(strongest, clean.get(trainer))
        pairs = paired(strongest, there) if there and method != CLEAN.name else []
        one = Standing(
            method=method,
            strongest=strongest,
            clean=there,
            over=group.pool.difference(pairs),
            trainers=len(shareable(scores)),
            of_trainers=len(wanted or everything),
            lacks=len(of_methods - shareable(scores)),
            suite=suite.name if wanted else None,
        )
        best, worst = ranks.get(method, (None, None))
        found[method] = replace(one, best_rank=best, worst_rank=worst)
    return found


def by_trainer(scores: Iterable[Score], wanted: Container[Place] = ()) -> dict[str, dict[Place, Score]]:
    """Return the scores that have a mean, with all images protected, by method and trainer.

    Args:
        scores: the scores of one group.
        wanted: the trainers that count, besides adaptive ones; empty: all trainers.
    """
    found: dict[str, dict[Place, Score]] = {}
    for score in scores:
        trainer = without_method(score.cell)
        is_whole = (score.of["share"], score.of["part"]) == (ALL, AXIS["part"].usual)
        if score.n and is_whole and (not wanted or trainer in wanted or score.adaptive):
            found.setdefault(score.method, {})[trainer] = score
    return found


def shareable(scores: Measured) -> set[Place]:
    """Return the trainers at which a method can be compared with others: all but adaptive ones."""
    return {trainer for trainer, score in scores.items() if not score.adaptive}


def strongest_of(one: Measured, other: Measured) -> tuple[Place, Place] | None:
    """Return the strongest trainer of each of two methods to be compared; None if they share no trainer.

    It is the one with the highest mean, over all seeds, of the shared trainers and those made against the method. The
    two need not have a seed in common there, and then cannot be told apart.
    """
    shared = one.keys() & other.keys()

    def strongest(own: Measured) -> Place:
        means = {at: score.mean or 0.0 for at, score in own.items() if at in shared or score.adaptive}
        return max(means, key=lambda trainer: means[trainer])

    return (strongest(one), strongest(other)) if shared else None


def difference(one: Measured, other: Measured, pool: Pool) -> Interval:
    """Return the difference between two methods, each against its strongest trainer (`strongest_of`).

    It is paired by seed, and the pool determines its interval.
    """
    found = strongest_of(one, other)
    if found is None:
        return pool.difference([])
    mine, theirs = found
    return pool.difference(paired(one[mine], other[theirs]))


def _ranks(measured: Mapping[str, Measured], pool: Pool) -> Mapping[str, tuple[int, int]]:
    """Return the best and the worst rank of each method that its records allow; references have none.

    A method protects better than another if the 95% interval of their `difference` lies below zero and it has every
    trainer that the other has: an unmeasured one may be its strongest. Not corrected for the number of pairs.
    """
    names = [name for name in measured if name not in REFERENCES]
    if len(names) < 2:
        return {}
    better, worse = dict.fromkeys(names, 0), dict.fromkeys(names, 0)
    for one, other in combinations(names, 2):
        if protects := better_of(measured[one], measured[other], pool):
            winner, loser = (one, other) if protects < 0 else (other, one)
            better[loser] += 1
            worse[winner] += 1
    return {name: (1 + better[name], len(names) - worse[name]) for name in names}


def better_of(one: Measured, other: Measured, pool: Pool) -> int:
    """Return -1 if the first method ranks before the second, 1 if after, and 0 if they are tied."""
    over = difference(one, other, pool)
    if over.mean is None or not over.is_decided:
        return 0
    winner, loser = (one, other) if over.mean < 0 else (other, one)
    return (-1 if over.mean < 0 else 1) if shareable(loser) <= shareable(winner) else 0


def is_settled(method: str, measured: Mapping[str, Measured], left: set[Place], pool: Pool) -> bool:
    """Return whether a method was measured and no trainer that is left can change its range of ranks.

    The order of two methods is settled if the other has none of the trainers left, since only shared trainers count; or
    if the other already ranks before the method, which has no seeds yet of the trainers left, and still does with each
    against its strongest trainer of all, since further trainers can only raise the accuracy that the method leaves. If
    it ranks before the method, it must also have all trainers left: one that it lacks would tie the two. The spread of
    differences is assumed to stay as it is in the records.

    Args:
        method: not a reference.
        measured: the scores of its group, as `by_trainer` returns them.
        left: the trainers of which the method still lacks seeds that are to be measured.
        pool: the pool of its group.
    """
    own = measured.get(method, {})

    def settled(other: Measured) -> bool:
        is_behind = better_of(own, other, pool) > 0
        if is_behind and not left <= shareable(other):
            return False
        if not left & shareable(other):
            return True
        if not is_behind or left & shareable(own):
            return False
        mine, theirs = (max(scores.values(), key=lambda score: score.mean or 0.0) for scores in (own, other))
        over = pool.difference(paired(mine, theirs))
        return over.low is not None and over.low > 0

    others = [other for name, other in measured.items() if name not in {method, *REFERENCES}]
    return bool(own) and all(map(settled, others))


def two_lowest(column: Sequence[Score], apart: Iterable[str], pool: Pool) -> tuple[Score | None, Score | None]:
    """Return the lowest score of a column beyond doubt, and the second lowest beyond doubt.

    Each is below the clean reference and all remaining scores of the column by the whole 95% interval of their paired
    difference; None if any of these is undecided. Scores of older versions of the trainer (`newest`) do not compete.

    Args:
        column: scores at one trainer.
        apart: methods to leave out, besides references: neither marked nor compared with.
        pool: the pool of their group.
    """
    apart = {*REFERENCES, *apart}
    competing = newest([score for score in column if score.n and score.method not in apart])
    ordered = sorted(competing, key=lambda one: one.mean or 0)
    clean = next((score for score in column if score.n and score.method == CLEAN.name), None)

    def lowest(scores: Sequence[Score]) -> Score | None:
        if not scores or clean is None:
            return None
        first, *others = scores
        return first if all(is_below(first, other, pool) for other in (clean, *others)) else None

    best = lowest(ordered)
    return best, lowest(ordered[1:]) if best else None


def is_below(one: Score, other: Score, pool: Pool) -> bool:
    """Return whether the whole 95% interval of the difference between two scores, paired by seed, is below zero."""
    high = pool.difference(paired(one, other)).high
    return high is not None and high < 0


def tiers(rows: pd.DataFrame) -> dict[str, Tier]:
    """Return the lowest trust tier of each method's rows, failed ones excluded."""
    lowest: dict[str, Tier] = {}
    for method, tier in zip(rows["method"], rows["trust"].where(rows["status"] != "failed"), strict=True):
        if tier in TIERS:
            lowest[method] = min(lowest.get(method, tier), tier, key=TIERS.index)
    return lowest
