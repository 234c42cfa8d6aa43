"""What the records say about claims: confirmed, contradicted, undecided or not measured."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, groupby, islice
from math import exp, inf, log, sqrt
from shlex import quote
from statistics import fmean
from typing import Literal

from bench.config.axes import AXES
from bench.records.older import agree
from bench.report.claims import Claim, Claims, Scale
from bench.report.pool import DECIDING, Pool
from bench.report.reported.claims import with_published
from bench.report.sides import SideRun, Sides
from bench.report.statistics import Interval, interval
from bench.report.summary import Group

Verdict = Literal["confirmed", "contradicted", "undecided", "not measured"]
VERDICTS: tuple[Verdict, ...] = ("confirmed", "contradicted", "undecided", "not measured")
MOST_SEEDS = 100


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the records of one group say about a claim, for one network.

    Attributes:
        over: the difference in percentage points, or the ratio, with its 95% interval.
        seeds: the seeds that count, which both sides have; of two sides of one method, those with the same noise.
        older: how many of the accuracies or costs compared are of older versions.
        left_out: the others that both sides have: their noise is not known to work (`Claim.works_by`).
        dead: the seeds whose noise is known not to work, whether both sides have them or not.
        more: how many more seeds would decide it if mean and spread stay the same, no fewer than any decision needs;
            None if it is decided, or `MOST_SEEDS` more would not suffice.
        group: the name of the group that answers; empty if none does.
    """

    claim: Claim
    scale: Scale
    victim: str
    verdict: Verdict
    over: Interval
    seeds: tuple[int, ...] = ()
    older: int = 0
    left_out: tuple[int, ...] = ()
    dead: tuple[int, ...] = ()
    more: int | None = None
    group: str = ""

    @property
    def command(self) -> str:
        """The command that measures what is missing for three seeds, none of them `dead`; empty if nothing can."""
        if self.claim.lacks:
            return ""
        sides = [*self.claim.sides, *self.claim.proof]
        changes = [f"protocol={self.scale.protocol}", f'datasets=["{self.scale.dataset}"]']
        for axis in AXES:
            values = list(dict.fromkeys(getattr(side, axis.field, self.victim) for side in sides))
            if axis.listed and axis.scored and values != [axis.usual]:
                texts = [json.dumps(value) if axis.is_text else axis.text(value) for value in values]
                changes.append(f"{axis.listed}=[{','.join(texts)}]")
        seeds = islice((seed for seed in count() if seed not in self.dead), DECIDING)
        changes.append(f"seeds=[{','.join(map(str, seeds))}]")
        return " ".join(["python -m bench run", *(f"--set {quote(change)}" for change in changes)])


def answers(claims: Claims, groups: Iterable[Group]) -> list[Answer]:
    """Return the answer to every claim at each of its scales, in order, and for each of its networks there.

    Published values are claims too (`with_published`). Groups of the same dataset and protocol that differ in images or
    precision each give a separate answer.

    Raises:
        RequestError: as `with_published` does.
    """
    claims = with_published(claims)
    measured = [Sides(group) for group in groups]
    found = []
    for scale in claims.scale:
        here = [one for one in measured if (one.group.dataset, one.group.protocol) == (scale.dataset, scale.protocol)]
        for claim in claims.claim:
            if scale.name not in claim.scales:
                continue
            roles = claim.victims[:1] if claim.is_cost else claim.victims
            for victim in [scale.victims[role] for role in roles if role in scale.victims]:
                some = [_answer(claim, scale, victim, one) for one in here]
                found += [one for one in some if one.seeds] or [
                    max(some, key=lambda one: len(one.left_out), default=_unmeasured(claim, scale, victim))
                ]
    return found


NOTHING = Interval(n=0)
ALONE = Pool()


def _unmeasured(claim: Claim, scale: Scale, victim: str) -> Answer:
    return Answer(claim=claim, scale=scale, victim=victim, verdict="not measured", over=NOTHING)


def _answer(claim: Claim, scale: Scale, victim: str, measured: Sides) -> Answer:
    """Answer one claim from one group."""
    pairs = {} if claim.is_cost else _pairs(claim, victim, measured)
    effects = measured.effects(claim, victim)
    works = {seed for seed, runs in pairs.items() if not claim.proof or effects.get(seed) == (runs[0].noise, True)}
    counting = {seed: runs for seed, runs in pairs.items() if seed in works}
    over, seeds, older = _ratio(claim, measured) if claim.is_cost else _difference(claim, counting, measured.group)
    targets = _targets(claim)
    verdict: Verdict = _verdict(over, targets) if seeds else "not measured"
    more = None
    if verdict == "undecided":
        more = seeds_to_decide(over, targets, _pool(claim, measured.group))
    return Answer(
        claim=claim,
        scale=scale,
        victim=victim,
        verdict=verdict,
        over=_as_ratio(over) if claim.is_cost else over,
        seeds=seeds,
        older=older,
        left_out=tuple(seed for seed in pairs if seed not in counting),
        dead=tuple(seed for seed, (_, works) in effects.items() if not works),
        more=more,
        group=measured.group.name if seeds else "",
    )


def _pairs(claim: Claim, victim: str, measured: Sides) -> dict[int, tuple[SideRun, ...]]:
    """Return the victims that can be compared, by seed: those of both sides, or of the first if it has a value.

    Only victims that share all versions of what their trainers share are paired; and those of one method at two
    trainers only where both trained on the same noise, or noises would be compared.
    """
    first = measured.runs(claim.first, victim)
    if claim.second is None:
        return {seed: (run,) for seed, run in sorted(first.items())}
    second = measured.runs(claim.second, victim)
    common = sorted(first.keys() & second.keys())
    seeds = [seed for seed in common if agree(first[seed].versions, second[seed].versions)]
    if claim.first.method == claim.second.method:
        seeds = [seed for seed in seeds if first[seed].noise == second[seed].noise]
    return {seed: (first[seed], second[seed]) for seed in seeds}


def _difference(
    claim: Claim, pairs: Mapping[int, tuple[SideRun, ...]], group: Group
) -> tuple[Interval, tuple[int, ...], int]:
    """Return `first - second`, or `first - value`, over seeds; these seeds; and how many records are older."""
    values = [one.value - (other[0].value if other else claim.value or 0.0) for one, *other in pairs.values()]
    older = sum(run.is_older for runs in pairs.values() for run in runs)
    return _pool(claim, group).difference(values), tuple(pairs), older


def _pool(claim: Claim, group: Group) -> Pool:
    """Return the pool for a claim's difference: the group's if it compares the accuracies of two methods."""
    is_of_two = len({side.method for side in claim.sides}) == 2
    return group.pool if is_of_two and all(side.measure == "accuracy" for side in claim.sides) else ALONE


def _ratio(claim: Claim, measured: Sides) -> tuple[Interval, tuple[int, ...], int]:
    """Return the mean logarithm of `first / second`, paired by seed and hardware; its seeds; and how many are older.

    Image-passes are counted, not measured: they have no spread, and one seed suffices.
    """
    first = measured.costs(claim.first)
    second = measured.costs(claim.second) if claim.second else {}
    common = sorted(key for key in first.keys() & second.keys() if first[key] > 0 and second[key] > 0)
    logs = [log(first[key] / second[key]) for key in common]
    seeds = tuple(sorted({seed for seed, _ in common}))
    if not logs:
        return NOTHING, seeds, 0
    older = sum((side.method, seed) in measured.older_noises for seed, _ in common for side in claim.sides)
    if claim.is_count:
        return Interval(n=len(logs), mean=fmean(logs), low=min(logs), high=max(logs)), seeds, older
    return interval(logs) if len(logs) >= DECIDING else Interval(n=len(logs), mean=fmean(logs)), seeds, older


def _as_ratio(logs: Interval) -> Interval:
    """Return the geometric mean of ratios, with its interval, from that of their logarithms."""
    mean, low, high = (None if end is None else exp(end) for end in (logs.mean, logs.low, logs.high))
    return Interval(n=logs.n, mean=mean, low=low, high=high)


def _targets(claim: Claim) -> tuple[float, float]:
    """Return the limits between which the difference, or the logarithm of the ratio, lies if the claim holds."""
    low, high = claim.holds
    return (log(low), inf) if claim.says == "times" else (low, high)


def _verdict(over: Interval, targets: tuple[float, float]) -> Verdict:
    """Compare an interval with the limits between which it lies if a claim holds."""
    low, high = targets
    if over.low is None or over.high is None:
        return "undecided"
    if low <= over.low and over.high <= high:
        return "confirmed"
    return "contradicted" if over.high < low or over.low > high else "undecided"


def seeds_to_decide(over: Interval, targets: Sequence[float], pool: Pool) -> int | None:
    """Return how many more seeds would decide a difference if its mean and its spread stay the same.

    Args:
        over: the difference between the two sides.
        targets: the limits that its interval must exclude.
        pool: the pool that moderates its spread.

    Returns:
        The number; None if `MOST_SEEDS` would not suffice, or if more seeds change nothing (counts).
    """
    sd = over.sd
    if sd is None and over.low is not None:
        return None  # counts, whose range more seeds can only widen
    if sd is None:
        if not pool.freedom:
            return DECIDING - over.n
        sd = sqrt(pool.variance)
    distance = min(abs((over.mean or 0.0) - end) for end in targets)
    enough = (n for n in range(max(DECIDING, over.n + 1), over.n + MOST_SEEDS + 1) if pool.reach(n, sd) < distance)
    return next((count - over.n for count in enough), None)


def counts_by_scale(found: Iterable[Answer]) -> Iterator[tuple[str, list[int]]]:
    """Yield each scale with the number of answers that have each verdict, in the order of `VERDICTS`."""
    for scale, here in groupby(found, key=lambda answer: answer.scale):
        verdicts = [answer.verdict for answer in here]
        yield scale.title, [verdicts.count(verdict) for verdict in VERDICTS]
