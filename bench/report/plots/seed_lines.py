"""Small multiples: a panel per method with a thin line per seed, and behind them what the method is compared with."""

from collections.abc import Container, Mapping
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from attacks.methods.clean import CLEAN
from bench.report.plots.cells import COUNTS, counts_text, meanings
from bench.report.plots.layout import below, legend, panels
from bench.report.plots.page import Page
from bench.report.plots.style import look

_POINT: Mapping[str, Any] = {"marker": "o", "markersize": 1.6}


def seed_lines(
    table: pd.DataFrame,
    x: str,
    page: Page,
    *,
    label: str,
    marks: Mapping[str, str],
    alike: Container[str],
    beside: str = CLEAN.name,
) -> Figure:
    """Return a panel per method with a line per seed over the column `x`, and behind them the lines of `beside`.

    Points are marked where there are few, and where one is alone, which no line would show.

    Args:
        table: a row per point, with the columns `method`, `seed`, `x` and `accuracy`; the points of a line agree in all
            further columns, too.
        x: the column shown on the x-axis.
        page: the print format.
        label: the label of the x-axis.
        marks: marks by method, as `marks_of` returns them.
        alike: the methods that can be compared with `beside`; the panels of others do not show it.
        beside: what every method is compared with: clean images, or part of them; it gets a panel only if there is
            nothing else.
    """
    methods = [name for name in dict.fromkeys(table["method"]) if name != beside] or [beside]
    places = sorted(set(table[x]))
    points: dict[str, Any] = {**_POINT} if len(places) <= 5 else {}
    along = [str(name) for name in table if name not in {"method", x, "accuracy"}]
    behind = table[table["method"] == beside]
    is_shown = len(behind) > 0 and any(method in alike for method in methods)
    mark = marks.get(CLEAN.name, "")
    name = f"clean images{mark}, one seed" if beside == CLEAN.name else f"{beside}{mark}"
    thin: dict[str, Any] = {"color": "#000000", "linewidth": 0.5, "alpha": 0.4, **points}
    titles = []
    for method in methods:
        counts = table[table["method"] == method].groupby(x)["seed"].nunique()
        titles.append((f"{method}{marks.get(method, '')}", counts_text(counts)))
    with page.drawing():
        figure, axes = panels(page, titles, height=0.55)
        for panel, method in zip(axes, methods, strict=True):
            for _, line in (behind if method in alike else behind.iloc[:0]).groupby(along):
                panel.plot(line[x], line["accuracy"], **thin | _alone(line))
            for _, line in table[table["method"] == method].groupby(along):
                own: dict[str, Any] = {"color": look(method).color, "linewidth": 0.8, "clip_on": False, **points}
                panel.plot(line[x], line["accuracy"], **own | _alone(line))
        if points:
            axes[0].set_xticks(places)
        else:
            axes[0].set_xlim(0, places[-1])
            axes[0].set_xticks((0, places[-1]))
        below(figure, label, COUNTS, meanings(marks, [*methods, CLEAN.name] if is_shown else methods))
        shown = {"one seed": Line2D([], [], color=look(methods[-1]).color, linewidth=0.8, **points)}
        shown |= {name: Line2D([], [], **thin)} if is_shown and methods != [beside] else {}
        legend(figure, shown)
    return figure


def _alone(line: pd.DataFrame) -> dict[str, Any]:
    """Return how to mark the only point of a line; empty if it has several."""
    return {**_POINT} if len(line) == 1 else {}
