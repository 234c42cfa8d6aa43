"""Accuracy over the steps of training."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator

from bench.report.plots.style import legend, look, panel_title, panels, paper_style
from bench.report.summary import in_table_order


def training_curves(curves: pd.DataFrame) -> Figure:
    """Return one panel per victim and radius: a line per method, the mean over seeds, in a band of one deviation.

    Args:
        curves: rows of `load_curves` of one dataset, protocol and precision.
    """
    curves = curves[curves["status"] == "ok"]
    places = list(curves.groupby(["victim", "rho_a"]))
    with paper_style():
        figure, axes = panels(len(places), height=1.4)
        for panel, ((victim, _), here) in zip(axes, places, strict=True):
            panel.set_title(panel_title(str(victim), float(here["rho_a"].iloc[0])))
            panel.xaxis.set_major_locator(MaxNLocator(3, integer=True))
            panel.xaxis.set_major_formatter(EngFormatter(sep=""))
            for method in in_table_order(here["method"]):
                _draw(panel, method, here[here["method"] == method])
            panel.set_xlim(left=0)
        figure.supxlabel("training step", fontsize=7)
        legend(figure, in_table_order(curves["method"]))
    return figure


def _draw(panel: Axes, method: str, line: pd.DataFrame) -> None:
    """Draw one method's line; a single seed has no band."""
    style = look(method)
    by_step = line.groupby("step")["accuracy"].agg(["mean", "std"])
    low, high = by_step["mean"] - by_step["std"], by_step["mean"] + by_step["std"]
    steps = by_step.index.to_numpy()
    panel.plot(
        steps,
        by_step["mean"].to_numpy(),
        color=style.color,
        marker=style.marker,
        linestyle=style.linestyle,
        markevery=0.25,  # of the panel's diagonal: a few per line, however many evaluations there are
        markersize=3,
        linewidth=0.9,
    )
    panel.fill_between(steps, low.to_numpy(), high.to_numpy(), color=style.color, alpha=0.2, linewidth=0)
