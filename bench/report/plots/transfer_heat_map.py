"""How every method's noise transfers to every victim."""

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.report.plots.cells import check_shown, in_order, marks_of, meanings, one_group, over_seeds, rows_of
from bench.report.plots.layout import ACCURACY, below, shorten, text_width
from bench.report.plots.page import DEFAULT, Page
from bench.report.statistics import decimals
from bench.report.summary import usual
from bench.report.text import MISSING

_COLORS = "cividis"  # perceptually uniform, also for colour-blind readers
_WORDS = {"failed": "failed", "budget_exhausted": "budget", "missing": MISSING}


def transfer_heat_map(rows: pd.DataFrame, page: Page = DEFAULT, *, rho_a: float = 0.0) -> Figure:
    """Return a heat map with a row per method and a column per victim; each field shows the mean accuracy over seeds.

    Args:
        rows: rows of `load_records` of one dataset, protocol and precision.
        page: the print format.
        rho_a: the victims' radius.
    """
    table = transfer_heat_map_table(rows, rho_a=rho_a)
    check_shown(table, f"fewer than two victims are finished at radius {rho_a:g}")
    marks = marks_of(one_group(rows), rho_a=rho_a)
    usually = max(counts := [int(row.n) for row in rows_of(table) if row.n], key=lambda n: (counts.count(n), n))
    means = table.pivot_table(index="method", columns="victim", values="mean", sort=False, dropna=False)
    words = table.pivot_table(index="method", columns="victim", values="status", aggfunc="first", sort=False)
    seeds = table.pivot_table(index="method", columns="victim", values="n", sort=False)
    with page.drawing():
        figure = Figure(figsize=(page.inches, 0.19 * len(means) + 1.1), layout="constrained")
        panel = figure.subplots()
        picture = panel.imshow(means.to_numpy(), cmap=_COLORS, vmin=0, vmax=100, aspect="auto", interpolation="none")
        victims = [shorten(name, 20) for name in means.columns]
        panel.set_xticks(range(len(victims)), victims)
        panel.set_yticks(range(len(means)), [f"{shorten(name, 22)}{marks[name]}" for name in means.index])
        _tilt(panel, room=page.inches / 2)
        panel.tick_params(length=0)
        panel.grid(visible=False)
        panel.spines[:].set_visible(False)
        _write(panel, means, words, seeds.where(seeds != usually, 0))
        bar = figure.colorbar(picture, ax=panel, aspect=30, pad=0.02, ticks=range(0, 101, 25), label=ACCURACY)
        bar.outline.set_visible(False)
        note = f"n = {usually} seed{'s' * (usually > 1)}, unless a subscript gives another number"
        below(figure, f"victim, radius {rho_a:g}", note, meanings(marks, means.index))
    return figure


def _tilt(panel: Axes, *, room: float) -> None:
    """Tilt the names of victims if they do not fit side by side in `room` inches."""
    labels = panel.get_xticklabels()
    size = float(mpl.rcParams["xtick.labelsize"])
    widest = max(text_width(label.get_text(), size) for label in labels)
    if len(labels) * widest > room:
        for label in labels:
            label.set(rotation=30, ha="right", rotation_mode="anchor")


def _write(panel: Axes, means: pd.DataFrame, words: pd.DataFrame, seeds: pd.DataFrame) -> None:
    """Write each field's mean, with its number of seeds as a subscript unless that is 0, or why it has none."""
    size = mpl.rcParams["ytick.labelsize"]
    counts = seeds.to_numpy(dtype=int)
    for (row, column), mean in np.ndenumerate(means.to_numpy(dtype=float)):
        known = not np.isnan(mean)
        count = int(counts[row, column]) if known else 0
        low = f"$_{{{count}}}$" if count else ""
        text = decimals(mean, 1) + low if known else _WORDS[str(words.iloc[row, column])]
        color = "#ffffff" if known and mean < 50 else "#000000"
        panel.text(column, row, text, ha="center", va="center", color=color, fontsize=size if known else 0.85 * size)


def transfer_heat_map_table(rows: pd.DataFrame, *, rho_a: float = 0.0) -> pd.DataFrame:
    """Return what `transfer_heat_map` shows: a row per method and victim; empty if fewer than two victims finished."""
    rows = usual(one_group(rows))
    by = ["method", "victim"]
    found = over_seeds(rows[rows["rho_a"] == rho_a], by).drop(columns=["low", "high"])
    if found.loc[found["n"] > 0, "victim"].nunique() < 2:
        return found.iloc[:0]
    every = pd.MultiIndex.from_product([found["method"].unique(), sorted(found["victim"].unique())], names=by)
    full = found.set_index(by).reindex(every).reset_index()
    full = full.fillna({"status": "missing", "n": 0}).astype({"n": "int64"})
    full.insert(2, "rho_a", rho_a)
    return in_order(full, by)
