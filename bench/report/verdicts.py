"""What the records say about claims: confirmed, contradicted, undecided or not measured."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import exp, inf, isnan, log, sqrt
from shlex import quote
from statistics import fmean
from typing import Any, Literal

from bench.config.axes import AXES, FIELDS, Place
from bench.records.metrics import RANKED
from bench.records.older import CELL, RECENT, VERSIONS, Versions, agree, mark_older, trainer_versions
from bench.report.claims import Claim, Claims, Measure, Scale, Side
from bench.report.pool import DECIDING, Pool
from bench.report.reported.claims import with_published
from bench.report.statistics import Interval, interval
from bench.report.summary import Group, newest_noises

Verdict = Literal["confirmed", "contradicted", "undecided", "not measured"]
VERDICTS: tuple[Verdict, ...] = ("confirmed", "contradicted", "undecided", "not measured")
SEEDS = range(DECIDING)
MOST_SEEDS = 100
_COLUMNS: Mapping[Measure, str] = {
    "accuracy": RANKED,
    "peak": "accuracy_peak",
    "image-passes": "generation_passes",
    "seconds": "generation_seconds",
}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the records of one group say about a claim, for one network.

    Attributes:
        over: the difference in percentage points, or the ratio, with its 95% interval.
        seeds: the seeds that both sides have; of two sides of one method, those with the same noise.
        older: how many of the accuracies or costs compared are of older versions.
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
    more: int | None = None
    group: str = ""

    @property
    def command(self) -> str:
        """The command that measures what is missing for three seeds; empty if this benchmark cannot."""
        if self.claim.lacks:
            return ""
        sides = [side for side in (self.claim.first, self.claim.second) if side]
        changes = [f"protocol={self.scale.protocol}", f'datasets=["{self.scale.dataset}"]']
        for axis in AXES:
            values = list(dict.fromkeys(getattr(side, axis.field, self.victim) for side in sides))
            if axis.listed and axis.scored and values != [axis.usual]:
                texts = [json.dumps(value) if axis.is_text else axis.text(value) for value in values]
                changes.append(f"{axis.listed}=[{','.join(texts)}]")
        changes.append(f"seeds=[{','.join(map(str, SEEDS))}]")
        return " ".join(["python -m bench run", *(f"--set {quote(change)}" for change in changes)])


def answers(claims: Claims, groups: Iterable[Group]) -> list[Answer]:
    """Return the answer to every claim at each of its scales, in order, and for each of its networks there.

    Published values are claims too (`with_published`). Groups of the same dataset and protocol that differ in images or
    precision each give a separate answer.

    Raises:
        RequestError: as `with_published` does.
    """
    claims = with_published(claims)
    measured = [_Measured(group) for group in groups]
    found = []
    for scale in claims.scale:
        here = [one for one in measured if (one.group.dataset, one.group.protocol) == (scale.dataset, scale.protocol)]
        for claim in claims.claim:
            if scale.name not in claim.scales:
                continue
            roles = claim.victims[:1] if claim.is_cost else claim.victims
            for victim in [scale.victims[role] for role in roles if role in scale.victims]:
                some = [_answer(claim, scale, victim, one) for one in here]
                there = [one for one in some if one.seeds]
                found += there or [
                    Answer(claim=claim, scale=scale, victim=victim, verdict="not measured", over=NOTHING)
                ]
    return found


NOTHING = Interval(n=0)
ALONE = Pool()


@dataclass(frozen=True)
class _Victim:
    """One victim: what was measured, the digest of its noise, its versions, and whether one of these is older."""

    value: float
    noise: str | None
    versions: Versions
    is_older: bool


class _Measured:
    """One group's values by measure, cell and seed."""

    def __init__(self, group: Group) -> None:
        self.group = group

    @cached_property
    def _rows(self) -> list[dict[Any, Any]]:
        done = self.group.rows[self.group.rows["status"] == "ok"]
        return done[[*FIELDS, "seed", RANKED, "accuracy_peak", "noise_digest", *VERSIONS, "older"]].to_dict("records")

    @cached_property
    def _noises(self) -> list[dict[Any, Any]]:
        return newest_noises(self.group.rows).to_dict("records")

    @cached_property
    def older_noises(self) -> set[tuple[str, int]]:
        """The method and seed of the noises that are of an older version in the group, whatever their victims."""
        rows = self.group.rows[[*CELL, "seed", *RECENT]].assign(**dict.fromkeys(VERSIONS), numbers=None)
        marked = rows.to_dict("records")
        mark_older(marked)
        newer = {(row["method"], row["seed"]) for row in marked if not row["older"]}
        return {(row["method"], row["seed"]) for row in marked} - newer

    @cached_property
    def _by_cell(self) -> dict[Place, list[dict[Any, Any]]]:
        found: dict[Place, list[dict[Any, Any]]] = {}
        for row in self._rows:
            found.setdefault(tuple(row[name] for name in FIELDS), []).append(row)
        return found

    def runs(self, side: Side, victim: str) -> dict[int, _Victim]:
        """Return the victims of a side by seed."""
        rows = self._by_cell.get(side.at(victim), [])
        column = _COLUMNS[side.measure]
        return {
            int(row["seed"]): _Victim(
                float(row[column]), row["noise_digest"], trainer_versions(row), is_older=bool(row["older"])
            )
            for row in rows
            if not isnan(row[column])
        }

    def costs(self, side: Side) -> dict[tuple[int, str], float]:
        """Return the cost of the noises of a side's method, by seed and, for seconds, hardware."""
        column, found = _COLUMNS[side.measure], dict[tuple[int, str], float]()
        for row in self._noises:
            if row["method"] == side.method and not isnan(row[column]):
                device = str(row["generation_device"]) if side.measure == "seconds" else ""
                found[int(row["seed"]), device] = float(row[column])
        return found


def _answer(claim: Claim, scale: Scale, victim: str, measured: _Measured) -> Answer:
    """Answer one claim from one group."""
    over, seeds, older = _ratio(claim, measured) if claim.is_cost else _difference(claim, victim, measured)
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
        more=more,
        group=measured.group.name,
    )


def _difference(claim: Claim, victim: str, measured: _Measured) -> tuple[Interval, tuple[int, ...], int]:
    """Return `first - second` paired by seed, or `first - value`; its seeds; and how many records are older.

    Only victims that share all versions of what their trainers share are paired; and those of one method at two
    trainers only where both trained on the same noise, or noises would be compared.
    """
    first = measured.runs(claim.first, victim)
    if claim.second is None:
        values = [run.value - (claim.value or 0.0) for _, run in sorted(first.items())]
        return ALONE.difference(values), tuple(sorted(first)), sum(run.is_older for run in first.values())
    second = measured.runs(claim.second, victim)
    common = sorted(first.keys() & second.keys())
    seeds = [seed for seed in common if agree(first[seed].versions, second[seed].versions)]
    if claim.first.method == claim.second.method:
        seeds = [seed for seed in seeds if first[seed].noise == second[seed].noise]
    differences = [first[seed].value - second[seed].value for seed in seeds]
    older = sum(side[seed].is_older for side in (first, second) for seed in seeds)
    return _pool(claim, measured.group).difference(differences), tuple(seeds), older


def _pool(claim: Claim, group: Group) -> Pool:
    """Return the pool for a claim's difference: the group's if it compares the accuracies of two methods."""
    sides = [side for side in (claim.first, claim.second) if side]
    is_of_two = len({side.method for side in sides}) == 2
    return group.pool if is_of_two and all(side.measure == "accuracy" for side in sides) else ALONE


def _ratio(claim: Claim, measured: _Measured) -> tuple[Interval, tuple[int, ...], int]:
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
    sides = [side.method for side in (claim.first, claim.second) if side]
    older = sum((method, seed) in measured.older_noises for seed, _ in common for method in sides)
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


def counted(found: Iterable[Answer]) -> Iterator[tuple[Verdict, int]]:
    """Yield each verdict with the number of answers that have it."""
    verdicts = [answer.verdict for answer in found]
    yield from ((verdict, verdicts.count(verdict)) for verdict in VERDICTS)
