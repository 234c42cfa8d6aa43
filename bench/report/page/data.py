"""Everything the page shows, as data for its script: groups of results, their cells, runs and curves, other lists.

Every number is formatted or rounded here, by the same functions as in the other tables; the script only appends zeros,
shows, filters and sorts.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

import pandas as pd

from attacks.methods.clean import CLEAN
from bench.config.axes import AXIS, FIELDS, page_axes, place
from bench.config.suite import Trainer
from bench.data import listed_dataset
from bench.records.metrics import IN_TABLES, OF_NOISES, page_metrics
from bench.report.answer import TRACKS, Leader, answer_lines, bound_text, by_headline, certainty_text, leaders, track
from bench.report.blocks import Material
from bench.report.generations import of_newest_version
from bench.report.json import DECIMALS
from bench.report.notes import on_bounds, on_older_records, without_passes
from bench.report.page.cards import cards, papers
from bench.report.page.lists import claims_list, ratings_list, reported_list
from bench.report.page.packed import packed
from bench.report.page.runs import Run
from bench.report.rating import RULES, Rated
from bench.report.reported.published import sources
from bench.report.standing import trainer_text, trainer_title
from bench.report.statistics import decimals, rounded
from bench.report.summary import REFERENCES, Group, reference_of
from bench.report.tables import Row, ScoreTable, TableCell
from bench.report.text import (
    MISSING,
    OLDER,
    UNBOUNDED,
    band_text,
    device_words,
    headline_text,
    memory_text,
    minus_clean_text,
    passes_text,
    printable,
    rank_text,
    score_text,
    seconds_range_text,
    seconds_text,
    seeds_text,
    trainers_text,
)

_MEAN = ("mean", "low", "high", "next_low", "next_high")
_SEEDS = ("lowest", "worst")  # shown for several seeds only
_ORIGIN = ("status", "error", "device", "commit", "torch", "by", "finished")  # shared by many runs

# The metrics of noises, by frame column.
_NOISE = {metric.column: metric for metric in OF_NOISES if metric.column}
_ASKED = ("noise_psnr", "noise_ssim", "noise_detectability")  # a card says so if these are missing

Json = dict[str, Any]


def page_data(material: Material, rated: Sequence[Rated], runs: Mapping[str, Run]) -> tuple[Json, Json]:
    """Return what the page shows and, separately, the curves, which it needs only once one is opened.

    Args:
        material: groups of results, the tables that `build_tables` makes of them, and answers to claims.
        rated: the ratings of methods across tables.
        runs: the runs of the same records, by cell key.
    """
    of_group: dict[Group, list[ScoreTable]] = defaultdict(list)
    for table in material.tables:
        of_group[table.group].append(table)
    notes: dict[str, int] = {}
    found, cells, own, curves = [], [], [], []
    for number, group in enumerate(material.groups):
        main = of_group[group]
        found.append(_group(group, main, notes))
        at, known = _records(group.rows), {score.cell: score for score in group.scores}
        for cell in _cells(main):
            here, of = [(runs[key], trust) for key, trust in at[cell.score.cell]], cell.score.of
            clean = reference_of(cell.score, known.get(place(**{**of, "method": CLEAN.name})))
            written = {**_written_cell(cell, len(main[0].seeds)), "beside_clean": clean is not None}
            cells.append({"group": number, **written, "runs": len(here)})
            rho_a = str(of["rho_a"]).removesuffix(".0")  # as the script writes it
            usual = f"records/{group.dataset}/{of['method']}/{of['victim']}/r{rho_a}"
            own += [_written_run(run, trust, usual) for run, trust in here]
            curves += [{"steps": run.steps, "accuracies": run.accuracies} for run, _ in here]
    work = [float(group.rows["train_passes"].sum()) for group in material.groups]
    data = {
        "groups": found,
        "notes": list(notes),
        "front": work.index(max(work)) if work else None,
        "axes": page_axes(),
        "metrics": page_metrics(),
        "cells": packed(cells),
        "runs": packed(own),
        "cards": packed(cards()),
        "papers": packed(papers()),
        "noise_titles": [
            f"noise: {metric.title.split(';')[0]}{f' ({metric.unit})' * bool(metric.unit)}"
            for metric in _NOISE.values()
        ],
        "claims": claims_list(material.answers),
        "ratings": packed(ratings_list(rated)),
        "rating_rules": RULES,
        "reported": packed(reported_list(material.groups)),
        "sources": dict(sources()),
    }
    return data, packed(curves)


def _group(group: Group, tables: Sequence[ScoreTable], notes: dict[str, int]) -> Json:
    """Return the data of a group as a whole and of its methods, ordered by headline.

    `notes` maps the notes of all groups so far to their indices, and is added to; a group holds only indices.
    """
    main, *_ = tables
    ordered = by_headline(main.rows)
    noises, found = _noises(of_newest_version(group.rows)), leaders(group, main)
    said = dict.fromkeys(note for table in tables for note in table.notes if note[0] not in (OLDER, UNBOUNDED))
    said |= dict.fromkeys(on_bounds(main.costs) + on_older_records(sum(score.older for score in group.scores), 0))
    return {
        "name": group.name,
        "title": printable(group.title),
        "dataset": group.dataset,
        "protocol": group.protocol,
        "precision": group.precision,
        "meaning": main.meaning,
        "notes": [notes.setdefault(note, len(notes)) for note in said],
        "answer": answer_lines(group, main),
        "leaders": [_leader(leader) for leader in found],
        "without_passes": without_passes(row.generation for row in ordered if row.generation),
        "images": _images(group.dataset),
        "networks": ", ".join(sorted({str(score.of["victim"]) for score in group.scores if score.n})),
        "bound": bound_text(group.protocol),
        "tracks": [title.format(bound_text(group.protocol)) for title in TRACKS],
        "methods": packed(
            [_method(row, len(main.seeds), group.protocol) | {"noise": noises.get(row.name, [])} for row in ordered],
        ),
        "trusted": bool(main.trust),
    }


def _images(dataset: str) -> str:
    """Describe the size at which networks see a dataset's images; empty if it is unknown."""
    known = listed_dataset(dataset)
    return f"{known.view}-pixel images" if known else ""


def _leader(leader: Leader) -> Json:
    return {
        "trainer": leader.trainer.title,
        "entry": _entry(leader.trainer),
        "method": leader.score.method,
        "accuracy": headline_text(leader.score),
        "clean": headline_text(leader.clean),
        "certainty": certainty_text(leader),
    }


def _entry(trainer: Trainer) -> list[str] | None:
    """Return the kind and name of the card that explains a trainer; None if all its choices are usual."""
    kinds = (kind for kind in ("countermeasure", "training") if getattr(trainer, kind) != AXIS[kind].usual)
    return next(([kind, getattr(trainer, kind)] for kind in kinds), None)


def _method(row: Row, seeds: int, protocol: str) -> Json:
    """Return the data of a method, numbers as text; `work` is its image-passes as a number, to sort by."""
    made, standing = row.generation, row.standing
    clean = standing.clean if standing else None
    return {
        "name": row.name,
        "label": row.label,
        "reference": row.name in REFERENCES,
        "track": None if row.name in REFERENCES else track(row),
        "headline": headline_text(standing.strongest) if standing else MISSING,
        "seeds": seeds_text(standing.strongest) if standing else MISSING,
        "strongest": score_text(standing.strongest, seeds) if standing else MISSING,
        "trainer": trainer_text(standing.strongest) if standing else MISSING,
        "trainer_title": trainer_title(standing.strongest, protocol) if standing else MISSING,
        "there": headline_text(clean),
        "minus": minus_clean_text(standing),
        "trainers": trainers_text(standing),
        "rank": rank_text(standing),
        "seconds": seconds_text(made) if made else MISSING,
        "passes": passes_text(made.passes if made else None),
        "work": _number(made.passes, DECIMALS) if made else None,
        "seconds_range": seconds_range_text(made) if made else MISSING,
        "memory": memory_text(made) if made else MISSING,
        "devices": " / ".join(map(device_words, made.seconds if made else ())) or MISSING,
        "trust": row.trust or MISSING,
    }


def _noises(rows: pd.DataFrame) -> Mapping[str, list[str | None]]:
    """Return the metrics of each method's noises, averaged over the noises, in the order of `_NOISE`.

    A text is empty if the metric does not apply, and None if it applies but was not measured.
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


def _cells(tables: Sequence[ScoreTable]) -> list[TableCell]:
    """Return every cell of a group that has records, once."""
    found: dict[tuple[object, ...], TableCell] = {}
    for table in tables:
        for cell in (cell for row in table.rows for cell in row.cells):
            if cell.score.n or cell.score.failed or cell.score.exhausted:
                found.setdefault(cell.score.cell, cell)
    return list(found.values())


def _records(rows: pd.DataFrame) -> Mapping[tuple[object, ...], list[tuple[str, str]]]:
    """Return the key and trust tier of the records behind each score, in seed order."""
    found: dict[tuple[object, ...], list[tuple[str, str]]] = defaultdict(list)
    for *cell, _, key, trust in sorted(zip(*(rows[name] for name in (*FIELDS, "seed", "key", "trust")), strict=True)):
        found[tuple(cell)].append((key, trust))
    return found


def _written_cell(cell: TableCell, seeds: int) -> Json:
    score, over = cell.score, cell.score.over
    accuracies = {name: getattr(over, name) for name in _MEAN}
    accuracies |= {name: getattr(over, name) if score.n > 1 else None for name in _SEEDS}
    return {
        **dict(zip(FIELDS, score.cell, strict=True)),
        "text": score_text(score, seeds),
        **{name: _number(value, 2) for name, value in accuracies.items()},
        **{name: _number(score.means[name], metric.digits) for name, metric in IN_TABLES.items()},
        "n": score.n,
        "mark": "best" if cell.best else "second" if cell.second else "",
        "band": band_text(cell.reported),
        "published": [[one.source, one.grade, one.accuracy, one.note] for one in cell.reported.cells]
        if cell.reported
        else [],
    }


def _number(value: float | None, digits: int) -> float | None:
    return None if value is None else float(rounded(value, digits))


def _written_run(run: Run, trust: str, usual: str) -> Json:
    """Return the data of a run; `usual` is how the script begins the path of its record below the results folder.

    If the link ends in the usual path, `below` keeps only what precedes it and `file` is None; otherwise `file` is the
    whole link. Without a link, `below` is None.
    """
    rest = f"{usual}-s{run.seed}-{run.key[:8]}.json"
    is_usual = run.file.endswith(rest)
    return {
        "seed": run.seed,
        "accuracy": _number(run.accuracy, 2),
        "key": run.key[:8],
        "below": (run.file.removesuffix(rest) if is_usual else "") if run.file else None,
        "file": None if is_usual else run.file,
        "origin": {name: getattr(run, name) for name in _ORIGIN} | {"trust": trust},
    }
