"""Accuracy against the victim's adversarial-training radius."""

import pandas as pd
from matplotlib.figure import Figure

from bench.report.plots.cells import check_shown, like_clean, marks_of, one_group, per_seed, with_versions
from bench.report.plots.page import DEFAULT, Page
from bench.report.plots.seed_lines import seed_lines
from bench.report.summary import usual


def accuracy_vs_radius(rows: pd.DataFrame, page: Page = DEFAULT, *, victim: str) -> Figure:
    """Return one panel per method: a line per seed, beside those of clean images of the same versions.

    Radii at which a seed is of different versions of the method or the trainer are on different lines.

    Args:
        rows: rows of `load_records` of one dataset, protocol and precision.
        page: the print format.
        victim: the network.
    """
    table = accuracy_vs_radius_table(rows, victim=victim)
    check_shown(table, f"fewer than two radii of {victim} are finished")
    label, group = f"adversarial-training radius of {victim} (1/255)", one_group(rows)
    marks, alike = marks_of(group, victim=victim), like_clean(group, victim=victim)
    return seed_lines(table, "rho_a", page, label=label, marks=marks, alike=alike)


def accuracy_vs_radius_table(rows: pd.DataFrame, *, victim: str) -> pd.DataFrame:
    """Return what `accuracy_vs_radius` shows: a row per method, radius and seed; empty if there is one radius."""
    rows = usual(one_group(rows))
    table = per_seed(with_versions(rows[rows["victim"] == victim]), ["method", "victim", "rho_a", "versions"])
    return table if table["rho_a"].min() < table["rho_a"].max() else table.iloc[:0]
