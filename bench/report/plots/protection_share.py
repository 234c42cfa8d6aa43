"""Accuracy against the share of the training images that is protected."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from attacks.methods.clean import CLEAN
from bench.config.axes import ALL
from bench.report.plots.cells import finished, in_order, one_group, over_seeds, reach
from bench.report.plots.layout import (
    accuracy_axis,
    check_shown,
    error_bars,
    legend,
    method_handles,
    panel_title,
    panels,
)
from bench.report.plots.page import DEFAULT, Page
from bench.report.plots.style import look
from bench.report.summary import usual_but

UNPROTECTED = "unprotected part alone"
_UNPROTECTED_LOOK: dict[str, Any] = {
    "color": "#000000",
    "marker": "o",
    "markerfacecolor": "#ffffff",
    "linestyle": (0.0, (2.0, 1.5)),
}
_BY = ["method", "victim", "rho_a", "share"]


def protection_share(rows: pd.DataFrame, page: Page = DEFAULT) -> Figure:
    """Return one panel per victim and radius: a line per method, and one of training on what is not protected.

    Protection helps as far as a method's line lies below that one. Where nothing is protected, all lines start at the
    accuracy on clean images.

    Args:
        rows: rows of `load_records` of one dataset, protocol and precision.
        page: what it is to be printed on.
    """
    table = protection_share_table(rows)
    check_shown(table, "finished with only a share of the images protected")
    places = list(table.groupby(["victim", "rho_a"]))
    methods = [name for name in dict.fromkeys(table["method"]) if name != UNPROTECTED]
    with page.drawing():
        figure, axes = panels(page, len(places), height=1.5)
        accuracy_axis(figure, axes)
        for panel, ((victim, _), here) in zip(axes, places, strict=True):
            panel.set_title(panel_title(str(victim), float(here["rho_a"].iloc[0])), linespacing=1.0)
            for method, line in here.groupby("method", sort=False):
                _draw(panel, str(method), line)
            panel.set_xticks(sorted(set(here["share"])))
        figure.supxlabel("protected share of the training images (%)")
        unprotected = Line2D([], [], **_UNPROTECTED_LOOK)
        shown = {UNPROTECTED: unprotected} if UNPROTECTED in set(table["method"]) else {}
        legend(figure, {**method_handles(methods), **shown})
    return figure


def _draw(panel: Axes, method: str, line: pd.DataFrame) -> None:
    its = look(method)
    looks = {"color": its.color, "marker": its.marker, "linestyle": its.linestyle}
    looks |= _UNPROTECTED_LOOK if method == UNPROTECTED else {}
    error_bars(panel, line["share"].to_numpy(), line["mean"].to_numpy(), reach(line), **looks)


def protection_share_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Return what `protection_share` shows: a row per method or `UNPROTECTED`, victim, radius and share in percent.

    Only methods that protected a part of the images are in it.
    """
    rows = one_group(rows)
    cells = finished(over_seeds(usual_but(rows, "share", "part")))
    place = pd.MultiIndex.from_frame(cells[["victim", "rho_a"]])
    whole, partly = cells["part"] == "all", cells["share"].between(1, 99)
    cells = cells[place.isin(place[whole & partly])]  # where no part was protected, no line has two points
    whole = cells["part"] == "all"
    methods = set(cells.loc[whole & (cells["share"] < ALL), "method"])
    lines = pd.concat([cells[whole & cells["method"].isin(methods)], cells[~whole].assign(method=UNPROTECTED)])
    clean = cells[whole & (cells["method"] == CLEAN.name)].assign(share=0)
    kinds = lines[["method", "victim", "rho_a"]].drop_duplicates()
    starts = kinds.merge(clean.drop(columns="method"), on=["victim", "rho_a"])
    return in_order(pd.concat([starts, lines])[[*_BY, "n", "mean", "low", "high"]], _BY)
