"""The leaderboard as CSV: one line per dataset, protocol, precision and cell, over its seeds."""

import csv
import io
from collections.abc import Iterable

from bench.config.axes import AXIS, FIELDS
from bench.records.metrics import IN_TABLES
from bench.records.texts import FORMULA
from bench.report.generations import Generation
from bench.report.reported.beside import Band, bands
from bench.report.standing import Standing, trainer_text
from bench.report.statistics import decimals
from bench.report.summary import Group, Score
from bench.report.tables import ScoreTable
from bench.report.text import printable, shortened

_HEAD = (
    "dataset",
    "dataset_digest",
    "protocol",
    "precision",
    *FIELDS,
    "n",
    "mean",
    "sd",
    "ci95_low",
    "ci95_high",
    "lowest_seed",
    "worst_seed",
    "next95_low",
    "next95_high",
    *IN_TABLES,
    "strongest",
    "strongest_worst_seed",
    "strongest_trainer",
    "clean_there",
    "minus_clean",
    "minus_clean95_low",
    "minus_clean95_high",
    "trainers",
    "of_trainers",
    "best_rank",
    "worst_rank",
    "trust",
    "generation_seconds",
    "generation_peak_memory",
    "generation_device",
    "generation_passes",
    "generation_forward",
    "generation_exhausted",
    "unbounded",
    "failed",
    "budget_exhausted",
    "older",
    "reported_low",
    "reported_high",
    "reported_sources",
)


def csv_text(groups: Iterable[Group], tables: Iterable[ScoreTable]) -> str:
    """Return the leaderboard in long form.

    Accuracies are in percent, over the `n` records with status ok; `ci95` is the mean's interval, given from five
    seeds on, and `next95` the prediction interval of one more seed, from three on. If a method's noises were made on
    several devices, seconds, bytes and devices are lists in the same order, separated by `;`. The strongest trainer of
    the suite with its accuracy, that of `clean` there and their difference paired by seed, the number of trainers, rank
    and trust describe the method in its group, and are repeated on each of its lines.
    `older` counts records made with older versions. `generation_exhausted` counts noises whose budget ended early;
    `generation_forward` counts images that only went forward, which are not image-passes; `unbounded` states what
    bounds a noise that may leave `rho_u`. `reported` columns hold published values. Unknown numbers are empty.

    Args:
        groups: groups of results.
        tables: the tables that `build_tables` makes of the same groups.
    """
    out = io.StringIO()
    writer = csv.DictWriter(out, _HEAD, lineterminator="\n")
    writer.writeheader()
    of_methods = {table.group: {row.name: row for row in table.rows} for table in tables if not table.title}
    for group in groups:
        published = bands(group.dataset, group.protocol)
        for score in group.scores:
            row = of_methods[group][score.method]
            line = _group(group) | _score(score) | (_generation(row.generation) if row.generation else {})
            line |= _standing(row.standing) | _band(published.get(score.cell))
            writer.writerow(line | {"trust": row.trust or ""})
    return out.getvalue()


def _group(group: Group) -> dict[str, str]:
    """Return the fields that all lines of a group share."""
    fields = {
        "dataset": group.dataset,
        "dataset_digest": shortened(group.digest or ""),
        "protocol": group.protocol,
        "precision": group.precision,
    }
    return {name: _inert(text) for name, text in fields.items()}


def _score(score: Score) -> dict[str, str]:
    """Return a cell and its numbers."""
    over = score.over
    numbers = {
        "mean": over.mean,
        "sd": over.sd,
        "ci95_low": over.low,
        "ci95_high": over.high,
        "lowest_seed": over.lowest,
        "worst_seed": over.worst,
        "next95_low": over.next_low,
        "next95_high": over.next_high,
        **score.means,
    }
    counts = {"n": score.n, "failed": score.failed, "budget_exhausted": score.exhausted, "older": score.older}
    return {
        **{name: _inert(AXIS[name].text(value)) for name, value in score.of.items()},
        **{name: _number(value, 4) for name, value in numbers.items()},
        **{name: str(count) for name, count in counts.items()},
    }


def _generation(generation: Generation) -> dict[str, str]:
    """Return what a method's noise cost."""
    return {
        "generation_seconds": ";".join(_number(value, 3) for value in generation.seconds.values()),
        "generation_peak_memory": ";".join(_number(value, 0) for value in generation.memory.values()),
        "generation_device": _inert(";".join(map(shortened, generation.seconds))),
        "generation_passes": _number(generation.passes, 0),
        "generation_forward": _number(generation.forward, 0),
        "generation_exhausted": str(generation.exhausted),
        "unbounded": _inert(shortened(generation.bound)),
    }


def _standing(standing: Standing | None) -> dict[str, str]:
    """Return a method's standing; empty if it has none."""
    if standing is None:
        return {}
    return {
        "strongest": _number(standing.strongest.mean, 4),
        "strongest_worst_seed": _number(standing.strongest.over.worst, 4),
        "strongest_trainer": _inert(trainer_text(standing.strongest)),
        "clean_there": _number(standing.clean.mean if standing.clean else None, 4),
        "minus_clean": _number(standing.over.mean, 4),
        "minus_clean95_low": _number(standing.over.low, 4),
        "minus_clean95_high": _number(standing.over.high, 4),
        "trainers": str(standing.trainers),
        "of_trainers": str(standing.of_trainers),
        "best_rank": _number(standing.best_rank, 0),
        "worst_rank": _number(standing.worst_rank, 0),
    }


def _band(band: Band | None) -> dict[str, str]:
    """Return the published values of a cell."""
    if band is None:
        return {}
    low, high = _number(band.low, 2), _number(band.high, 2)
    return {"reported_low": low, "reported_high": high, "reported_sources": str(len(band.cells))}


def _number(value: float | None, digits: int) -> str:
    """Format a number; empty if it is unknown."""
    return "" if value is None else decimals(value, digits)


def _inert(text: str) -> str:
    """Keep a spreadsheet from reading text as a formula or as several cells: records may come from others."""
    text = printable(text)
    return f"'{text}" if FORMULA.match(text) else text
