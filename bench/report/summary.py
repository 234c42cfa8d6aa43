"""Statistics over seeds: the numbers behind every table and plot."""

import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import pandas as pd

from bench.config.axes import FIELDS, SCORED, Place
from bench.config.models import digest_of
from bench.records.metrics import IN_TABLES, RANKED
from bench.records.older import (
    VERSIONS,
    Versions,
    agree,
    latest,
    newest_of_cells,
    trainer_versions,
    version_number,
)
from bench.report.pool import Pool, pool_of
from bench.report.statistics import SeedStatistics, known_values, mean_of, seed_statistics

# Rows that methods are compared with: no noise at all, and unoptimised noise.
REFERENCES = ("clean", "random")

_OF_METRICS = [RANKED, *(str(metric.column) for metric in IN_TABLES.values())]
# The columns that a score is made from; rows with all columns would take several times as long.
_OF_SCORES = list(dict.fromkeys([*FIELDS, "seed", "status", *_OF_METRICS, *VERSIONS, "older", "adaptive"]))


@dataclass(frozen=True, kw_only=True)
class Score:
    """One method against one victim, at one radius, with one countermeasure, on one share of protected images.

    Attributes:
        cell: its cell, as `place` returns it.
        seeds: final clean test accuracy in percent, by seed, of the records with status ok.
        versions: the versions of what its trainer consists of, as `trainer_versions` returns them.
        over: the statistics of these accuracies.
        means: the means of the other metrics that tables show, by their names there.
        failed, exhausted: how many records failed, and how many ran out of their budget.
        older: how many records are of older versions, or have outdated numbers.
        adaptive: whether its trainer was made against its method, as `breaks.toml` declares.
    """

    cell: Place
    seeds: Mapping[int, float] = field(default_factory=dict)
    versions: Versions = field(default_factory=dict)
    over: SeedStatistics = field(default_factory=lambda: seed_statistics([]))
    means: Mapping[str, float | None] = field(default_factory=lambda: dict.fromkeys(IN_TABLES))
    failed: int = 0
    exhausted: int = 0
    older: int = 0
    adaptive: bool = False

    @property
    def of(self) -> dict[str, Any]:
        """The values of its cell, by field."""
        return dict(zip(FIELDS, self.cell, strict=True))

    @property
    def method(self) -> str:
        """The method."""
        return str(self.of["method"])

    @property
    def n(self) -> int:
        """The number of seeds."""
        return self.over.n

    @property
    def mean(self) -> float | None:
        """The mean over seeds, in percent."""
        return self.over.mean


@dataclass(frozen=True, kw_only=True, eq=False)
class Group:
    """Results that may share a table: one dataset, one protocol, one precision.

    Attributes:
        name: unique among the groups of one frame, and safe as a file name: made only of names and a digest.
        dataset, digest: the dataset's name and the digest of its content; two datasets of one name are two groups.
        rows: the rows of `load_records` that count.
        left_out: how many rows do not, because of others of the same cell.
    """

    name: str
    dataset: str
    digest: str | None
    protocol: str
    precision: str
    rows: pd.DataFrame
    left_out: int

    @property
    def identity(self) -> tuple[str, str | None, str, str]:
        """What identifies the group."""
        return (self.dataset, self.digest, self.protocol, self.precision)

    @property
    def title(self) -> str:
        """The group in words."""
        digest = f" ({self.digest[:8]})" if self.digest else ""
        return f"{self.dataset}{digest}, {self.protocol}, {self.precision}"

    @cached_property
    def scores(self) -> list[Score]:
        """The scores of its rows."""
        return scores(self.rows)

    @cached_property
    def pool(self) -> Pool:
        """The spread of differences between methods, estimated from its rows."""
        return pool_of(self.rows)


def groups(frame: pd.DataFrame) -> list[Group]:
    """Split the frame of `load_records` into groups, by dataset, protocol and precision: variants follow their base."""
    found: list[Group] = []
    for (dataset, protocol, precision), same_name in frame.groupby(["dataset", "protocol", "precision"]):
        digests = same_name["dataset_digest"].dropna().unique()
        # A cell that failed early states no digest; if the others share one, it must have had the same.
        unknown = str(digests[0]) if len(digests) == 1 else ""
        for digest, rows in same_name.groupby(same_name["dataset_digest"].fillna(unknown)):
            kept = rows.loc[latest(newest_of_cells(rows.assign(dataset_digest=digest))).index]
            group = Group(
                name=f"{dataset}-{protocol}-{precision}",
                dataset=str(dataset),
                digest=str(digest) or None,
                protocol=str(protocol),
                precision=str(precision),
                rows=kept,
                left_out=len(rows) - len(kept),
            )
            found.append(group)
    return _with_distinct_names(found)


def _with_distinct_names(found: Sequence[Group]) -> list[Group]:
    """Add a digest of a group's identity to names that several groups share; it does not depend on the other groups.

    Datasets with the same name may differ in content, and different parts may give the same name once joined.
    """
    shared = Counter(group.name for group in found)
    distinct = [
        replace(group, name=f"{group.name}-{digest_of(group.identity)[:8]}") if shared[group.name] > 1 else group
        for group in found
    ]
    return sorted(distinct, key=lambda group: (group.dataset, group.protocol, group.precision, group.name))


def usual(rows: pd.DataFrame) -> pd.DataFrame:
    """Keep the rows of victims trained as usual, without a countermeasure and with all images protected."""
    return usual_but(rows)


def usual_but(rows: pd.DataFrame, *fields: str) -> pd.DataFrame:
    """Keep the rows with the usual value of every axis that has one, except the axes in `fields`."""
    for axis in SCORED:
        if axis.usual is not None and axis.field not in fields:
            rows = rows[rows[axis.field] == axis.usual]
    return rows


def scores(rows: pd.DataFrame) -> list[Score]:
    """Return the scores of one group's rows, in the order of tables: references first, then by name."""
    cells = defaultdict(list)
    for row in rows[_OF_SCORES].to_dict("records"):  # plain rows: a frame per cell would take a hundred times as long
        cells[tuple(row[name] for name in FIELDS)].append(row)
    found = [_score(part) for part in cells.values()]
    return sorted(found, key=lambda score: (table_rank(score.method), score.cell))


def _score(part: list[dict[Hashable, Any]]) -> Score:
    """Summarise the records of one cell, over its seeds."""
    states = Counter(row["status"] for row in part)
    done = [row for row in part if row["status"] == "ok"]
    final = {int(row["seed"]): float(row[RANKED]) for row in done if not math.isnan(row[RANKED])}
    return Score(
        cell=tuple(part[0][name] for name in FIELDS),
        seeds=dict(sorted(final.items())),
        versions=trainer_versions(done[0]) if done else {},
        over=seed_statistics([final[seed] for seed in sorted(final)]),
        means={name: mean_of(known_values(done, str(metric.column))) for name, metric in IN_TABLES.items()},
        failed=states["failed"],
        exhausted=states["budget_exhausted"],
        older=sum(row["older"] for row in part),
        adaptive=any(row["adaptive"] for row in part),
    )


def paired(first: Score, second: Score) -> list[float]:
    """Return the differences in accuracy at each seed that two scores can be compared at, in seed order."""
    return [first.seeds[seed] - second.seeds[seed] for seed in shared_seeds(first, second)]


def comparable(first: Score, second: Score) -> bool:
    """Return whether two scores are of the same versions of what their trainers share."""
    return agree(first.versions, second.versions)


def reference_of(score: Score, clean: Score | None) -> Score | None:
    """Return the clean reference at a score's trainer, if there is one and the two are `comparable`."""
    return clean if clean and comparable(score, clean) else None


def newest(found: Sequence[Score]) -> list[Score]:
    """Keep, of scores at one trainer, those of its newest versions."""
    ages = [[version_number(score.versions[what]) for what in sorted(score.versions)] for score in found]
    last = max(ages, default=[])
    return [score for score, age in zip(found, ages, strict=True) if age == last]


def shared_seeds(first: Score, second: Score) -> list[int]:
    """Return the seeds at which two scores can be compared: those that both have, if they are `comparable`.

    Accuracies of a network before and after its correction, for example, are not compared.
    """
    return sorted(first.seeds.keys() & second.seeds.keys()) if comparable(first, second) else []


def in_table_order(methods: Iterable[str]) -> list[str]:
    """Return the distinct methods in the order of tables."""
    return sorted(set(methods), key=table_rank)


def table_rank(method: str) -> tuple[int, str]:
    """Return what sorts methods as in tables."""
    return references_first(method), method


def references_first(method: str) -> int:
    """Return a sort key that puts references before all other methods."""
    return REFERENCES.index(method) if method in REFERENCES else len(REFERENCES)
