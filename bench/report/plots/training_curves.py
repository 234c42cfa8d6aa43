"""Accuracy over the steps of training."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator

from attacks.core.errors import RequestError
from bench.report.plots.cells import finished, over_seeds
from bench.report.plots.layout import accuracy_axis, check_shown, legend, method_handles, panel_title, panels
from bench.report.plots.page import DEFAULT, Page
from bench.report.plots.style import look
from bench.report.summary import usual


def training_curves(curves: pd.DataFrame, page: Page = DEFAULT) -> Figure:
    """Return one panel per victim and radius: a line per method, the mean over seeds.

    Around it is its 95% interval, or below five seeds their range.

    Args:
        curves: rows of `load_curves` of one dataset, protocol and precision.
        page: what it is to be printed on.
    """
    table = training_curves_table(curves)
    check_shown(table, "finished")
    places = list(table.groupby(["victim", "rho_a"]))
    methods = list(dict.fromkeys(table["method"]))
    with page.drawing():
        figure, axes = panels(page, len(places), height=1.4)
        accuracy_axis(figure, axes)
        for panel, ((victim, _), here) in zip(axes, places, strict=True):
            panel.set_title(panel_title(str(victim), float(here["rho_a"].iloc[0])), linespacing=1.0)
            panel.xaxis.set_major_locator(MaxNLocator(3, integer=True))
            panel.xaxis.set_major_formatter(EngFormatter(sep=""))
            for method, line in here.groupby("method", sort=False):
                _draw(panel, str(method), line)
            panel.set_xlim(left=0)
        figure.supxlabel("training step")
        legend(figure, method_handles(methods))
    return figure


def _draw(panel: Axes, method: str, line: pd.DataFrame) -> None:
    """Draw one method's line; a single seed has no band."""
    style, steps = look(method), line["step"].to_numpy()
    panel.plot(
        steps,
        line["mean"].to_numpy(),
        color=style.color,
        marker=style.marker,
        linestyle=style.linestyle,
        markevery=0.25,  # of the panel's diagonal: a few per line, however many evaluations there are
        markersize=3,
        linewidth=0.9,
    )
    panel.fill_between(steps, line["low"].to_numpy(), line["high"].to_numpy(), color=style.color, alpha=0.2, lw=0)


def training_curves_table(curves: pd.DataFrame) -> pd.DataFrame:
    """Return what `training_curves` shows: a row per method, victim, radius and step.

    Raises:
        RequestError: where the curves are of several datasets, protocols or precisions, or a cell has two of them.
    """
    curves = usual(curves)
    kinds = curves[["dataset", "protocol", "precision"]].drop_duplicates()
    if len(kinds) > 1:
        names = ", ".join("-".join(kind) for kind in kinds.itertuples(index=False))
        raise RequestError(f"these curves mix {names}; plot one at a time")
    cell = ["method", "victim", "rho_a", "seed"]
    if not curves.empty and curves.groupby(cell)["key"].nunique().max() > 1:
        raise RequestError("some cells were rerun after their inputs changed; keep the curves of one `key` per cell")
    return finished(over_seeds(curves, ["method", "victim", "rho_a", "step"], "accuracy"))
