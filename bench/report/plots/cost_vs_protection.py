"""What generation costs against what it protects."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullFormatter

from bench.report.plots.cells import finished, in_order, one_group, over_seeds, reach
from bench.report.plots.layout import accuracy_axis, check_shown, error_bars, legend, method_handles, panels, shorten
from bench.report.plots.page import DEFAULT, Page
from bench.report.plots.style import look
from bench.report.summary import REFERENCES, generations, usual
from bench.report.text import shortened

_FRONT: dict[str, Any] = {"color": "#aaaaaa", "linewidth": 0.9, "zorder": 1.5}


def cost_vs_protection(
    rows: pd.DataFrame, page: Page = DEFAULT, *, rho_a: float = 0.0, device: str | None = None
) -> Figure:
    """Return one panel per victim: a point per method, and the front of those that none beats in both.

    References are horizontal lines: they cost nothing, which a log scale cannot show.

    Args:
        rows: rows of `load_records` of one dataset, protocol and precision.
        page: what it is to be printed on.
        rho_a: the victims' radius.
        device: where given, the cost is seconds on this device, and methods that ran elsewhere are left out;
            otherwise it is image-passes.
    """
    table = cost_vs_protection_table(rows, rho_a=rho_a, device=device)
    check_shown(table, f"finished at radius {rho_a:g} for a method of known cost")
    victims = sorted(set(table["victim"]))
    with page.drawing():
        figure, axes = panels(page, len(victims), height=1.75)
        accuracy_axis(figure, axes)
        for panel, victim in zip(axes, victims, strict=True):
            panel.set_title(shorten(victim, 22))
            panel.set_xscale("log")
            panel.xaxis.set_minor_formatter(NullFormatter())
            _draw(panel, table[table["victim"] == victim])
            panel.set_xlim(*_limits(table["cost"]))
        unit = "image-passes" if device is None else f"seconds ({shorten(shortened(device), 40)})"
        figure.supxlabel(f"generation cost, {unit}; victim radius {rho_a:g}", parse_math=False)
        legend(figure, {**_handles(list(dict.fromkeys(table["method"]))), "Pareto front": Line2D([], [], **_FRONT)})
    return figure


def cost_vs_protection_table(rows: pd.DataFrame, *, rho_a: float = 0.0, device: str | None = None) -> pd.DataFrame:
    """Return what `cost_vs_protection` shows: a row per method and victim; references cost nothing.

    `front` tells which methods no other of their victim beats: none is as cheap and protects better.
    """
    rows = usual(one_group(rows))
    table = finished(over_seeds(rows[rows["rho_a"] == rho_a], ["method", "victim", "rho_a"]))
    costs = {made.method: made.passes if device is None else made.seconds.get(device) for made in generations(rows)}
    table["cost"] = table["method"].map(costs).astype("float64").round(4)
    table["unit"] = "image-passes" if device is None else f"seconds on {shortened(device)}"
    is_reference = table["method"].isin(REFERENCES)
    table.loc[is_reference, "cost"] = 0.0
    if not (table["cost"] > 0).any():
        return table.iloc[:0].assign(front=False)
    table = table[is_reference | (table["cost"] > 0)]
    by_cost = table[table["cost"] > 0].sort_values(["cost", "mean"])
    before = by_cost.groupby("victim")["mean"].transform(lambda means: means.cummin().shift(fill_value=float("inf")))
    table = table.assign(front=(by_cost["mean"] < before).reindex(table.index, fill_value=False))
    return in_order(table, ["method", "victim"])


def _limits(costs: "pd.Series[float]") -> tuple[float, float]:
    """Return limits of the cost axis that leave room on both sides and hold a power of ten."""
    known = costs[costs > 0]
    return float(known.min()) / 4, float(known.max()) * 4


def _handles(methods: Sequence[str]) -> dict[str, Line2D]:
    """Return what the legend shows: lines of references, and points of the others."""
    handles = method_handles(methods)
    for method, handle in handles.items():
        if method in REFERENCES:
            handle.set_marker("none")
        else:
            handle.set_linestyle("none")
    return handles


def _draw(panel: Axes, here: pd.DataFrame) -> None:
    """Draw one panel: points of methods, their front, and lines of references."""
    front = here[here["front"]].sort_values("cost")
    beyond = float(here["cost"].max()) * 1e3
    panel.plot([*front["cost"], beyond], [*front["mean"], front["mean"].min()], drawstyle="steps-post", **_FRONT)
    for method, point in here.groupby("method", sort=False):
        its, cost, mean = look(str(method)), point["cost"].to_numpy(), point["mean"].to_numpy()
        if method in REFERENCES:
            panel.axhline(mean[0], color=its.color, linestyle=its.linestyle, linewidth=0.8)
        else:
            error_bars(panel, cost, mean, reach(point), color=its.color, marker=its.marker)
