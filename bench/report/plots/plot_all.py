"""Every plot that can be made from records alone."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from bench.records.frame import load_curves, load_records
from bench.report.plots.accuracy_vs_radius import accuracy_vs_radius
from bench.report.plots.cost_vs_protection import cost_vs_protection
from bench.report.plots.save import FORMATS, check_formats, save
from bench.report.plots.training_curves import training_curves
from bench.report.summary import Group, generations, groups


def plot_all(results: Path, out: Path, formats: Sequence[str] = FORMATS) -> list[Path]:
    """Write the plots of every dataset, protocol and precision into a folder of its own below `out`.

    Returns:
        The paths written; a group without a finished record has no plots.

    Raises:
        RequestError: where there is no folder `results`, a format is unknown, or `out` cannot be written.
    """
    check_formats(formats)
    curves = load_curves(results)
    written: list[Path] = []
    for group in groups(load_records(results)):
        done = group.rows[group.rows["accuracy_final"].notna() & (group.rows["status"] == "ok")]
        if not done.empty:
            for name, figure in _figures(group, curves[curves["key"].isin(done["key"])]):
                written += save(figure, out / group.name / name, formats)
    return written


def _figures(group: Group, curves: pd.DataFrame) -> Iterator[tuple[str, Figure]]:
    """Yield the figures of one group with their file names, one at a time to keep memory low."""
    yield "accuracy_vs_radius", accuracy_vs_radius(group.rows)
    yield "cost_vs_protection", cost_vs_protection(group.rows)
    devices = {device for made in generations(group.rows) for device in made.seconds}
    if len(devices) == 1:
        yield "cost_vs_protection-seconds", cost_vs_protection(group.rows, device=devices.pop())
    for victim, part in curves.groupby("victim"):
        yield f"training_curves-{victim}", training_curves(part)
