"""The standing of a method: the strongest trainer of the suite, its range of ranks, and the trust in its records."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from statistics import fmean

import pandas as pd

from attacks.methods.clean import CLEAN
from bench.config.axes import ALL, AXIS, SCORED, Place, without_method
from bench.config.suite import RANKING, Suite, load_suite
from bench.records.trust import TIERS, Tier
from bench.report.pool import Pool, paired
from bench.report.statistics import Interval
from bench.report.summary import REFERENCES, Group, Score

Measured = Mapping[Place, Score]
"""The scores of one method, by what `without_method` returns."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What the cells of one method come to, all images being protected.

    Attributes:
        strongest: its score against its strongest trainer: of those of the suite that were measured, and those made
            against the method, that with the highest mean.
        clean: the score of the clean reference at the same trainer; None where there is none.
        over: the difference of the two, paired by seed, with its interval; nothing of the clean reference itself.
        trainers, of_trainers: how many trainers of the suite were measured for it, and how many there are.
        lacks: how many it lacks that were measured for another method of its group.
        suite: whose trainers these are; None where the ranking suite has no cast for the protocol, and all that any
            method of the group was measured against stand for it.
        best_rank, worst_rank: 1 and how many others protect better beyond doubt, and the number of methods less how
            many protect worse beyond doubt; 1 is best, None where there is nothing to compare.
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
    """Name a score's trainer, e.g. `resnet18, rho_a 4`; usual values go without saying."""
    words = (axis.word(score.of[axis.field]) for axis in SCORED if axis.field != "method")
    return ", ".join(filter(None, words)) + " (adaptive)" * score.adaptive


def trainer_title(score: Score, protocol: str) -> str:
    """Return what the ranking suite calls a score's trainer at a protocol; what `trainer_text` does if it lacks it."""
    known = load_suite(RANKING).trainers(protocol).get(without_method(score.cell))
    return trainer_text(score) if known is None or score.adaptive else known.title


def standings(group: Group, suite: Suite | None = None) -> dict[str, Standing]:
    """Return where the methods of a group stand that any trainer of the suite was measured for; references unranked.

    Args:
        group: of results.
        suite: the ranking suite where none is given.
    """
    suite = suite or load_suite(RANKING)
    wanted = suite.trainers(group.protocol)
    measured = by_trainer(group.scores, wanted)
    everything = set().union(*map(shareable, measured.values()))
    clean = measured.get(CLEAN.name, {})
    ranks = _ranks(measured, group.pool)
    found = {}
    for method, scores in measured.items():
        trainer, strongest = max(scores.items(), key=lambda item: item[1].mean or 0.0)
        there = clean.get(trainer)
        pairs = paired(strongest.seeds, there.seeds) if there and method != CLEAN.name else []
        one = Standing(
            method=method,
            strongest=strongest,
            clean=there,
            over=group.pool.difference(pairs),
            trainers=len(shareable(scores)),
            of_trainers=len(wanted or everything),
            lacks=len(everything - shareable(scores)),
            suite=suite.name if wanted else None,
        )
        best, worst = ranks.get(method, (None, None))
        found[method] = replace(one, best_rank=best, worst_rank=worst)
    return found


def by_trainer(scores: Iterable[Score], wanted: Container[Place] = ()) -> dict[str, dict[Place, Score]]:
    """Return the scores that have a mean, all images being protected, by method and trainer.

    Args:
        scores: of one group.
        wanted: the trainers that count, beside adaptive ones; all of them where none is given.
    """
    found: dict[str, dict[Place, Score]] = {}
    for score in scores:
        trainer = without_method(score.cell)
        is_whole = (score.of["share"], score.of["part"]) == (ALL, AXIS["part"].usual)
        if score.n and is_whole and (not wanted or trainer in wanted or score.adaptive):
            found.setdefault(score.method, {})[trainer] = score
    return found


def shareable(scores: Measured) -> set[Place]:
    """Return the trainers of a method on which it can be compared with others: all but adaptive ones."""
    return {trainer for trainer, score in scores.items() if not score.adaptive}


def strongest_of(one: Measured, other: Measured) -> tuple[Place, Place] | None:
    """Return the strongest trainers of two methods that are compared; None where they share none.

    Each is that with the highest mean over common seeds of those that both have, or one made against the method.
    """
    shared = {trainer: one[trainer].seeds.keys() & other[trainer].seeds.keys() for trainer in one if trainer in other}
    shared = {trainer: seeds for trainer, seeds in shared.items() if seeds}

    def strongest(own: Measured) -> Place:
        means = {
            trainer: fmean(own[trainer].seeds[seed] for seed in sorted(seeds)) for trainer, seeds in shared.items()
        }
        means |= {trainer: score.mean or 0.0 for trainer, score in own.items() if score.adaptive}
        return max(means, key=lambda trainer: means[trainer])

    return (strongest(one), strongest(other)) if shared else None


def difference(one: Measured, other: Measured, pool: Pool) -> Interval:
    """Return the difference between two methods, each against its strongest trainer as `strongest_of` has it.

    It is paired by seed, and its interval is that of the pool.
    """
    found = strongest_of(one, other)
    if found is None:
        return pool.difference([])
    mine, theirs = found
    return pool.difference(paired(one[mine].seeds, other[theirs].seeds))


def _ranks(measured: Mapping[str, Measured], pool: Pool) -> Mapping[str, tuple[int, int]]:
    """Return the best and the worst rank consistent with the records of each method, without references.

    One protects better than another where the 95% interval of their `difference` lies below zero and it has every
    trainer that the other has: what was not measured may be its strongest. Not corrected for the number of pairs.
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
    """Return -1 where the first ranks before the second, 1 where the second does, and 0 where they are tied."""
    over = difference(one, other, pool)
    if over.mean is None or not over.is_decided:
        return 0
    winner, loser = (one, other) if over.mean < 0 else (other, one)
    return (-1 if over.mean < 0 else 1) if shareable(loser) <= shareable(winner) else 0


def is_settled(method: str, measured: Mapping[str, Measured], pool: Pool) -> bool:
    """Tell whether a method was measured, and no trainer that it was not yet measured at can change its range of ranks.

    The order of two methods is settled where the method has every trainer that the other has, since only trainers that
    both have count; or where the other ranks before it already, and would if it were against its strongest trainer of
    all, since more trainers can only raise what the method leaves. The spread of differences is that of the records as
    they are.

    Args:
        method: not a reference.
        measured: of its group, as `by_trainer` returns it.
        pool: of its group.
    """
    own = measured.get(method, {})

    def settled(other: Measured) -> bool:
        if shareable(other) <= shareable(own):
            return True
        if better_of(own, other, pool) <= 0:
            return False
        mine, theirs = (max(scores.values(), key=lambda score: score.mean or 0.0) for scores in (own, other))
        over = pool.difference(paired(mine.seeds, theirs.seeds))
        return over.low is not None and over.low > 0

    others = [other for name, other in measured.items() if name not in {method, *REFERENCES}]
    return bool(own) and all(map(settled, others))


def two_lowest(column: Sequence[Score], apart: Iterable[str], pool: Pool) -> tuple[Score | None, Score | None]:
    """Return the score of a column that is lowest beyond doubt, and the one that is lowest but for it.

    Each is below the clean reference and below every other score of the column, with the whole 95% interval of their
    paired difference; where any of these is undecided there is none.

    Args:
        column: scores at one trainer.
        apart: methods that are neither marked nor stand in the way, beside references.
        pool: of their group.
    """
    apart = {*REFERENCES, *apart}
    ordered = sorted(
        (score for score in column if score.n and score.method not in apart), key=lambda one: one.mean or 0
    )
    clean = next((score for score in column if score.n and score.method == CLEAN.name), None)

    def lowest(scores: Sequence[Score]) -> Score | None:
        if not scores or clean is None:
            return None
        first, *others = scores
        over = [pool.difference(paired(first.seeds, other.seeds)) for other in (clean, *others)]
        return first if all(one.high is not None and one.high < 0 for one in over) else None

    best = lowest(ordered)
    return best, lowest(ordered[1:]) if best else None


def tiers(rows: pd.DataFrame) -> dict[str, Tier]:
    """Return the lowest tier of trust of each method's rows, failed ones apart."""
    lowest: dict[str, Tier] = {}
    for method, tier in zip(rows["method"], rows["trust"].where(rows["status"] != "failed"), strict=True):
        if tier in TIERS:
            lowest[method] = min(lowest.get(method, tier), tier, key=TIERS.index)
    return lowest
