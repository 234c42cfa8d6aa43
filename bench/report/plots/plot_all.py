"""Every plot that can be made from records alone."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from bench.records.frame import load_curves, load_records
from bench.report.plots.accuracy_vs_radius import accuracy_vs_radius, accuracy_vs_radius_table
from bench.report.plots.cost_vs_protection import cost_vs_protection, cost_vs_protection_table
from bench.report.plots.countermeasure_bars import countermeasure_bars, countermeasure_bars_table
from bench.report.plots.page import DEFAULT, Page
from bench.report.plots.protection_share import protection_share, protection_share_table
from bench.report.plots.rank_diagram import rank_diagram, rank_diagram_table
from bench.report.plots.save import FORMATS, check_formats, save
from bench.report.plots.training_curves import training_curves, training_curves_table
from bench.report.plots.transfer_heat_map import transfer_heat_map, transfer_heat_map_table
from bench.report.summary import generations, groups, usual


@dataclass(frozen=True, kw_only=True)
class _Plot:
    """A file name, what the plot shows, and how it is drawn."""

    name: str
    table: Callable[[], pd.DataFrame]
    draw: Callable[[Page], Figure]


def plot_all(results: Path, out: Path, formats: Sequence[str] = FORMATS, page: Page = DEFAULT) -> list[Path]:
    """Write the plots of every dataset, protocol and precision, with their CSV, into a folder of its own below `out`.

    Returns:
        The paths written; a plot whose records are not there is not made.

    Raises:
        RequestError: where there is no folder `results`, a format is unknown, or `out` cannot be written.
    """
    check_formats(formats)
    curves = load_curves(results)
    written: list[Path] = []
    for group in groups(load_records(results)):
        for plot in _plots(group.rows, curves[curves["key"].isin(group.rows["key"])]):
            table = plot.table()
            if not table.empty:
                written += save(plot.draw(page), table, out / group.name / plot.name, formats, page)
    return written


def _plots(rows: pd.DataFrame, curves: pd.DataFrame) -> Iterator[_Plot]:
    """Yield the plots that one group of records may have, one at a time to keep memory low."""
    plain = [
        ("accuracy_vs_radius", accuracy_vs_radius, accuracy_vs_radius_table),
        ("protection_share", protection_share, protection_share_table),
        ("rank_diagram", rank_diagram, rank_diagram_table),
    ]
    for name, draw, table in plain:
        yield _Plot(name=name, table=partial(table, rows), draw=partial(draw, rows))
    radii = sorted(set(usual(rows)["rho_a"]))
    for rho_a in radii:
        yield _Plot(
            name=f"transfer_heat_map-r{rho_a:g}",
            table=partial(transfer_heat_map_table, rows, rho_a=rho_a),
            draw=partial(transfer_heat_map, rows, rho_a=rho_a),
        )
    devices = {device for made in generations(rows) for device in made.seconds}
    costs = [("", None), *([("-seconds", devices.pop())] if len(devices) == 1 else [])]
    for rho_a in sorted({*radii[:1], *radii[-1:]}):
        for suffix, device in costs:
            yield _Plot(
                name=f"cost_vs_protection-r{rho_a:g}{suffix}",
                table=partial(cost_vs_protection_table, rows, rho_a=rho_a, device=device),
                draw=partial(cost_vs_protection, rows, rho_a=rho_a, device=device),
            )
    for victim, rho_a in sorted(set(zip(rows["victim"], rows["rho_a"], strict=True))):
        yield _Plot(
            name=f"countermeasure_bars-{victim}-r{rho_a:g}",
            table=partial(countermeasure_bars_table, rows, victim=victim, rho_a=rho_a),
            draw=partial(countermeasure_bars, rows, victim=victim, rho_a=rho_a),
        )
    for victim in sorted(set(curves["victim"])):
        part = curves[curves["victim"] == victim]
        yield _Plot(
            name=f"training_curves-{victim}",
            table=partial(training_curves_table, part),
            draw=partial(training_curves, part),
        )
