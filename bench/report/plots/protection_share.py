"""Accuracy against the share of protected training images."""

import pandas as pd
from matplotlib.figure import Figure

from attacks.methods.clean import CLEAN
from bench.config.axes import ALL, AXIS
from bench.report.plots.cells import (
    check_shown,
    in_order,
    marks_of,
    methods_like,
    one_group,
    per_seed,
    with_versions,
)
from bench.report.plots.page import DEFAULT, Page
from bench.report.plots.seed_lines import seed_lines
from bench.report.summary import usual, usual_but
from bench.report.tables import UNPROTECTED

_BY = ["method", "victim", "rho_a", "share", "versions", "seed"]


def protection_share(rows: pd.DataFrame, page: Page = DEFAULT, *, victim: str, rho_a: float = 0.0) -> Figure:
    """Return one panel per method: a line per seed, beside those of training on the unprotected images alone.

    Protection helps to the extent that a method's lines lie below these. With nothing protected, all lines start at
    the accuracy on clean images. Neither is shown where it is of another version of the network or the training.
    Shares at which a seed is of different versions are on different lines; one without partly protected images is a
    single point.

    Args:
        rows: rows of `load_records` of one dataset, protocol and precision.
        page: the print format.
        victim, rho_a: the network and its radius.
    """
    table = protection_share_table(rows, victim=victim, rho_a=rho_a)
    check_shown(table, f"no finished {victim} at radius {rho_a:g} has partly protected images")
    label = f"protected share of the training images (%), {victim}, radius {rho_a:g}"
    marks = marks_of(one_group(rows), "share", "part", victim=victim, rho_a=rho_a)
    shown = _shown(rows, victim, rho_a)
    alike = methods_like(shown, shown[shown["part"] != AXIS["part"].usual])
    return seed_lines(table, "share", page, label=label, marks=marks, alike=alike, beside=UNPROTECTED)


def protection_share_table(rows: pd.DataFrame, *, victim: str, rho_a: float = 0.0) -> pd.DataFrame:
    """Return what `protection_share` shows: a row per method or `UNPROTECTED`, share in percent and seed.

    It includes only methods with records in which part of the images is protected.
    """
    rows = _shown(rows, victim, rho_a)
    cells = per_seed(with_versions(rows), ["method", "victim", "rho_a", "share", "part", "versions"])
    whole = cells["part"] == AXIS["part"].usual
    methods = set(cells.loc[whole & cells["share"].between(1, ALL - 1), "method"])
    if not methods:
        return cells.iloc[:0][[*_BY, "accuracy"]]
    lines = pd.concat([cells[whole & cells["method"].isin(methods)], cells[~whole].assign(method=UNPROTECTED)])
    clean = cells[whole & (cells["method"] == CLEAN.name)].assign(share=0)
    alike = methods_like(rows, usual(rows[rows["method"] == CLEAN.name]))
    alike |= {UNPROTECTED} if CLEAN.name in alike else set()
    partly = lines[lines["method"].isin(alike) & (lines["share"] < ALL)]
    kinds = partly[["method", "victim", "rho_a", "versions", "seed"]].drop_duplicates()
    starts = kinds.merge(clean.drop(columns=["method", "versions"]), on=["victim", "rho_a", "seed"])
    return in_order(pd.concat([starts, lines])[[*_BY, "accuracy"]], _BY)


def _shown(rows: pd.DataFrame, victim: str, rho_a: float) -> pd.DataFrame:
    """Return the rows of one victim at one radius, with all shares and parts."""
    rows = usual_but(one_group(rows), "share", "part")
    return rows[(rows["victim"] == victim) & (rows["rho_a"] == rho_a)]
