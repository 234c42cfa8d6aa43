"""Small multiples: a panel per method with a thin line per seed, and behind them what the method is compared with."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from attacks.methods.clean import CLEAN
from bench.report.plots.cells import COUNTS, counts_text, meanings
from bench.report.plots.layout import below, legend, panels
from bench.report.plots.page import Page
from bench.report.plots.style import look


def seed_lines(
    table: pd.DataFrame, x: str, page: Page, *, label: str, marks: Mapping[str, str], beside: str = CLEAN.name
) -> Figure:
    """Return a panel per method with a line per seed over the column `x`, and the lines of `beside` in each panel.

    Args:
        table: a row per point, with the columns `method`, `seed`, `x` and `accuracy`.
        x: the column shown on the x-axis.
        page: the print format.
        label: the label of the x-axis.
        marks: marks by method, as `marks_of` returns them.
        beside: what every method is compared with: clean images, or part of them; it gets a panel only if there is
            nothing else.
    """
    methods = [name for name in dict.fromkeys(table["method"]) if name != beside] or [beside]
    places = sorted(set(table[x]))
    points: dict[str, Any] = {"marker": "o", "markersize": 1.6} if len(places) <= 5 else {}
    behind = table[table["method"] == beside]
    mark = marks.get(CLEAN.name, "")
    name = f"clean images{mark}, one seed" if beside == CLEAN.name else f"{beside}{mark}"
    thin: dict[str, Any] = {"color": "#000000", "linewidth": 0.5, "alpha": 0.4}
    titles = []
    for method in methods:
        counts = table[table["method"] == method].groupby(x)["seed"].nunique()
        titles.append((f"{method}{marks.get(method, '')}", counts_text(counts)))
    with page.drawing():
        figure, axes = panels(page, titles, height=0.55)
        for panel, method in zip(axes, methods, strict=True):
            for _, line in behind.groupby("seed"):
                panel.plot(line[x], line["accuracy"], **thin)
            for _, line in table[table["method"] == method].groupby("seed"):
                panel.plot(line[x], line["accuracy"], color=look(method).color, linewidth=0.8, clip_on=False, **points)
        if points:
            axes[0].set_xticks(places)
        else:
            axes[0].set_xlim(0, places[-1])
            axes[0].set_xticks((0, places[-1]))
        below(figure, label, COUNTS, meanings(marks, [*methods, CLEAN.name] if len(behind) else methods))
        shown = {"one seed": Line2D([], [], color=look(methods[-1]).color, linewidth=0.8, **points)}
        shown |= {name: Line2D([], [], **thin)} if len(behind) and methods != [beside] else {}
        legend(figure, shown)
    return figure
