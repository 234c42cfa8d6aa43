"""Accuracy over training steps."""

from collections.abc import Container, Mapping

import pandas as pd
from matplotlib.figure import Figure

from attacks.core.errors import RequestError
from bench.report.plots.cells import check_shown, per_seed
from bench.report.plots.page import DEFAULT, Page
from bench.report.plots.seed_lines import seed_lines
from bench.report.summary import usual


def training_curves(
    curves: pd.DataFrame,
    page: Page = DEFAULT,
    *,
    victim: str,
    rho_a: float = 0.0,
    marks: Mapping[str, str] | None = None,
    alike: Container[str] | None = None,
) -> Figure:
    """Return one panel per method: a line per seed, beside those of clean images.

    Args:
        curves: rows of `load_curves` of one dataset, protocol and precision.
        page: the print format.
        victim, rho_a: the network and its radius.
        marks: shown after the names of methods, as `bench.report.plots.cells.marks_of` returns them.
        alike: the methods that may be shown beside clean images, as `like_clean` there returns them; None: all.
    """
    table = training_curves_table(curves, victim=victim, rho_a=rho_a)
    check_shown(table, f"no {victim} trained as usual at radius {rho_a:g} is finished and has a curve")
    label, alike = f"training step, {victim}, radius {rho_a:g}", set(table["method"]) if alike is None else alike
    return seed_lines(table, "step", page, label=label, marks=marks or {}, alike=alike)


def training_curves_table(curves: pd.DataFrame, *, victim: str, rho_a: float = 0.0) -> pd.DataFrame:
    """Return what `training_curves` shows: a row per method, seed and step.

    Raises:
        RequestError: where the curves are of several datasets, protocols or precisions, or a cell has two curves.
    """
    curves = usual(curves)
    kinds = curves[["dataset", "protocol", "precision"]].drop_duplicates()
    if len(kinds) > 1:
        names = ", ".join("-".join(kind) for kind in kinds.itertuples(index=False))
        raise RequestError(f"these curves mix {names}; plot one at a time")
    cell = ["method", "victim", "rho_a", "seed"]
    if not curves.empty and curves.groupby(cell)["key"].nunique().max() > 1:
        raise RequestError("some cells were rerun after their inputs changed; keep the curves of one `key` per cell")
    here = curves[(curves["victim"] == victim) & (curves["rho_a"] == rho_a)]
    return per_seed(here, ["method", "victim", "rho_a", "step"], "accuracy").rename_axis(None)
