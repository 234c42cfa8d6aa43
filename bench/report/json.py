"""The leaderboard as JSON: the tables as they are, for programs."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from bench.report.reported.beside import Band
from bench.report.standing import Standing
from bench.report.summary import Generation, Score
from bench.report.tables import Cell, Row, Table
from bench.report.text import shortened

DECIMALS = 4  # beyond them machines may differ


def json_text(tables: list[Table]) -> str:
    """Return all tables.

    Accuracies are in percent, differences in percentage points, times in seconds, memory in bytes; a number that is
    not known is null.
    """
    data = {"tables": [_table(table) for table in tables]}
    return json.dumps(_rounded(data), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _table(table: Table) -> dict[str, Any]:
    """Return one table."""
    return {
        "dataset": table.dataset,
        "dataset_digest": table.digest and shortened(table.digest),
        "protocol": table.protocol,
        "precision": table.precision,
        "title": table.title,
        "meaning": table.meaning,
        "seeds": table.seeds,
        "columns": table.columns,
        "rows": [_row(row) for row in table.rows],
        "notes": table.notes,
    }


def _row(row: Row) -> dict[str, Any]:
    """Return one line."""
    return {
        "name": row.name,
        "cells": [_cell(cell) for cell in row.cells],
        "standing": row.standing and _standing(row.standing),
        "trust": row.trust,
        "generation": row.generation and _generation(row.generation),
    }


def _cell(cell: Cell) -> dict[str, Any]:
    """Return one score, what it is of and what was published of it."""
    return {
        **_score(cell.score),
        "best": cell.best,
        "second": cell.second,
        "reported": cell.reported and _band(cell.reported),
    }


def _score(score: Score) -> dict[str, Any]:
    """Return the names of a score and its numbers."""
    numbers: dict[str, Any] = {}
    for name, value in asdict(score).items():
        numbers |= value if name == "means" else {name: value}  # each beside the other numbers
    del numbers["cell"]
    return {"of": score.of, **numbers}


def _band(band: Band) -> dict[str, Any]:
    """Return what was published, one accuracy per source."""
    return {cell.source: cell.accuracy for cell in band.cells}


def _standing(standing: Standing) -> dict[str, Any]:
    """Return a protection score and a rank."""
    return {key: value for key, value in asdict(standing).items() if key != "method"}


def _generation(generation: Generation) -> dict[str, Any]:
    """Return what a noise cost, by device."""
    devices = {
        shortened(device): {"seconds": seconds, "peak_memory": generation.memory[device]}
        for device, seconds in generation.seconds.items()
    }
    return {
        "devices": devices,
        "passes": generation.passes,
        "exhausted": generation.exhausted,
        "unbounded": shortened(generation.bound),
    }


def _rounded(data: Any) -> Any:
    """Return data with its numbers rounded."""
    if isinstance(data, float):
        return round(data, DECIMALS) + 0
    if isinstance(data, Mapping):
        return {key: _rounded(value) for key, value in data.items()}
    return [_rounded(value) for value in data] if isinstance(data, list | tuple) else data
