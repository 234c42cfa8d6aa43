"""The page's other views: answers to claims, ratings across tables, and published numbers beside measured ones."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from bench.config.axes import FIELDS, Place, place
from bench.report.claims_page import criterion_text, measured_text, verdict_text
from bench.report.rating import Rated
from bench.report.reported.beside import PROTOCOL
from bench.report.reported.published import published
from bench.report.statistics import decimals
from bench.report.summary import Group
from bench.report.text import MISSING, percent
from bench.report.verdicts import VERDICTS, Answer, counted

Json = dict[str, Any]


def claims_list(found: Sequence[Answer], place_of: Callable[[str], int]) -> Json:
    """Return the answers to claims that records answer, and per scale how many have which verdict.

    Args:
        found: all answers.
        place_of: the place of a text that many rows share.
    """
    rows = [
        [
            place_of(verdict_text(answer)),
            place_of(answer.claim.text),
            place_of(f"{answer.claim.source} ({answer.claim.grade})"),
            place_of(MISSING if answer.claim.is_cost else answer.victim),
            place_of(criterion_text(answer.claim)),
            measured_text(answer),
            answer.over.n,
            place_of(answer.scale.title),
        ]
        for answer in found
        if answer.verdict != "not measured"
    ]
    counts = []
    for scale, here in groupby(found, key=lambda answer: answer.scale):
        numbers = dict(counted(list(here)))
        counts.append([scale.title, *(numbers[verdict] for verdict in VERDICTS)])
    return {"rows": rows, "verdicts": list(VERDICTS), "counts": counts}


def ratings_list(rated: Iterable[Rated]) -> list[Json]:
    """Return the methods across tables, the best first."""
    return [
        {
            "method": one.method,
            "rating": decimals(one.rating, 0),
            "interval": MISSING
            if one.low is None or one.high is None
            else f"{decimals(one.low, 0)}\N{EN DASH}{decimals(one.high, 0)}",
            "tasks": f"{one.tasks}/{one.of_tasks}",
            "wins": {
                other: [f"{decimals(100 * share, 0)}% ({tasks})", round(share, 4)]
                for other, (share, tasks) in one.wins.items()
            },
        }
        for one in rated
    ]


def reported_list(groups: Iterable[Group], place_of: Callable[[str], int]) -> list[list[Any]]:
    """Return every published number, each with what was measured of its cell at the papers' protocol, or a dash."""
    measured = _measured(groups)
    rows = []
    for cell in published():
        own = MISSING
        if cell.victim is not None and cell.rho_a is not None:
            at = place(**{name: getattr(cell, name) for name in FIELDS if hasattr(cell, name)})
            own = measured.get((cell.dataset, at), MISSING)
        words = [cell.dataset, cell.method, cell.victim or "not stated", cell.countermeasure]
        radius = None if cell.rho_a is None else cell.rho_a
        share = f"{cell.share}" if cell.part == "all" else f"{cell.share}, rest alone"
        cited = (
            [cell.source, cell.note] if not cell.copy_of else [cell.source, f"copied from {cell.copy_of}; {cell.note}"]
        )
        rows.append(
            [*map(place_of, words), radius, place_of(share), cell.accuracy, cell.grade, *map(place_of, cited), own]
        )
    return rows


def _measured(groups: Iterable[Group]) -> Mapping[tuple[str, Place], str]:
    """Return the mean of every score at the papers' protocol, by dataset and cell; several precisions side by side."""
    found: dict[tuple[str, Place], list[str]] = {}
    for group in groups:
        if group.protocol == PROTOCOL:
            for score in group.scores:
                if score.n:
                    found.setdefault((group.dataset, score.cell), []).append(f"{percent(score.mean)} (n={score.n})")
    return {key: " / ".join(texts) for key, texts in found.items()}
