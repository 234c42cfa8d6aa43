"""A forest plot of claims: the measured value of each with its interval, and where it lies if the claim holds."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from math import inf, log10
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from bench.report.claims import Claim
from bench.report.plots.cells import COUNTS, DECIMALS, MEANINGS, check_shown
from bench.report.plots.layout import INK, SAFE, below, fitted, legend, wrapped
from bench.report.plots.page import DEFAULT, Page
from bench.report.text import OLDER
from bench.report.verdicts import Answer, Verdict

HIGHEST = 8.0  # inches, of a figure that fits on a page
_LINE = 1.3  # height of a line, in font sizes
_MARKS: Mapping[Verdict, dict[str, Any]] = {
    "confirmed": {"color": "#0072b2", "marker": "o"},
    "contradicted": {"color": "#d55e00", "marker": "X"},
    "undecided": {"color": "#777777", "marker": "o", "markerfacecolor": "#ffffff"},
}
_HOLDS: dict[str, Any] = {"color": "#009e73", "alpha": 0.15, "linewidth": 0}


def claims_forest(answers: Sequence[Answer], page: Page = DEFAULT) -> Figure:
    """Return for each claim its text and, below it, a line per network: the difference or ratio with its 95% interval.

    The shaded range is where it lies if the claim holds. Claims that were not measured are left out.

    Args:
        answers: of one scale, as `bench.report.verdicts.answers` returns them; `pages_of` splits too many for a page.
        page: the print format.
    """
    answers = [answer for answer in answers if answer.over.mean is not None]
    check_shown(claims_forest_table(answers), "no claim was measured")
    with page.drawing():
        kinds = [(is_cost, list(some)) for is_cost, some in _by_kind(answers)]
        heights = [_lines(some, page) for _, some in kinds]
        inch = _LINE * float(mpl.rcParams["ytick.labelsize"]) / 72
        figure = Figure(figsize=(page.inches, inch * sum(heights) + 0.35 * len(kinds) + 0.15), layout="constrained")
        axes = figure.subplots(len(kinds), 1, squeeze=False, gridspec_kw={"height_ratios": heights})
        for panel, (is_cost, some), lines in zip(axes.flat, kinds, heights, strict=True):
            _draw(panel, some, page, lines)
            panel.set_xlabel("ratio of costs" if is_cost else "difference (percentage points)")
        shown: dict[str, Any] = {
            str(name): Line2D([], [], linestyle="none", **look)
            for name, look in _MARKS.items()
            if name in {answer.verdict for answer in answers}
        }
        legend(figure, shown | {"the claim holds": Patch(**_HOLDS)})
        below(figure, COUNTS, f"{OLDER} {MEANINGS[OLDER]}" if any(answer.older for answer in answers) else "")
    return figure


def pages_of(answers: Sequence[Answer], page: Page = DEFAULT) -> Iterator[list[Answer]]:
    """Split the measured answers so that a figure of each part fits a page; no claim is split."""
    answers = [answer for answer in answers if answer.over.mean is not None]
    with page.drawing():
        most = int((HIGHEST - 1.0) / (_LINE * float(mpl.rcParams["ytick.labelsize"]) / 72))
        part: list[Answer] = []
        for _, some in _by_claim([answer for _, kind in _by_kind(answers) for answer in kind]):
            if part and _lines([*part, *some], page) > most:
                yield part
                part = []
            part += some
    if part:
        yield part


def claims_forest_table(answers: Sequence[Answer]) -> pd.DataFrame:
    """Return what `claims_forest` shows: a row per claim and network; `unit` says what is measured.

    `older` is how many of the records compared are of older versions. The claim holds from `holds_low` to `holds_high`,
    one of which may be infinite.
    """
    rows = [
        {
            "claim": answer.claim.name,
            "text": answer.claim.text,
            "source": answer.claim.source,
            "victim": answer.victim,
            "unit": "ratio" if answer.claim.is_cost else "points",
            "n": answer.over.n,
            **{name: None if value is None else round(value, DECIMALS) for name, value in _numbers(answer).items()},
            "older": answer.older,
            "holds_low": answer.claim.holds[0] + 0.0,  # no negative zero
            "holds_high": answer.claim.holds[1] + 0.0,
            "verdict": answer.verdict,
        }
        for answer in answers
        if answer.over.mean is not None
    ]
    return pd.DataFrame(rows)


def _numbers(answer: Answer) -> dict[str, float | None]:
    return {"mean": answer.over.mean, "low": answer.over.low, "high": answer.over.high}


def _by_kind(answers: Sequence[Answer]) -> Iterator[tuple[bool, list[Answer]]]:
    """Yield the answers about differences, then those about costs, if there are any."""
    for is_cost in (False, True):
        if some := [answer for answer in answers if answer.claim.is_cost == is_cost]:
            yield is_cost, some


def _by_claim(answers: Sequence[Answer]) -> Iterator[tuple[Claim, list[Answer]]]:
    for _, some in groupby(answers, key=lambda answer: answer.claim.name):
        found = list(some)
        yield found[0].claim, found


def _text(claim: Claim, page: Page) -> list[str]:
    """Return the lines above a claim's intervals."""
    size = float(mpl.rcParams["ytick.labelsize"])
    return wrapped(claim.text, SAFE * page.inches, size)


def _lines(answers: Sequence[Answer], page: Page) -> float:
    """Return how many lines the claims take, including the gaps between them."""
    return sum(len(_text(claim, page)) + len(some) + 0.6 for claim, some in _by_claim(answers))


def _draw(panel: Axes, answers: Sequence[Answer], page: Page, lines: float) -> None:
    """Draw the claims of one kind from the top."""
    size = float(mpl.rcParams["ytick.labelsize"])
    is_cost = answers[0].claim.is_cost
    low, high = _limits(answers)
    panel.set(xlim=(low, high), ylim=(lines, 0))
    if is_cost:
        panel.set_xscale("log")
        panel.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        panel.xaxis.set_minor_locator(NullLocator())
    panel.grid(visible=False, axis="y")
    panel.spines["left"].set_visible(False)
    panel.axvline(1 if is_cost else 0, color=INK, linewidth=0.5)
    room = 0.36 * page.inches
    ticks, names, at = [], [], 0.3
    for claim, some in _by_claim(answers):
        for text in _text(claim, page):
            panel.annotate(
                text,
                (0, at + 0.5),
                xycoords=("figure fraction", "data"),
                xytext=(3, 0),
                textcoords="offset points",
                va="center",
                fontsize=size,
                parse_math=False,
                bbox={"facecolor": "#ffffff", "edgecolor": "none", "pad": 0.2},
            )
            at += 1
        start, end = claim.holds
        panel.fill_between([max(start, low), min(end, high)], at, at + len(some), **_HOLDS)
        for answer in some:
            over, look = answer.over, _MARKS[answer.verdict]
            if over.low is not None and over.high is not None:
                panel.plot([over.low, over.high], [at + 0.5] * 2, color=look["color"], linewidth=0.9)
            panel.plot([over.mean or 0.0], [at + 0.5], markersize=3.5, linestyle="none", **look)
            name = ("noise" if is_cost else answer.victim) + OLDER * bool(answer.older)
            ticks.append(at + 0.5)
            names.append(fitted(f"{name} ({over.n})", room, size))
            at += 1
        at += 0.6
    panel.set_yticks(ticks, names)
    panel.tick_params(axis="y", length=0)


def _limits(answers: Sequence[Answer]) -> tuple[float, float]:
    """Return axis limits that include every interval and the reference line, with room on both sides."""
    ends = [value for answer in answers for value in _numbers(answer).values() if value is not None]
    ends += [end for answer in answers for end in answer.claim.holds if abs(end) < inf]
    if answers[0].claim.is_cost:
        return 10 ** (log10(min(1.0, *ends)) - 0.15), 10 ** (log10(max(1.0, *ends)) + 0.15)
    low, high = min(0.0, *ends), max(0.0, *ends)
    return low - 0.05 * (high - low), high + 0.05 * (high - low)
