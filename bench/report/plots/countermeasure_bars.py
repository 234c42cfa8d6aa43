"""What is left of every method's protection when the victim does something against it."""

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from attacks.methods.clean import CLEAN
from bench.report.plots.cells import finished, one_group, over_seeds, reach
from bench.report.plots.layout import ACCURACY, check_shown, shorten, two_lines
from bench.report.plots.page import DEFAULT, Page
from bench.report.plots.style import look
from bench.report.summary import in_table_order, usual_but
from victims.countermeasures.standard import STANDARD

_NARROWEST = 0.72  # inches, of a panel


def countermeasure_bars(rows: pd.DataFrame, page: Page = DEFAULT, *, victim: str, rho_a: float = 0.0) -> Figure:
    """Return one panel per method: a bar per countermeasure, with 95% intervals, or the range below five seeds.

    A dotted line marks standard training on clean images, which is all that a countermeasure could win back.

    Args:
        rows: rows of `load_records` of one dataset, protocol and precision.
        page: what it is to be printed on.
        victim, rho_a: the victim and its radius.
    """
    table = countermeasure_bars_table(rows, victim=victim, rho_a=rho_a)
    check_shown(table, f"finished with a countermeasure of {victim} at radius {rho_a:g}")
    methods = list(dict.fromkeys(table["method"]))
    names = sorted(set(table["countermeasure"]), key=lambda name: (name != STANDARD.name, name))
    clean = table[(table["method"] == CLEAN.name) & (table["countermeasure"] == STANDARD.name)]["mean"]
    with page.drawing():
        size = float(mpl.rcParams["ytick.labelsize"])
        columns = min(int((page.inches - 0.8) / _NARROWEST), len(methods))
        lines = -(-len(methods) // columns)
        columns = -(-len(methods) // lines)
        figure = Figure(
            figsize=(page.inches, lines * size / 72 * (1.24 * len(names) + 4.0) + 0.3), layout="constrained"
        )
        axes = figure.subplots(lines, columns, squeeze=False, sharex=True, sharey=True)
        for spare in axes.flat[len(methods) :]:
            spare.remove()
        for panel, method in zip(axes.flat, methods, strict=False):
            here = table[table["method"] == method]
            places = [names.index(name) for name in here["countermeasure"]]
            panel.barh(places, here["mean"], height=0.72, color=look(method).color, alpha=0.6, linewidth=0)
            panel.errorbar(here["mean"], places, xerr=reach(here), fmt="none", ecolor="#000000", elinewidth=0.7)
            for level in clean:
                panel.axvline(level, color="#000000", linestyle=":", linewidth=0.7)
            panel.set_title(two_lines(method, 13), fontsize=size, linespacing=1.0)
            panel.grid(visible=False, axis="y")
            panel.tick_params(axis="y", length=0)
        axes[0, 0].set(xlim=(0, 100), ylim=(len(names) - 0.4, -0.6), xticks=(0, 50, 100))
        axes[0, 0].set_yticks(range(len(names)), [shorten(name, 22) for name in names])
        for panel in axes.flat[max(0, len(methods) - columns) : len(methods)]:
            panel.tick_params(labelbottom=True)
        figure.supxlabel(f"{ACCURACY}, {shorten(victim, 22)}, radius {rho_a:g}")
    return figure


def countermeasure_bars_table(rows: pd.DataFrame, *, victim: str, rho_a: float = 0.0) -> pd.DataFrame:
    """Return what `countermeasure_bars` shows: a row per method and countermeasure, standard training first."""
    rows = usual_but(one_group(rows), "countermeasure")
    rows = rows[(rows["victim"] == victim) & (rows["rho_a"] == rho_a)]
    by = ["method", "victim", "rho_a", "countermeasure"]
    table = finished(over_seeds(rows, by))
    tried = table.loc[table["countermeasure"] != STANDARD.name]
    table = table[table["method"].isin(set(tried["method"]) | ({CLEAN.name} if len(tried) else set()))]
    first = table["countermeasure"] == STANDARD.name
    order = {method: number for number, method in enumerate(in_table_order(table["method"]))}
    keys = pd.DataFrame({"method": table["method"].map(order), "rest": ~first, "name": table["countermeasure"]})
    return table.loc[keys.sort_values(["method", "rest", "name"]).index].reset_index(drop=True)
