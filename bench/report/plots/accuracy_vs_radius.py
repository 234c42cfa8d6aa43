"""Accuracy against the victim's adversarial-training radius."""

import pandas as pd
from matplotlib.figure import Figure

from bench.report.plots.cells import finished, one_group, over_seeds, reach
from bench.report.plots.layout import accuracy_axis, check_shown, error_bars, legend, method_handles, panels, shorten
from bench.report.plots.page import DEFAULT, Page
from bench.report.plots.style import look
from bench.report.summary import usual


def accuracy_vs_radius(rows: pd.DataFrame, page: Page = DEFAULT) -> Figure:
    """Return one panel per victim: a line per method, with 95% intervals, or the range below five seeds.

    Args:
        rows: rows of `load_records` of one dataset, protocol and precision.
        page: what it is to be printed on.
    """
    table = accuracy_vs_radius_table(rows)
    check_shown(table, "finished")
    methods = list(dict.fromkeys(table["method"]))
    victims = sorted(set(table["victim"]))
    with page.drawing():
        figure, axes = panels(page, len(victims), height=1.5)
        accuracy_axis(figure, axes)
        for panel, victim in zip(axes, victims, strict=True):
            here = table[table["victim"] == victim]
            panel.set_title(shorten(victim, 22))
            for method, line in here.groupby("method", sort=False):
                its = look(str(method))
                looks = {"color": its.color, "marker": its.marker, "linestyle": its.linestyle}
                error_bars(panel, line["rho_a"].to_numpy(), line["mean"].to_numpy(), reach(line), **looks)
            panel.set_xticks(sorted(set(here["rho_a"])))
        figure.supxlabel("adversarial-training radius (1/255)")
        legend(figure, method_handles(methods))
    return figure


def accuracy_vs_radius_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Return what `accuracy_vs_radius` shows: a row per method, victim and radius."""
    return finished(over_seeds(usual(one_group(rows)), ["method", "victim", "rho_a"]))
