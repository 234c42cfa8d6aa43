"""The page's other views: answers to claims, ratings across tables, and published numbers beside measured ones."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench.config.axes import Place
from bench.report.claims_page import compared_text, measured_text, verdict_text
from bench.report.page.packed import packed
from bench.report.rating import Rated
from bench.report.reported.beside import PROTOCOL
from bench.report.reported.published import Published, published
from bench.report.statistics import decimals
from bench.report.summary import Group
from bench.report.text import MISSING, headline_text
from bench.report.verdicts import VERDICTS, Answer, counts_by_scale

Json = dict[str, Any]


def claims_list(found: Sequence[Answer]) -> Json:
    """Return the answers to measured claims, and the number of claims with each verdict per scale."""
    rows = [
        {
            "claim": answer.claim.text,
            "verdict": verdict_text(answer),
            "measured": measured_text(answer),
            "n": answer.over.n,
            "network": MISSING if answer.claim.is_cost else answer.victim,
            "scale": answer.scale.title,
            "compared": compared_text(answer),
            "source": f"{answer.claim.source} ({answer.claim.grade})",
        }
        for answer in found
        if answer.verdict != "not measured"
    ]
    counts = [[scale, *numbers] for scale, numbers in counts_by_scale(found)]
    return {"rows": packed(rows), "verdicts": list(VERDICTS), "counts": counts}


def ratings_list(rated: Sequence[Rated]) -> list[Json]:
    """Return the ratings of methods across tables, best first, and wins by opponent, None without a shared task."""
    return [
        {
            "method": one.method,
            "rating": decimals(one.rating, 0),
            "interval": MISSING
            if one.low is None or one.high is None
            else f"{decimals(one.low, 0)}\N{EN DASH}{decimals(one.high, 0)}",
            "tasks": f"{one.tasks}/{one.of_tasks}",
            **{f"beats {other.method}": one.wins_text(other.method) for other in rated},
        }
        for one in rated
    ]


def reported_list(groups: Iterable[Group]) -> list[Json]:
    """Return every published number with what was measured for its cell at the papers' protocol, or a dash."""
    measured = _measured(groups)
    return [
        {
            "method": cell.method,
            "accuracy": cell.accuracy,
            "grade": cell.grade,
            "measured": measured.get((cell.dataset, cell.place), MISSING) if cell.place else MISSING,
            "dataset": cell.dataset,
            "victim": cell.victim or "not stated",
            "rho_a": cell.rho_a,
            "countermeasure": cell.countermeasure,
            "share": f"{cell.share}" if cell.part == "all" else f"{cell.share}, unprotected part only",
            "source": cell.source,
            "note": _note(cell),
        }
        for cell in published()
    ]


def _note(cell: Published) -> str:
    """State what a source says of a value besides it: its runs and their spread, and where it is copied from."""
    runs = f"{cell.runs} runs" if cell.runs else ""
    spread = f"standard deviation {decimals(cell.spread)}" if cell.spread is not None else ""
    copied = f"copied from {cell.copy_of}" if cell.copy_of else ""
    return "; ".join(filter(None, (runs, spread, copied, cell.note)))


def _measured(groups: Iterable[Group]) -> Mapping[tuple[str, Place], str]:
    """Return the mean of every score at the papers' protocol, by dataset and cell; several precisions side by side."""
    found: dict[tuple[str, Place], list[str]] = {}
    for group in groups:
        if group.protocol == PROTOCOL:
            for score in group.scores:
                if score.n:
                    found.setdefault((group.dataset, score.cell), []).append(f"{headline_text(score)} (n={score.n})")
    return {key: " / ".join(texts) for key, texts in found.items()}
