"""All that the page shows, as data for its script: groups of results, their cells, runs and curves, and other lists.

Every number is written here, by the functions that write it in the other tables; the script only shows, filters and
sorts.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

import pandas as pd

from attacks.methods.clean import CLEAN
from bench.config.axes import FIELDS, page_axes
from bench.records.metrics import IN_TABLES, OF_NOISES, page_metrics
from bench.report.answer import TRACKS, answer_text, bound_text, by_headline, recommended, track
from bench.report.blocks import Material
from bench.report.json import DECIMALS
from bench.report.page.cards import cards, papers_by_key
from bench.report.page.lists import claims_list, ratings_list, reported_list
from bench.report.page.runs import Run, Texts
from bench.report.rating import Rated
from bench.report.reported.published import sources
from bench.report.standing import trainer_text
from bench.report.statistics import decimals, rounded
from bench.report.summary import REFERENCES, Group
from bench.report.tables import Row, ScoreTable, TableCell
from bench.report.text import (
    MISSING,
    band_text,
    devices_text,
    headline_text,
    interval_text,
    memory_text,
    passes_text,
    percent,
    printable,
    rank_text,
    score_text,
    seconds_text,
    seeds_text,
    trainers_text,
)

_ACCURACIES = ("mean", "low", "high", "lowest", "worst", "next_low", "next_high")
_FIELDS = ("group", *FIELDS, "text", *_ACCURACIES, *IN_TABLES, "n", "best", "second", "band", "published", "runs")
_SHARED = ("status", "error", "device", "commit", "torch", "by", "finished")
_RUN = (*_SHARED, "trust", "folder", "seed", "accuracy", "key", "file", "curve")

# What is measured of noises, by the column of frames.
_NOISE = {metric.column: metric for metric in OF_NOISES if metric.column}
_ASKED = ("noise_psnr", "noise_ssim", "noise_detectability")  # which a card says are missing

Json = dict[str, Any]


def page_data(material: Material, rated: Sequence[Rated], runs: Mapping[str, Run]) -> tuple[Json, Json]:
    """Return what the page shows, and apart from it the curves, which it needs only once one is looked at.

    Args:
        material: groups of results, the tables of `build_tables` of the same groups, and answers to claims.
        rated: the methods across tables.
        runs: of the same records, by key.
    """
    texts, curves = Texts(), _Curves()
    of_group: dict[tuple[str, str | None, str, str], list[ScoreTable]] = defaultdict(list)
    for table in material.tables:
        of_group[table.identity].append(table)
    found, cells = [], []
    for number, group in enumerate(material.groups):
        main = of_group[group.identity]
        found.append(_group(group, main))
        at = _records(group.rows)
        for cell, seeds in _cells(main):
            rho_a = cell.score.of["rho_a"]
            found_runs = [(runs[key], texts.place(trust)) for key, trust in at[cell.score.cell]]
            own = [_written_run(run, trust, rho_a, texts, curves) for run, trust in found_runs]
            cells.append([number, *_written_cell(cell, seeds), own])
    work = [float(group.rows["train_passes"].sum()) for group in material.groups]
    data = {
        "groups": found,
        "front": work.index(max(work)) if work else None,
        "axes": page_axes(),
        "metrics": page_metrics(),
        "cell_fields": _FIELDS,
        "cells": cells,
        "cards": cards(texts.place),
        "papers": papers_by_key(),
        "noise_titles": [
            f"noise: {metric.title.split(';')[0]}{f' ({metric.unit})' * bool(metric.unit)}"
            for metric in _NOISE.values()
        ],
        "claims": claims_list(material.answers, texts.place),
        "ratings": ratings_list(rated),
        "reported": reported_list(material.groups, texts.place),
        "run_fields": _RUN,
        "shared_fields": [*_SHARED, "trust", "folder"],
        "texts": list(texts.places),
        "sources": dict(sources()),
    }
    return data, curves.written()


class _Curves:
    """Curves, each with the place of its steps, which most of them share."""

    def __init__(self) -> None:
        self._steps: dict[tuple[int, ...], int] = {}
        self._lines: list[tuple[int, Sequence[float]]] = []

    def place(self, run: Run) -> int | None:
        """Keep the curve of a run and return its place, None where there is none."""
        if not run.steps:
            return None
        self._lines.append((self._steps.setdefault(run.steps, len(self._steps)), run.accuracies))
        return len(self._lines) - 1

    def written(self) -> Json:
        return {"steps": list(self._steps), "lines": self._lines}


def _group(group: Group, tables: Sequence[ScoreTable]) -> Json:
    """Return what is said of a group as a whole, and of its methods, ordered by their headline."""
    main, *_ = tables
    ordered = by_headline(main.rows)
    noises = _noises(group.rows)
    return {
        "name": group.name,
        "title": printable(group.title),
        "dataset": group.dataset,
        "protocol": group.protocol,
        "precision": group.precision,
        "meaning": main.meaning,
        "notes": list(dict.fromkeys(note for table in tables for note in table.notes)),
        "answer": answer_text(main),
        "take": best.name if (best := recommended(main)) else None,
        "tracks": [title.format(bound_text(group.protocol)) for title in TRACKS],
        "methods": {row.name: _method(row, len(main.seeds)) | {"noise": noises.get(row.name, [])} for row in ordered},
        "trusted": bool(main.trust),
    }


def _method(row: Row, seeds: int) -> Json:
    """Return what is said of a method: each number as it prints and, where tables are sorted by it, as it is."""
    made, standing = row.generation, row.standing
    clean = standing.clean if standing else None
    return {
        "label": row.label,
        "reference": row.name in REFERENCES,
        "track": None if row.name in REFERENCES else track(row),
        "headline": headline_text(standing.strongest) if standing else "",
        "seeds": seeds_text(standing.strongest) if standing else "",
        "strongest": [score_text(standing.strongest, seeds), _number(standing.strongest.mean)]
        if standing
        else ["", None],
        "trainer": [trainer_text(standing.strongest), trainer_text(standing.strongest)] if standing else ["", None],
        "there": [percent(clean.mean), _number(clean.mean)] if clean else [MISSING, None],
        "minus": [interval_text(standing.over), _number(standing.over.mean)] if standing else ["", None],
        "trainers": [trainers_text(standing), standing.trainers if standing else None],
        "rank": [rank_text(standing), standing.best_rank if standing else None],
        "seconds": [seconds_text(made), _number(next(iter(made.seconds.values()), None))] if made else ["", None],
        "passes": [passes_text(made.passes), _number(made.passes)] if made else ["", None],
        "memory": [memory_text(made), next(iter(made.memory.values()), None)] if made else ["", None],
        "devices": devices_text(made) if made else "",
        "trust": row.trust or MISSING,
    }


def _noises(rows: pd.DataFrame) -> Mapping[str, list[str | None]]:
    """Return what is measured of each method's noises, in the order of `_NOISE`: the mean over them.

    It is nothing where a metric does not apply, and None where one that does was not measured.
    """
    each = rows[["method", "seed", "noise_digest", *_NOISE]].drop_duplicates()
    found: dict[str, list[str | None]] = {}
    for method, part in each.groupby("method"):
        texts: list[str | None] = []
        for column, metric in _NOISE.items():
            values = part[column].dropna().tolist()
            missing = None if column in _ASKED and method != CLEAN.name else ""
            texts.append(decimals(fmean(values), metric.digits) if values else missing)
        found[str(method)] = texts
    return found


def _number(value: float | None) -> float | None:
    """Return a number to sort by, without the digits in which machines may differ."""
    return None if value is None else float(rounded(value, DECIMALS))


def _cells(tables: Sequence[ScoreTable]) -> list[tuple[TableCell, int]]:
    """Return every cell of a group that has records, once, each with the number of seeds of the table it is from."""
    found: dict[tuple[object, ...], tuple[TableCell, int]] = {}
    for table in tables:
        for cell in (cell for row in table.rows for cell in row.cells):
            if cell.score.n or cell.score.failed or cell.score.exhausted:
                found.setdefault(cell.score.cell, (cell, len(table.seeds)))
    return list(found.values())


def _records(rows: pd.DataFrame) -> Mapping[tuple[object, ...], list[tuple[str, str]]]:
    """Return the key and the trust of the records behind each score, by seed."""
    found: dict[tuple[object, ...], list[tuple[str, str]]] = defaultdict(list)
    for *cell, _, key, trust in sorted(zip(*(rows[name] for name in (*FIELDS, "seed", "key", "trust")), strict=True)):
        found[tuple(cell)].append((key, trust))
    return found


def _written_cell(cell: TableCell, seeds: int) -> list[Any]:
    score = cell.score
    digits = dict.fromkeys(_ACCURACIES, 2) | {name: metric.digits for name, metric in IN_TABLES.items()}
    values = {name: getattr(score.over, name) for name in _ACCURACIES} | dict(score.means)
    numbers = [None if (value := values[name]) is None else float(rounded(value, digits[name])) for name in digits]
    published = (
        [[one.source, one.grade, one.accuracy, one.note] for one in cell.reported.cells] if cell.reported else []
    )
    text, band = score_text(score, seeds), band_text(cell.reported)
    return [*score.cell, text, *numbers, score.n, int(cell.best), int(cell.second), band, published]


def _written_run(run: Run, trust: int, rho_a: float, texts: Texts, curves: _Curves) -> list[Any]:
    """Return a run; in place of its file's name None where that is the usual one, which the script knows."""
    shared = [texts.place(getattr(run, name)) for name in _SHARED]
    folder, _, file = run.file.rpartition("/")
    named = None if file == f"r{rho_a:g}-s{run.seed}-{run.key[:8]}.json" else file
    own = [run.seed, run.accuracy, run.key[:8], named, curves.place(run)]
    return [*shared, trust, texts.place(folder), *own]
