"""The standing of a method: its protection score, its range of ranks, and the trust in its records."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from statistics import fmean

import pandas as pd

from attacks.methods.clean import CLEAN
from bench.config.load import load_protocol, shipped
from bench.records.metrics import RANKED
from bench.records.trust import TIERS, Tier
from bench.report.statistics import Interval, interval, paired_difference
from bench.report.summary import REFERENCES, Group, usual


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What the raw cells of one method come to.

    Attributes:
        protection: the protection score over seeds, in percentage points; negative where the noise protects.
        victims, of_victims: how many victims it is over, and how many the clean reference has.
        best_rank, worst_rank: 1 and how many others protect better beyond doubt, and the number of methods less how
            many protect worse beyond doubt; 1 is best, None where there is nothing to compare.
    """

    method: str
    protection: Interval
    victims: int
    of_victims: int
    best_rank: int | None = None
    worst_rank: int | None = None


def own_radius(group: Group) -> float | None:
    """Return the victims' radius that the noise of a group is made for, in 1/255; None where we do not know it."""
    if group.protocol not in shipped("protocols"):
        return None
    return load_protocol(group.protocol).for_dataset(group.dataset).noise.rho_a


def standings(group: Group) -> dict[str, Standing]:
    """Return where the methods of a group stand, by name; the clean reference itself stands nowhere."""
    rows = usual(group.rows)
    done = rows[rows["status"] == "ok"].dropna(subset=[RANKED])
    wide = done.pivot_table(index=["victim", "rho_a", "seed"], columns="method", values=RANKED)
    limit = own_radius(group)
    radii = wide.index.get_level_values("rho_a")
    inside = wide if limit is None else wide[radii <= limit]
    ranks = _ranks(wide)
    found = {}
    for method in wide.columns:
        if method != CLEAN.name:
            score = _protection(str(method), inside)
            best, worst = ranks.get(method, (None, None))
            found[str(method)] = replace(score, best_rank=best, worst_rank=worst)
    return found


def tiers(rows: pd.DataFrame) -> dict[str, Tier]:
    """Return the lowest tier of trust of each method's rows, failed ones apart."""
    lowest: dict[str, Tier] = {}
    for method, tier in zip(rows["method"], rows["trust"].where(rows["status"] != "failed"), strict=True):
        if tier in TIERS:
            lowest[method] = min(lowest.get(method, tier), tier, key=TIERS.index)
    return lowest


def _protection(method: str, wide: pd.DataFrame) -> Standing:
    """Return the protection score of one method.

    At one seed it is the highest accuracy over the radii of each victim, less that of the clean reference likewise,
    averaged over victims. A victim counts where the method has all the radii that the reference has, and a seed where
    both have everything that counts.
    """
    none = Standing(method=method, protection=interval([]), victims=0, of_victims=0)
    if CLEAN.name not in wide:
        return none
    clean = _by_seed(wide[CLEAN.name])
    own = _by_seed(wide[method]).reindex(columns=clean.columns)
    whole = own.notna().any().groupby(level="victim").all()
    victims = sorted(whole[whole].index)
    if not victims:
        return replace(none, of_victims=len(whole))
    difference = (_worst(own[victims]) - _worst(clean[victims])).dropna()
    over_seeds = interval([fmean(line) for line in difference.to_numpy().tolist()])
    return Standing(method=method, protection=over_seeds, victims=len(victims), of_victims=len(whole))


def _by_seed(accuracies: "pd.Series[float]") -> pd.DataFrame:
    """Return a line per seed and a column per (victim, radius)."""
    tidy = accuracies.rename("accuracy").dropna().reset_index()
    return tidy.pivot_table(index="seed", columns=["victim", "rho_a"], values="accuracy")


def _worst(accuracies: pd.DataFrame) -> pd.DataFrame:
    """Return the highest accuracy over radii, a column per victim; none where a radius is missing."""
    by_victim = accuracies.T.groupby(level="victim")
    return by_victim.max().where(by_victim.count() == by_victim.size().to_numpy()[:, None]).T


def _ranks(wide: pd.DataFrame) -> Mapping[str, tuple[int, int]]:
    """Return the best and the worst rank consistent with the records of each method, without references.

    One protects better than another where the mean of their paired differences, over the (victim, radius, seed) that
    both have, is below zero with its whole 95% interval, over seeds; not corrected for the number of pairs.
    """
    names = [str(name) for name in wide.columns if name not in REFERENCES]
    if len(names) < 2:
        return {}
    better, worse = dict.fromkeys(names, 0), dict.fromkeys(names, 0)
    for one, other in combinations(names, 2):
        difference = paired_difference(wide[one], wide[other])
        if difference.mean is not None and not difference.covers_zero:
            winner, loser = (one, other) if difference.mean < 0 else (other, one)
            better[loser] += 1
            worse[winner] += 1
    return {name: (1 + better[name], len(names) - worse[name]) for name in names}
