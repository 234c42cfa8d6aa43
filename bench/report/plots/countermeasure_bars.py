"""What is left of every method's protection when the trainer uses a countermeasure."""

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from attacks.methods.clean import CLEAN
from bench.report.plots.cells import (
    check_shown,
    counts_text,
    in_order,
    like_clean,
    marks_of,
    meanings,
    one_group,
    per_seed,
)
from bench.report.plots.layout import ACCURACY, below, fitted, name_lines
from bench.report.plots.page import DEFAULT, Page
from bench.report.plots.style import look
from bench.report.summary import usual_but
from victims.countermeasures.standard import STANDARD

_NARROWEST = 10.0  # of a panel, in font sizes of its title
_NAMES = 1.1  # inches at most, for the names of countermeasures


def countermeasure_bars(rows: pd.DataFrame, page: Page = DEFAULT, *, victim: str, rho_a: float = 0.0) -> Figure:
    """Return one panel per method: a bar per countermeasure up to the mean, and a point per seed.

    A dash means not measured. A dotted line marks standard training on clean images, the most that a countermeasure
    could recover; it is left out where the two are of different versions of the network or the training.

    Args:
        rows: rows of `load_records` of one dataset, protocol and precision.
        page: the print format.
        victim, rho_a: the victim and its radius.
    """
    table = countermeasure_bars_table(rows, victim=victim, rho_a=rho_a)
    check_shown(table, f"no finished {victim} at radius {rho_a:g} uses a countermeasure")
    marks = marks_of(one_group(rows), "countermeasure", victim=victim, rho_a=rho_a)
    alike = like_clean(one_group(rows), "countermeasure", victim=victim, rho_a=rho_a)
    methods = list(dict.fromkeys(table["method"]))
    names = sorted(set(table["countermeasure"]), key=lambda name: (name != STANDARD.name, name))
    clean = table[(table["method"] == CLEAN.name) & (table["countermeasure"] == STANDARD.name)]["accuracy"]
    with page.drawing():
        size = float(mpl.rcParams["ytick.labelsize"])
        room = page.inches - _NAMES
        columns = min(max(1, int(room / (_NARROWEST * size / 72))), len(methods))
        lines = -(-len(methods) // columns)
        columns = -(-len(methods) // lines)
        figure = Figure(
            figsize=(page.inches, lines * size / 72 * (1.24 * len(names) + 4.5) + 0.3), layout="constrained"
        )
        axes = figure.subplots(lines, columns, squeeze=False, sharex=True, sharey=True)
        for spare in axes.flat[len(methods) :]:
            spare.remove()
        for panel, method in zip(axes.flat, methods, strict=False):
            here = table[table["method"] == method]
            for name, seeds in here.groupby("countermeasure"):
                row, values = names.index(str(name)), seeds["accuracy"]
                panel.barh(row, values.mean(), height=0.72, color=look(method).color, alpha=0.35, linewidth=0)
                panel.plot(values, [row] * len(values), "o", color=look(method).color, markersize=1.8, clip_on=False)
            for name in set(names) - set(here["countermeasure"]):
                panel.annotate("\N{EN DASH}", (0, names.index(name)), (2, 0), textcoords="offset points", va="center")
            if len(clean) and method in alike:
                panel.axvline(clean.mean(), color="#000000", linestyle=":", linewidth=0.7)
            count = counts_text(here.groupby("countermeasure")["seed"].nunique())
            title = name_lines(f"{method}{marks[method]}", count, 0.9 * room / columns, size)
            panel.set_title(title, fontsize=size, linespacing=1.0)
            panel.grid(visible=False, axis="y")
            panel.tick_params(axis="y", length=0)
        axes[0, 0].set(xlim=(0, 100), ylim=(len(names) - 0.4, -0.6), xticks=(0, 50, 100))
        axes[0, 0].set_yticks(range(len(names)), [fitted(name, _NAMES, size) for name in names])
        for panel in axes.flat[max(0, len(methods) - columns) : len(methods)]:
            panel.tick_params(labelbottom=True)
        note = "one point per seed (n in brackets); \N{EN DASH} not measured; dotted: clean images, standard training"
        below(figure, f"{ACCURACY}, {victim}, radius {rho_a:g}", note, meanings(marks, methods))
    return figure


def countermeasure_bars_table(rows: pd.DataFrame, *, victim: str, rho_a: float = 0.0) -> pd.DataFrame:
    """Return what `countermeasure_bars` shows: a row per method, countermeasure and seed, standard training first."""
    rows = usual_but(one_group(rows), "countermeasure")
    rows = rows[(rows["victim"] == victim) & (rows["rho_a"] == rho_a)]
    table = per_seed(rows, ["method", "victim", "rho_a", "countermeasure"])
    tried = table.loc[table["countermeasure"] != STANDARD.name]
    table = table[table["method"].isin(set(tried["method"]) | ({CLEAN.name} if len(tried) else set()))]
    rest = (table["countermeasure"] != STANDARD.name).rename("rest")
    return in_order(table.assign(rest=rest), ["method", "rest", "countermeasure", "seed"]).drop(columns="rest")
