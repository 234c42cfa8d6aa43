"""The accuracy that every method leaves to each trainer, and to its strongest."""

from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D

from attacks.methods.clean import CLEAN
from bench.config.axes import TRAINER
from bench.config.suite import RANKING, load_suite
from bench.report.answer import headline_key, track_of
from bench.report.generations import generations
from bench.report.plots.cells import DECIMALS, check_shown, marks_of, meanings, only_group, rows_of
from bench.report.plots.layout import ACCURACY, INK, below, fitted, legend, shorten
from bench.report.plots.page import DEFAULT, Page
from bench.report.plots.style import look
from bench.report.standing import by_trainer, standings, trainer_text, trainer_title
from bench.report.summary import REFERENCES, reference_of

_ROW = 2.5  # height of a row, in font sizes of its name
_SHARE = 0.34  # of the width, for the text at the right
_EDGE = 0.985  # where the layout ends: rendered text is a little wider than laid out


def strongest_trainer(rows: pd.DataFrame, page: Page = DEFAULT) -> Figure:
    """Return a row per method: a dot per trainer of the suite, its mean over seeds; the highest is marked and named.

    A line connects it to clean images at the same trainer. Methods come in the order of headlines (`by_headline`).

    Args:
        rows: rows of `load_records` of one dataset, protocol and precision.
        page: the print format.
    """
    table = strongest_trainer_table(rows)
    check_shown(table, "no method is finished for any trainer of the suite")
    marks = marks_of(only_group(rows).rows, *(axis.field for axis in TRAINER))
    methods = list(dict.fromkeys(table["method"]))
    small: dict[str, Any] = {"marker": "o", "markersize": 2.2, "linestyle": "none", "alpha": 0.5}
    with page.drawing():
        size = float(mpl.rcParams["ytick.labelsize"])
        height = _ROW * size / 72 * len(methods)
        layout = ConstrainedLayoutEngine(rect=(0, 0, _EDGE, 1))
        figure = Figure(figsize=(page.inches, height + 0.45), layout=layout)
        panel = figure.subplots()
        panel.set(xlim=(0, 100), ylim=(len(methods) - 0.5, -0.5))
        for place, method in enumerate(methods):
            its, here = look(method), table[table["method"] == method]
            panel.plot(here["mean"], [place] * len(here), color=its.color, clip_on=False, **small)
            (top,) = rows_of(here[here["strongest"]])
            if method not in REFERENCES:
                panel.plot([top.mean, top.clean], [place] * 2, color=INK, linewidth=0.5, zorder=1)
                panel.plot([top.clean], [place], marker="|", color="#000000", markersize=6, clip_on=False, zorder=4)
            panel.plot([top.mean], [place], color=its.color, marker=its.marker, markersize=5.5, clip_on=False)
            said = f"{top.title}\nn={top.n}, {top.trainers}/{top.of_trainers} trainers"
            lines = [fitted(line, page.inches * _SHARE, 0.9 * size) for line in said.split("\n")]
            panel.annotate(
                "\n".join(lines),
                (1, place),
                (6, 0),
                xycoords=panel.get_yaxis_transform(),
                textcoords="offset points",
                va="center",
                fontsize=0.9 * size,
                linespacing=1.0,
            )
        panel.set_yticks(range(len(methods)), [f"{shorten(name, 22)}{marks[name]}" for name in methods])
        panel.tick_params(axis="y", length=0)
        below(figure, ACCURACY, meanings(marks, methods))
        shown = {"one trainer": Line2D([], [], color=INK, **small)}
        shown["the strongest"] = Line2D([], [], color=INK, marker="D", linestyle="none")
        shown["clean images, same trainer"] = Line2D(
            [], [], color="#000000", marker="|", linestyle="none", markersize=6
        )
        legend(figure, shown)
    return figure


def strongest_trainer_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Return what `strongest_trainer` shows: a row per method and trainer, with clean images at the same trainer.

    `title` is the suite's title for the trainer, `trainers` how many trainers of the suite were measured for the
    method, and `of_trainers` how many there are.
    """
    group = only_group(rows)
    standing = standings(group)
    measured = by_trainer(group.scores, load_suite(RANKING).trainers(group.protocol))
    clean = by_trainer(group.scores).get(CLEAN.name, {})  # also at adaptive trainers outside the suite
    tracks = {made.method: track_of(made.bound) for made in generations(group.rows)}
    found = [
        {
            "method": method,
            "trainer": trainer_text(score),
            "title": trainer_title(score, group.protocol),
            "n": score.n,
            "mean": round(score.mean or 0.0, DECIMALS),
            "worst": round(score.over.worst or 0.0, DECIMALS),
            "clean": round(there.mean or 0.0, DECIMALS) if (there := reference_of(score, clean.get(place))) else None,
            "strongest": score is one.strongest,
            "trainers": one.trainers,
            "of_trainers": one.of_trainers,
        }
        for method, one in sorted(
            standing.items(), key=lambda item: headline_key(item[0], item[1], tracks.get(item[0], 0))
        )
        for place, score in measured[method].items()
    ]
    columns = ["method", "trainer", "title", "n", "mean", "worst", "clean", "strongest", "trainers", "of_trainers"]
    return pd.DataFrame(found, columns=columns).astype({"clean": "float64", "strongest": "bool"})
