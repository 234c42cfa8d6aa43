"""Mean ranks of the methods, and which of them the records cannot distinguish."""

from statistics import fmean

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import offset_copy

from bench.records.metrics import RANKED
from bench.records.older import VERSIONS
from bench.report.plots.cells import DECIMALS, check_shown, marks_of, meanings, one_group
from bench.report.plots.layout import INK, below, shorten
from bench.report.plots.page import DEFAULT, Page
from bench.report.plots.style import look
from bench.report.pool import pool_of
from bench.report.statistics import decimals, rank_groups
from bench.report.summary import REFERENCES, usual

_BAR = 0.07  # inches between the bars of groups


def rank_diagram(rows: pd.DataFrame, page: Page = DEFAULT) -> Figure:
    """Return a point per method at its mean rank, 1 protecting best; bars join those that cannot be distinguished.

    Ranks are averaged over the combinations (victim, radius, seed) that all of them have. References are left out, and
    so are methods with too few (`_in_common`). A bar joins neighbours whose paired differences in accuracy, averaged at
    each seed over the combinations that both have, are all undecided (`bench.report.pool`); they are not corrected for
    the number of pairs. Two methods without a common bar may be undecided, too. The diagram is that of Demsar,
    "Statistical comparisons of classifiers over multiple data sets", JMLR 2006, rotated by 90 degrees to make room for
    names, with these intervals in place of a critical difference.

    Args:
        rows: rows of `load_records` of one dataset, protocol and precision.
        page: the print format.
    """
    whole = rank_diagram_table(rows)
    table = whole.dropna(subset=["rank"])
    check_shown(table, "fewer than two methods are finished with the same victim, radius and seed")
    marks = marks_of(one_group(rows))
    with page.drawing():
        size = float(mpl.rcParams["ytick.labelsize"])
        figure = Figure(figsize=(page.inches, 1.9 * size / 72 * len(table) + 0.6), layout="constrained")
        panel = figure.subplots()
        panel.set_xlim(1, len(table))
        panel.set_ylim(len(table) - 0.5, -0.5)
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
        for place, (method, rank) in enumerate(zip(table["method"], table["rank"], strict=True)):
            its = look(method)
            panel.plot([rank], [place], color=its.color, marker=its.marker, markersize=5, clip_on=False)
            beyond = rank > (1 + len(table)) / 2
            panel.annotate(
                decimals(rank),
                (rank, place),
                (-6 if beyond else 6, 0),
                textcoords="offset points",
                ha="right" if beyond else "left",
                va="center",
                fontsize=size,
            )
        panel.set_yticks(range(len(table)), [f"{shorten(method, 22)}{marks[method]}" for method in table["method"]])
        panel.tick_params(axis="y", length=0, pad=6)  # a marker of rank 1 lies on the axis
        for number, (first, last) in enumerate(_groups(table), 1):
            across = offset_copy(panel.get_yaxis_transform(), figure, x=0.04 + _BAR * number)
            ends = [first - 0.3, last + 0.3]
            panel.plot([1, 1], ends, transform=across, color=INK, lw=2, solid_capstyle="butt", clip_on=False)
        bars = (
            "grey bars join methods that cannot be told apart (95%); others may be tied, too"
            if table["groups"].any()
            else ""
        )
        lost = [name for name in whole["method"] if name not in set(table["method"])]
        below(
            figure,
            f"mean rank over n = {int(table['cells'].iloc[0])} (victim, radius, seed); 1 = best protection",
            bars,
            meanings(marks, table["method"]),
            f"left out (too few in common): {', '.join(lost)}" if lost else "",
        )
    return figure


def _groups(table: pd.DataFrame) -> list[tuple[int, int]]:
    """Return the places of the first and the last method of every group."""
    members: dict[int, list[int]] = {}
    for place, text in enumerate(table["groups"]):
        for group in text.split():
            members.setdefault(int(group), []).append(place)
    return [(min(places), max(places)) for _, places in sorted(members.items())]


def rank_diagram_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Return what `rank_diagram` shows: a row per method, best first, with its mean rank and the groups it is in.

    `cells` is how many combinations (victim, radius, seed) all of them have, at one version of the victim's network,
    training and countermeasure; groups are numbers separated by spaces.
    Methods that are left out come last, without a rank and with their own number of cells.
    """
    whole = one_group(rows)
    rows = usual(whole)
    rows = rows[(rows["status"] == "ok") & ~rows["method"].isin(REFERENCES)].dropna(subset=[RANKED])
    cell = ["victim", "rho_a", "seed", *VERSIONS]
    wide = rows.pivot_table(index=cell, columns="method", values=RANKED)
    shared = _in_common(wide)
    if shared.empty:
        return pd.DataFrame({"method": [], "rank": [], "cells": [], "groups": []})
    ranks = shared.rank(axis="columns").mean().round(DECIMALS).sort_values(kind="stable")
    names = [str(name) for name in ranks.index]
    pool = pool_of(whole)

    def tied(one: str, other: str) -> bool:
        differences = (wide[one] - wide[other]).dropna().groupby(level="seed")
        return not pool.difference([fmean(values) for _, values in differences]).is_decided

    groups = rank_groups(names, tied)
    inside = [" ".join(str(number) for number, group in enumerate(groups, 1) if name in group) for name in names]
    ranked = pd.DataFrame({"method": names, "rank": ranks.to_numpy(), "cells": len(shared), "groups": inside})
    left_out = wide.count().drop(shared.columns).rename("cells").rename_axis("method").reset_index().assign(groups="")
    return pd.concat([ranked, left_out], ignore_index=True) if len(left_out) else ranked


def _in_common(wide: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that all methods have, with a column per method; empty if no two have any in common.

    Methods are left out that have less than half as many rows as the second of them; while the others have none in
    common, so is the method that has the fewest in common with the rest.
    """
    while wide.shape[1] > 1:
        counts = wide.count()
        shared = wide.loc[:, counts >= counts.nlargest(2).min() / 2].dropna()
        if not shared.empty:
            return shared
        has = wide.notna().astype(int)
        wide = wide.drop(columns=((has.T @ has).sum() - counts).idxmin())
    return wide.iloc[:0]
