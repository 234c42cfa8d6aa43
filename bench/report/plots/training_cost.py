"""The cost of each trainer, and the accuracy that it reaches on protected and on clean images."""

from math import nan
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator

from attacks.methods.clean import CLEAN
from bench.config.axes import ALL, AXIS, TRAINER
from bench.records.metrics import RANKED
from bench.report.plots.cells import (
    COUNTS,
    check_shown,
    counts_text,
    in_order,
    like_clean,
    marks_of,
    meanings,
    one_group,
    rows_of,
)
from bench.report.plots.layout import INK, below, legend, panels
from bench.report.plots.page import DEFAULT, Page
from bench.report.plots.style import look

_TRAINER = [axis.field for axis in TRAINER]
_WIDE = 0.12  # decades to either side, over which trainers of equal cost are spread


def training_cost(rows: pd.DataFrame, page: Page = DEFAULT) -> Figure:
    """Return one panel per method: a dot per trainer, and a line to the accuracy of the same trainer on clean images.

    Args:
        rows: rows of `load_records` of one dataset, protocol and precision.
        page: the print format.
    """
    whole = training_cost_table(rows)
    known = whole[whole["cost"] > 0]
    table = known if known["cost"].min() < known["cost"].max() else known.iloc[:0]
    check_shown(table, "fewer than two trainers of different, known cost are finished")
    free = sorted({str(training) for training in whole.loc[whole["cost"] == 0, "training"]})
    marks = marks_of(one_group(rows), *_TRAINER)
    methods = [name for name in dict.fromkeys(table["method"]) if name != CLEAN.name] or [CLEAN.name]
    trainers = table[_TRAINER].drop_duplicates().apply(tuple, axis="columns").tolist()
    aside = {
        trainer: 10 ** (_WIDE * (2 * place / max(1, len(trainers) - 1) - 1))
        for place, trainer in enumerate(sorted(trainers, key=str))
    }
    counts = table.groupby("method")["n"].unique()
    titles = [(f"{method}{marks[method]}", counts_text(counts[method])) for method in methods]
    with page.drawing():
        figure, axes = panels(page, titles, height=0.6)
        axes[0].set_xscale("log")
        for panel, method in zip(axes, methods, strict=True):
            for row in rows_of(table[table["method"] == method]):
                cost = row.cost * aside[tuple(getattr(row, field) for field in _TRAINER)]
                panel.plot([cost, cost], [row.mean, row.clean], color=look(method).color, linewidth=0.6, zorder=1)
                panel.plot([cost], [row.clean], "_", color="#000000", markersize=3.5)
                panel.plot([cost], [row.mean], "o", color=look(method).color, markersize=2.2, clip_on=False)
        axes[0].set_xlim(table["cost"].min() / 2, table["cost"].max() * 2)
        axes[0].xaxis.set_major_locator(LogLocator(numticks=4))
        axes[0].xaxis.set_minor_locator(NullLocator())
        below(
            figure,
            "cost of training, image-passes",
            "trainers of equal cost side by side",
            COUNTS,
            meanings(marks, [*methods, CLEAN.name]),
            f"left out (training takes no image-passes): {', '.join(free)}" if free else "",
        )
        dot: dict[str, Any] = {"color": INK, "linestyle": "none"}
        shown: dict[str, Any] = {"one trainer, mean": Line2D([], [], marker="o", markersize=2.2, **dot)}
        clean = f"on clean images{marks.get(CLEAN.name, '')}"
        shown[clean] = Line2D([], [], marker="_", color="#000000", linestyle="none", markersize=5)
        legend(figure, shown)
    return figure


def training_cost_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Return what `training_cost` shows: a row per method and trainer, with all images protected.

    `cost` is that of preparing the images and of training, in image-passes, averaged over seeds; the figure, whose axis
    is logarithmic, only names trainers without any. `clean` is missing where the accuracy on clean images is of another
    version of the trainer.
    """
    rows = one_group(rows)
    rows = rows[(rows["status"] == "ok") & (rows["share"] == ALL) & (rows["part"] == AXIS["part"].usual)]
    rows = rows.dropna(subset=[RANKED, "train_passes"])
    rows = rows.assign(cost=rows["train_passes"] + rows["preparation_passes"].fillna(0.0))
    by = ["method", *_TRAINER]
    table = rows.groupby(by).agg(n=("seed", "nunique"), cost=("cost", "mean"), mean=(RANKED, "mean")).reset_index()
    clean = table[table["method"] == CLEAN.name].rename(columns={"mean": "clean"})
    table = in_order(table.merge(clean[[*_TRAINER, "clean"]], on=_TRAINER, how="left"), by)
    trainers = list(table[_TRAINER].itertuples(index=False, name=None))
    alike = {one: like_clean(rows, *_TRAINER, **dict(zip(_TRAINER, one, strict=True))) for one in set(trainers)}
    unlike = [method not in alike[one] for method, one in zip(table["method"], trainers, strict=True)]
    table.loc[unlike, "clean"] = nan
    return table
