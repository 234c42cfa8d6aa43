"""Panels, legends and names that fit the page."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.textpath import text_to_path

from attacks.core.errors import RequestError
from bench.report.plots.page import Page
from bench.report.plots.style import look

ACCURACY = "clean test accuracy (%)"
_POINTS = 72  # per inch
_NARROWEST = 1.5  # inches, of a panel
_ALONE = 1.5  # times as high is a panel without others, so that the lines of many methods come apart
_HANDLE = 3.2  # length of a line in a legend, in its font's size


def check_shown(table: pd.DataFrame, what: str) -> None:
    """Refuse a plot of nothing.

    Raises:
        RequestError: where `table` is empty; `what` says what it would need.
    """
    if table.empty:
        raise RequestError(f"nothing to plot: no record here is {what}; `python -m bench status` shows what is done")


def panels(page: Page, count: int, *, height: float) -> tuple[Figure, list[Axes]]:
    """Return a figure of the page's width with `count` panels of `height` inches, as many side by side as fit."""
    height *= _ALONE if count == 1 else 1
    columns = min(int(page.inches / _NARROWEST), count)
    rows = -(-count // columns)
    columns = -(-count // rows)
    figure = Figure(figsize=(page.inches, rows * height + 0.2), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, sharey=True)
    for spare in axes.flat[count:]:
        spare.remove()
    return figure, list(axes.flat[:count])


def accuracy_axis(figure: Figure, axes: Sequence[Axes]) -> None:
    """Let the upright axis be accuracy, all of it."""
    axes[0].set_ylim(0, 100)
    axes[0].set_yticks(range(0, 101, 25))
    if len({panel.get_position().y0 for panel in axes}) == 1:
        axes[0].set_ylabel(ACCURACY)
    else:
        figure.supylabel(ACCURACY)


def method_handles(methods: Sequence[str]) -> dict[str, Line2D]:
    """Return what a legend shows per method."""
    looks = {method: look(method) for method in methods}
    return {
        name: Line2D([], [], color=its.color, marker=its.marker, linestyle=its.linestyle) for name, its in looks.items()
    }


def legend(figure: Figure, handles: Mapping[str, Line2D]) -> None:
    """Put names above the panels, in as many columns as fit, and make the figure higher by what that takes."""
    names = [shorten(name, 28) for name in handles]
    size = float(mpl.rcParams["legend.fontsize"])
    each = max(text_width(name, size) for name in names) + (_HANDLE + 2.2) * size / _POINTS
    fitting = max(1, int((figure.get_figwidth() + 1.2 * size / _POINTS) / each))
    rows = -(-len(names) // fitting)
    columns = -(-len(names) // rows)
    figure.set_figheight(figure.get_figheight() + 1.55 * size * rows / _POINTS + 0.06)
    figure.legend(
        list(handles.values()),
        names,
        loc="outside upper center",
        ncols=columns,
        frameon=False,
        handlelength=_HANDLE,
        columnspacing=1.2,
        labelspacing=0.3,
        borderpad=0.1,
    )


def error_bars(panel: Axes, x: Any, mean: Any, reach: Any, **looks: Any) -> None:
    """Draw points with their intervals, which end at the panel's edge, while points on it are whole."""
    line, _, _ = panel.errorbar(x, mean, yerr=reach, capsize=1.8, elinewidth=0.7, capthick=0.7, **looks).lines
    line.set_clip_on(False)


def panel_title(victim: str, rho_a: float) -> str:
    """Return the title of a panel, on two lines where one would run into the next panel."""
    return f"{shorten(victim, 22)}{', ' if len(victim) <= 12 else chr(10)}radius {rho_a:g}"


def shorten(text: str, length: int) -> str:
    """Cut the middle out of a text that is longer than `length`."""
    if len(text) <= length:
        return text
    tail = (length - 1) // 2
    return f"{text[: length - 1 - tail]}\N{HORIZONTAL ELLIPSIS}{text[-tail:]}"


def two_lines(text: str, length: int) -> str:
    """Break a name that is longer than `length` after its last hyphen, and shorten what is still too long."""
    head, hyphen, tail = text.rpartition("-")
    if len(text) <= length or not head:
        return shorten(text, length)
    return f"{shorten(head + hyphen, length)}\n{shorten(tail, length)}"


def text_width(text: str, size: float) -> float:
    """Return how wide a text of `size` points is, in inches."""
    font = FontProperties(size=size)
    return float(text_to_path.get_text_width_height_descent(text, font, False)[0]) / _POINTS
