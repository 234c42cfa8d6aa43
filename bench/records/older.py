"""Decide which of a cell's records is shown, and which records are of older versions than this code or others."""

from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import pandas as pd

from attacks import methods
from attacks.core.settings import ENGINE_VERSION
from bench.config.axes import FIELDS
from bench.config.cells import VERSIONED
from victims import countermeasures, recipes

AnyRow = Mapping[Hashable, Any]
Recency = tuple[tuple[int, ...], str, str]

_OF_TRAINERS = [(one.axis, one.column) for one in VERSIONED if one.axis in {"victim", "training", "countermeasure"}]
VERSIONS = tuple(column for _, column in _OF_TRAINERS)
"""The columns of the versions of trainers."""
Versions = Mapping[tuple[str, str], str | None]
_VERSIONED_COLUMNS = tuple(one.column for one in VERSIONED)
RECENT = (*_VERSIONED_COLUMNS, "finished", "key")  # the columns that decide recency
CELL = ("dataset", "dataset_digest", "protocol", "precision", *FIELDS)
"""The columns that tell cells apart, up to their seed."""
NOISE_VERSIONS = ("method_version", "engine_version")
"""The columns of the versions of noises."""


def recency(row: AnyRow) -> Recency:
    """Return a sort key for a cell's records: by version, then by finishing time."""
    return _age(row), str(row["finished"]), str(row["key"])


def _age(row: AnyRow) -> tuple[int, ...]:
    return tuple(version_number(row[name]) for name in _VERSIONED_COLUMNS)


def noise_recency(row: AnyRow) -> tuple[int, ...]:
    """Return a sort key for the noises of a seed: the versions of method and engine."""
    return tuple(version_number(row[name]) for name in NOISE_VERSIONS)


def latest(rows: pd.DataFrame) -> pd.DataFrame:
    """Keep one row per cell and seed: the one with the newest versions, or the last of several such.

    A row without a result counts only if there is no other: a failed rerun replaces nothing.
    """
    newest: dict[tuple[Any, ...], tuple[bool, Recency, Any]] = {}
    for index, row in zip(rows.index, rows[[*CELL, "seed", "status", *RECENT]].to_dict("records"), strict=True):
        slot = (*_cell(row), row["seed"])
        found = row["status"] == "ok", recency(row), index
        newest[slot] = max(newest.get(slot, found), found)
    return rows[rows.index.isin([index for *_, index in newest.values()])]


def newest_of_cells(rows: pd.DataFrame) -> pd.DataFrame:
    """Keep the rows of each cell that have its newest version numbers: no mean mixes before and after a correction.

    Only a row with a result makes a version the newest; failed ones of later versions stay beside it, so that `latest`
    can follow. Rows that are older in another way (numbers of a protocol, files of a noise) stay.
    """
    known = rows[[*CELL, "status", *_VERSIONED_COLUMNS]].to_dict("records")
    cells = [_cell(row) for row in known]
    ages = list(map(_age, known))
    newest: dict[tuple[Hashable, ...], tuple[int, ...]] = {}
    for row, cell, own in zip(known, cells, ages, strict=True):
        if row["status"] == "ok":
            newest[cell] = max(newest.get(cell, own), own)
    kept = [own >= newest.get(cell, own) for cell, own in zip(cells, ages, strict=True)]
    return rows[pd.Series(kept, index=rows.index, dtype="bool")]


def mark_older(rows: Iterable[dict[Any, Any]]) -> None:
    """Set `older` in rows: of an older version than now or in another row, or with outdated numbers for the cell.

    Versions are numbers, the highest being the newest. The version of a noise from a file is its digest; the newest
    is the digest in the record that finished last. What is not known does not count as older. Networks are compared
    among rows only, since looking up a present one takes timm.
    """
    rows = list(rows)
    newest = {what: (version_number(version), "", version) for what, version in _present()}
    last: dict[tuple[Hashable, ...], tuple[Recency, str]] = {}
    for row in rows:
        for what, version in _versions(row):
            newest[what] = max(newest.get(what, (-1, "", "")), (version_number(version), str(row["finished"]), version))
        slot, found = _of_numbers(row), (recency(row), row["numbers"])
        last[slot] = max(last.get(slot, found), found)
    for row in rows:
        is_older = any(version != newest[what][2] for what, version in _versions(row))
        row["older"] = is_older or row["numbers"] != last[_of_numbers(row)][1]


def _present() -> Iterable[tuple[tuple[Hashable, ...], str]]:
    """Yield each versioned thing of this code, without networks and what installed packages add, and its version."""
    yield ("engine_version", None), str(ENGINE_VERSION)
    for method in methods.METHODS.values():
        yield ("method_version", method.name), str(method.version)
    for training in recipes.TRAININGS.values():
        yield ("training_version", training.name), str(training.version)
    for countermeasure in countermeasures.COUNTERMEASURES.values():
        yield ("countermeasure_version", countermeasure.name), str(countermeasure.version)


def _versions(row: AnyRow) -> Iterable[tuple[tuple[Hashable, ...], str]]:
    """Yield each versioned thing of a row and its version; versions of one thing are compared across cells.

    A noise from a file is another thing on each dataset.
    """
    for one in VERSIONED:
        if (version := row[one.column]) is not None:
            of = () if version.isdecimal() else (row["dataset"],)
            yield (one.column, row[one.axis] if one.axis else None, *of), version


def trainer_versions(row: AnyRow) -> Versions:
    """Return the versions of a victim's network, training and countermeasure, by axis and value."""
    return {(axis, str(row[axis])): row[column] for axis, column in _OF_TRAINERS}


def agree(one: Versions, other: Versions) -> bool:
    """Return whether what two trainers share has one version; an unknown one agrees with itself only."""
    return all(other.get(what, version) == version for what, version in one.items())


def _cell(row: AnyRow) -> tuple[Hashable, ...]:
    return tuple(row.get(name) for name in CELL)


def _of_numbers(row: AnyRow) -> tuple[Any, ...]:
    """Return what rows share whose numbers are comparable: the cell, and whether the record of its noise is there."""
    return *_cell(row), row.get("generation_status") is not None


def version_number(version: str | None) -> int:
    """Return a version as a number: 0 for a digest, -1 where it is not known."""
    if version is None:
        return -1
    return int(version) if version.isdecimal() and len(version) < 10 else 0
