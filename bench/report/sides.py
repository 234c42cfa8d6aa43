"""What was measured of the sides of claims: accuracies by seed, whether the noises work, and what these cost."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import isnan
from statistics import fmean
from typing import Any

from bench.config.axes import FIELDS, Place
from bench.records.metrics import RANKED
from bench.records.older import CELL, RECENT, VERSIONS, Versions, agree, mark_older, trainer_versions
from bench.report.claims import Claim, Measure, Side
from bench.report.generations import newest_noises, of_newest_version
from bench.report.summary import Group

_COLUMNS: Mapping[Measure, str] = {
    "accuracy": RANKED,
    "peak": "accuracy_peak",
    "image-passes": "generation_passes",
    "seconds": "generation_seconds",
}


@dataclass(frozen=True)
class SideRun:
    """One victim: what was measured, the digest of its noise, its versions, and whether one of these is older."""

    value: float
    noise: str | None
    versions: Versions
    is_older: bool


class Sides:
    """What was measured of the sides of claims in one group of results."""

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
        """The method and seed of the noises that are of an older version in the group, whatever their victims.

        Only those of its method's newest version with a result (`of_newest_version`) are among them.
        """
        rows = self.group.rows
        bare = rows[[*CELL, "seed", *RECENT]].assign(**dict.fromkeys(VERSIONS), numbers=None)
        marked = bare.to_dict("records")
        mark_older(marked)
        counted = of_newest_version(rows.assign(older=[row["older"] for row in marked]))
        found = set(zip(counted["method"], counted["seed"], counted["older"], strict=True))
        return {(method, seed) for method, seed, _ in found if (method, seed, False) not in found}

    @cached_property
    def _by_cell(self) -> dict[Place, list[dict[Any, Any]]]:
        found: dict[Place, list[dict[Any, Any]]] = {}
        for row in self._rows:
            found.setdefault(tuple(row[name] for name in FIELDS), []).append(row)
        return found

    def runs(self, side: Side, victim: str) -> dict[int, SideRun]:
        """Return the victims of a side by seed."""
        rows = self._by_cell.get(side.at(victim), [])
        column = _COLUMNS[side.measure]
        return {
            int(row["seed"]): SideRun(
                float(row[column]), row["noise_digest"], trainer_versions(row), is_older=bool(row["older"])
            )
            for row in rows
            if not isnan(row[column])
        }

    def effects(self, claim: Claim, victim: str) -> dict[int, tuple[str | None, bool]]:
        """Return by seed the newest noise of a claim's first side, and whether it works (`Claim.works_by`).

        All noises are measured from one mean of clean images, of the same trainer's versions: a seed that clean images
        lack is kept, and no noise works or fails because of what its own seed does to clean images.
        """
        if claim.works_by is None:
            return {}
        protected, clean = (self.runs(side, victim) for side in claim.proof)
        found = {}
        for seed, run in sorted(protected.items()):
            without = [one.value for one in clean.values() if agree(run.versions, one.versions)]
            if without:
                found[seed] = run.noise, fmean(without) - run.value >= claim.works_by
        return found

    def costs(self, side: Side) -> dict[tuple[int, str], float]:
        """Return the cost of the noises of a side's method, by seed and, for seconds, hardware."""
        column, found = _COLUMNS[side.measure], dict[tuple[int, str], float]()
        for row in self._noises:
            if row["method"] == side.method and not isnan(row[column]):
                device = str(row["generation_device"]) if side.measure == "seconds" else ""
                found[int(row["seed"]), device] = float(row[column])
        return found
