"""Statistics over seeds: the numbers that every table and plot is made from."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean, stdev

import pandas as pd

# Rows that methods are measured against: no noise at all, and noise that was not optimised.
REFERENCES = ("clean", "random")

_CELL = ["method", "victim", "rho_a"]


@dataclass(frozen=True, kw_only=True)
class Score:
    """One method against one victim at one radius.

    Attributes:
        n: records with status ok, one per seed; the next five are over them.
        mean, sd: final clean test accuracy in percent; `sd` is the sample's, None at n = 1.
        last_mean, peak, robust: means of the other accuracies.
        failed, exhausted: records that failed, and that ran out of their budget.
    """

    method: str
    victim: str
    rho_a: float
    n: int = 0
    mean: float | None = None
    sd: float | None = None
    last_mean: float | None = None
    peak: float | None = None
    robust: float | None = None
    failed: int = 0
    exhausted: int = 0


@dataclass(frozen=True, kw_only=True)
class Generation:
    """What it cost to make a method's noise, over its seeds.

    Attributes:
        seconds: mean per device, sorted by device.
        passes: mean image-passes, the same on every device; None where no record of a noise is there.
    """

    method: str
    seconds: Mapping[str, float]
    passes: float | None


@dataclass(frozen=True, kw_only=True, eq=False)
class Group:
    """Results that may stand in one table: one dataset, one protocol, one precision.

    Attributes:
        name: unique among the groups of one frame, and a file name.
        dataset, digest: the dataset's name and the digest of its content; two datasets of one name are two groups.
        rows: the rows of `load_records` that count.
        left_out: how many rows do not, because their cell was run again after its inputs had changed.
    """

    name: str
    dataset: str
    digest: str | None
    protocol: str
    precision: str
    rows: pd.DataFrame
    left_out: int

    @property
    def title(self) -> str:
        """The group in words."""
        digest = f" ({self.digest[:8]})" if self.digest else ""
        return f"{self.dataset}{digest}, {self.protocol}, {self.precision}"

    @property
    def seeds(self) -> list[int]:
        """Every seed in the group."""
        return sorted({int(seed) for seed in self.rows["seed"]})


def groups(frame: pd.DataFrame) -> list[Group]:
    """Split `load_records`' frame into groups, sorted by name."""
    found: list[Group] = []
    for (dataset, protocol, precision), same_name in frame.groupby(["dataset", "protocol", "precision"]):
        name = f"{dataset}-{protocol}-{precision}"
        digests = same_name["dataset_digest"].dropna().unique()
        # A cell that failed early states no digest; where there is only one, it can have had no other.
        unknown = str(digests[0]) if len(digests) == 1 else ""
        for digest, rows in same_name.groupby(same_name["dataset_digest"].fillna(unknown)):
            alone = len(rows) == len(same_name)
            kept = _newest(rows)
            group = Group(
                name=name if alone else f"{name}-{str(digest)[:8] or 'unknown'}",
                dataset=str(dataset),
                digest=str(digest) or None,
                protocol=str(protocol),
                precision=str(precision),
                rows=kept,
                left_out=len(rows) - len(kept),
            )
            found.append(group)
    return found


def _newest(rows: pd.DataFrame) -> pd.DataFrame:
    """Keep, for every method, victim and radius, the rows with the inputs of the one that finished last.

    Rows with other inputs (a method or its numbers changed under the same name) must not enter the same mean.
    Rows whose inputs are not known stay.
    """
    by_age = rows.sort_values(["finished", "key"], kind="stable")
    last = by_age.groupby(_CELL)["inputs"].transform("last")
    return rows[rows["inputs"].isna() | (rows["inputs"] == last.loc[rows.index])]


def scores(rows: pd.DataFrame) -> list[Score]:
    """Return the scores of one group's rows, in the order of tables: references first, then by name."""
    found = [_score(part) for _, part in rows.groupby(_CELL)]
    return sorted(found, key=lambda score: (_rank(score.method), score.victim, score.rho_a))


def _score(part: pd.DataFrame) -> Score:
    """Summarise the records of one method, victim and radius."""
    done = part[part["status"] == "ok"]
    final = _values(done["accuracy_final"])
    return Score(
        method=str(part["method"].iloc[0]),
        victim=str(part["victim"].iloc[0]),
        rho_a=float(part["rho_a"].iloc[0]),
        n=len(final),
        mean=_mean(final),
        sd=stdev(final) if len(final) > 1 else None,
        last_mean=_mean(_values(done["accuracy_last_mean"])),
        peak=_mean(_values(done["accuracy_peak"])),
        robust=_mean(_values(done["accuracy_robust"])),
        failed=int((part["status"] == "failed").sum()),
        exhausted=int((part["status"] == "budget_exhausted").sum()),
    )


def generations(rows: pd.DataFrame) -> list[Generation]:
    """Return what generation cost per method of one group's rows, in the order of tables.

    A noise counts once, however many victims were trained on it.
    """
    columns = ["method", "seed", "generation_device", "generation_seconds", "generation_passes"]
    noises = rows[columns].drop_duplicates()
    found = []
    for method, part in noises.groupby("method"):
        by_device = part.dropna(subset=["generation_seconds"]).groupby("generation_device")["generation_seconds"]
        seconds = {str(device): fmean(_values(values)) for device, values in by_device}
        found.append(Generation(method=str(method), seconds=seconds, passes=_mean(_values(part["generation_passes"]))))
    return sorted(found, key=lambda generation: _rank(generation.method))


def in_table_order(methods: Iterable[str]) -> list[str]:
    """Return the distinct methods in the order of tables."""
    return sorted(set(methods), key=_rank)


def _rank(method: str) -> tuple[int, str]:
    """Return the sort key of a method: references first, then the others by name."""
    return (REFERENCES.index(method) if method in REFERENCES else len(REFERENCES), method)


def _values(column: pd.Series) -> list[float]:
    """Return a column's numbers that are there."""
    return [float(value) for value in column.dropna()]


def _mean(values: list[float]) -> float | None:
    """Return the mean, exactly rounded whatever the machine, or None of nothing."""
    return fmean(values) if values else None
