"""The leaderboard as JSON: the same tables, for programs."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from bench.report.claims_page import claims_data
from bench.report.generations import Generation
from bench.report.rating import Rated
from bench.report.reported.beside import Band
from bench.report.standing import Standing
from bench.report.statistics import rounded
from bench.report.summary import Score
from bench.report.tables import Row, ScoreTable, TableCell
from bench.report.text import shortened
from bench.report.verdicts import Answer

DECIMALS = 4  # digits; beyond them machines may differ


def json_text(tables: list[ScoreTable], rated: list[Rated], answered: list[Answer]) -> str:
    """Return all tables, the methods across them, and the answers to claims.

    Accuracies are in percent, differences in percentage points, times in seconds, memory in bytes; unknown numbers
    are null.
    """
    data = {
        "tables": [_table(table) for table in tables],
        "ratings": [_rated(one) for one in rated],
        "claims": claims_data(answered),
    }
    return json.dumps(_rounded(data), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _table(table: ScoreTable) -> dict[str, Any]:
    """Return one table."""
    return {
        "dataset": table.group.dataset,
        "dataset_digest": table.group.digest and shortened(table.group.digest),
        "protocol": table.group.protocol,
        "precision": table.group.precision,
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


def _cell(cell: TableCell) -> dict[str, Any]:
    """Return one score with its cell, its marks and its published values."""
    return {
        **_score(cell.score),
        "best": cell.best,
        "second": cell.second,
        "reported": cell.reported and _band(cell.reported),
    }


def _score(score: Score) -> dict[str, Any]:
    """Return the cell of a score and its numbers."""
    counts = {"failed": score.failed, "exhausted": score.exhausted, "older": score.older}
    return {"of": score.of, "seeds": score.seeds, **asdict(score.over), **score.means, **counts}


def _band(band: Band) -> dict[str, Any]:
    """Return the published values, one accuracy per source."""
    return {cell.source: cell.accuracy for cell in band.cells}


def _standing(standing: Standing) -> dict[str, Any]:
    """Return a method's strongest trainer and its rank."""
    return {
        "strongest": {
            "of": standing.strongest.of,
            "mean": standing.strongest.mean,
            "worst": standing.strongest.over.worst,
        },
        "clean": standing.clean and {"mean": standing.clean.mean, "worst": standing.clean.over.worst},
        "minus_clean": asdict(standing.over),
        "suite": standing.suite,
        "trainers": standing.trainers,
        "of_trainers": standing.of_trainers,
        "best_rank": standing.best_rank,
        "worst_rank": standing.worst_rank,
    }


def _generation(generation: Generation) -> dict[str, Any]:
    """Return what a method's noise cost, by device."""
    devices = {
        shortened(device): {"seconds": seconds, "peak_memory": generation.memory[device]}
        for device, seconds in generation.seconds.items()
    }
    return {
        "devices": devices,
        "passes": generation.passes,
        "forward": generation.forward,
        "exhausted": generation.exhausted,
        "unbounded": shortened(generation.bound),
    }


def _rated(one: Rated) -> dict[str, Any]:
    """Return one method across tables; ratings are whole points."""
    numbers = {name: None if value is None else int(rounded(value, 0)) for name, value in one.points.items()}
    wins = {other: {"share": share, "tasks": tasks} for other, (share, tasks) in one.wins.items()}
    return {"method": one.method, **numbers, "tasks": one.tasks, "of_tasks": one.of_tasks, "wins": wins}


def _rounded(data: Any) -> Any:
    """Return data with its numbers rounded."""
    if isinstance(data, float):
        return float(rounded(data, DECIMALS))
    if isinstance(data, Mapping):
        return {key: _rounded(value) for key, value in data.items()}
    return [_rounded(value) for value in data] if isinstance(data, list | tuple) else data
