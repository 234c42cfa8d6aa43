"""The cost of generation against the protection that it gives."""

from collections.abc import Mapping
from math import ceil, floor, log10, nan
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator
from matplotlib.transforms import ScaledTranslation

from bench.config.axes import place, without_method
from bench.report.answer import track_of
from bench.report.generations import generations
from bench.report.plots.cells import (
    COUNTS,
    check_shown,
    finished,
    in_order,
    marks_of,
    meanings,
    one_group,
    only_group,
    over_seeds,
    rows_of,
)
from bench.report.plots.labels import label_beside
from bench.report.plots.layout import ACCURACY, INK, below, legend, shorten
from bench.report.plots.page import DEFAULT, Page
from bench.report.plots.style import look
from bench.report.summary import REFERENCES, paired, usual
from bench.report.text import shortened

TRACKS = ("L-inf rho_u", "other bound", "no bound")
_LINE = 1.35  # height of a label, in font sizes
_LABELS = 4  # decades with a label, at most
_STEP = 3.5 / 72  # inches between points of equal cost
_PALE = 0.3  # opacity of a point that is beaten


def cost_vs_protection(
    rows: pd.DataFrame, page: Page = DEFAULT, *, victim: str, rho_a: float = 0.0, device: str | None = None
) -> Figure:
    """Return a point per method with its 95% interval, or its range below five seeds; pale if another beats it.

    The cost axis is logarithmic and broken at zero. References are horizontal lines.

    Args:
        rows: rows of `load_records` of one dataset, protocol and precision.
        page: the print format.
        victim, rho_a: the network and its radius.
        device: if given, the cost is seconds on this device, and methods that ran elsewhere are left out;
            otherwise it is image-passes.
    """
    table = cost_vs_protection_table(rows, victim=victim, rho_a=rho_a, device=device)
    where = f"{victim}, radius {rho_a:g}"
    check_shown(table, f"no method of known cost is finished for {where}, trained as usual")
    marks = marks_of(one_group(rows), victim=victim, rho_a=rho_a)
    with page.drawing():
        size = float(mpl.rcParams["ytick.labelsize"])
        height = max(1.8, _LINE * size / 72 * (len(table) + 1))
        figure = Figure(figsize=(page.inches, height + 0.45), layout="constrained")
        panel = figure.subplots()
        panel.set(ylim=(0, 100), yticks=range(0, 101, 25), ylabel=ACCURACY)
        _cost_axis(panel, table["cost"])
        _draw(figure, panel, table)
        names = [f"{shorten(row.method, 22)}{marks[row.method]} ({row.n})" for row in rows_of(table)]
        points = [(nan if row.method in REFERENCES else row.cost, row.mean) for row in rows_of(table)]
        label_beside(
            figure, panel, names, points, [_look(row) for row in rows_of(table)], gap=100 * _LINE * size / 72 / height
        )
        unit = "image-passes" if device is None else f"seconds ({shortened(device)})"
        lost = [name for name in marks if name not in set(table["method"])]
        below(
            figure,
            f"generation cost, {unit}; {where}",
            "points of equal cost side by side",
            COUNTS,
            meanings(marks, table["method"]),
            f"left out, accuracy or cost unknown: {', '.join(lost)}" if lost else "",
        )
        legend(figure, _handles(table))
    return figure


def cost_vs_protection_table(
    rows: pd.DataFrame, *, victim: str, rho_a: float = 0.0, device: str | None = None
) -> pd.DataFrame:
    """Return what `cost_vs_protection` shows: a row per method; references cost nothing.

    `unbeaten` marks the methods that no other of their `track` beats beyond doubt: none costs the same or less and
    protects better by the whole 95% interval of the paired difference (`bench.report.pool`). A method with too few
    seeds for an interval is never beaten.
    """
    group = only_group(rows)
    usually = usual(group.rows)
    here = usually[(usually["victim"] == victim) & (usually["rho_a"] == rho_a)]
    table = finished(over_seeds(here, ["method", "victim", "rho_a"]))
    made = {one.method: one for one in generations(group.rows)}
    costs = {name: one.passes if device is None else one.seconds.get(device) for name, one in made.items()}
    table["cost"] = table["method"].map(costs).astype("float64")
    table["unit"] = "image-passes" if device is None else f"seconds on {shortened(device)}"
    table.loc[table["method"].isin(REFERENCES), "cost"] = 0.0
    bounds = [made[name].bound if name in made else "" for name in table["method"]]
    table["track"] = [TRACKS[track_of(bound)] for bound in bounds]
    table = in_order(table.dropna(subset=["cost"]), ["method"])
    trainer = without_method(place(victim=victim, rho_a=rho_a))
    scores = {score.method: score for score in group.scores if without_method(score.cell) == trainer}
    others = table[~table["method"].isin(REFERENCES)]

    def beats(one: Any, other: Any) -> bool:
        if one.track != other.track or one.cost > other.cost:
            return False
        over = group.pool.difference(paired(scores[one.method], scores[other.method]))
        return over.is_decided and (over.mean or 0.0) < 0

    entries = rows_of(others)
    unbeaten = {row.method for row in entries if not any(beats(other, row) for other in entries)}
    table = table.assign(unbeaten=table["method"].isin(unbeaten))
    return table if entries else table.iloc[:0]


def _cost_axis(panel: Axes, costs: "pd.Series[float]") -> None:
    """Make the x-axis logarithmic, with a break if it includes zero."""
    some = costs[costs > 0]
    if some.empty:
        panel.set(xlim=(-0.5, 1.0), xticks=[0], xticklabels=["0"])
        return
    first, last = floor(log10(some.min() * 0.999)), ceil(log10(some.max() * 1.001))
    decades = [10.0**power for power in range(first, last + 1)]
    if (costs == 0).any():
        panel.set_xscale("symlog", linthresh=decades[0], linscale=0.6)
        room = min(1.0, 0.3 + 0.12 * float((costs == 0).sum()))  # for methods without cost, side by side
        panel.set_xlim(-room * decades[0], decades[-1])
        for place_of in (0.6, 0.72):  # the break, between zero and the first decade
            panel.plot(place_of * decades[0], 0, marker=(2, 0, -20), color="#000000", markersize=5, clip_on=False)
    else:
        panel.set_xscale("log")
        panel.set_xlim(decades[0], decades[-1])
    zero = [0.0] if (costs == 0).any() else []
    panel.xaxis.set_major_locator(FixedLocator([*zero, *decades[:: ceil(len(decades) / _LABELS)]]))
    panel.xaxis.set_minor_locator(NullLocator())


def _draw(figure: Figure, panel: Axes, table: pd.DataFrame) -> None:
    """Draw points with their intervals, those of equal cost side by side, and references as lines."""
    beside: dict[float, int] = {}
    for row in rows_of(table):
        if row.method in REFERENCES:
            panel.axhline(row.mean, color=look(row.method).color, linewidth=0.7)
            continue
        number = beside.setdefault(row.cost, 0)
        beside[row.cost] += 1
        aside = ScaledTranslation(_STEP * ((number + 1) // 2) * (-1) ** number, 0, figure.dpi_scale_trans)
        if row.low < row.high:
            panel.plot(
                [row.cost] * 2,
                [row.low, row.high],
                color=look(row.method).color,
                lw=0.7,
                transform=panel.transData + aside,
            )
        panel.plot([row.cost], [row.mean], transform=panel.transData + aside, **_look(row))


def _look(row: Any) -> dict[str, Any]:
    """Return how a method's point is drawn, in the panel and beside its name; a reference is a line."""
    its = look(row.method)
    if row.method in REFERENCES:
        return {"color": its.color, "marker": "_", "clip_on": False}
    alpha = 1.0 if row.unbeaten else _PALE
    return {"color": its.color, "marker": its.marker, "alpha": alpha, "zorder": 3, "clip_on": False}


def _handles(table: pd.DataFrame) -> Mapping[str, Line2D]:
    """Return the entries of the legend: points in full colour, and pale ones if there are any."""
    looks: dict[str, Any] = {"color": INK, "marker": "o", "linestyle": "none"}
    found = {"not beaten at its cost or less (95%, same kind of bound)": Line2D([], [], **looks)}
    if not table.loc[~table["method"].isin(REFERENCES), "unbeaten"].all():
        found["beaten at its cost or less (95%)"] = Line2D([], [], alpha=_PALE, **looks)
    return found
