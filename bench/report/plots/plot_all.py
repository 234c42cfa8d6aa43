"""All plots that records allow, and contact sheets of noise in the cache."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from bench.config.axes import ALL, AXIS
from bench.data import Places
from bench.records.frame import Curves, load_records
from bench.report.claims import load_claims
from bench.report.generations import generations
from bench.report.plots.accuracy_vs_radius import accuracy_vs_radius, accuracy_vs_radius_table
from bench.report.plots.cells import NothingToPlotError, like_clean, marks_of
from bench.report.plots.claims_forest import claims_forest, claims_forest_table, pages_of
from bench.report.plots.contact_sheets import contact_sheets
from bench.report.plots.cost_vs_protection import cost_vs_protection, cost_vs_protection_table
from bench.report.plots.countermeasure_bars import countermeasure_bars, countermeasure_bars_table
from bench.report.plots.page import DEFAULT, Page
from bench.report.plots.protection_share import protection_share, protection_share_table
from bench.report.plots.rank_diagram import rank_diagram, rank_diagram_table
from bench.report.plots.save import FORMATS, check_formats, save
from bench.report.plots.strongest_trainer import strongest_trainer, strongest_trainer_table
from bench.report.plots.training_cost import training_cost, training_cost_table
from bench.report.plots.training_curves import training_curves, training_curves_table
from bench.report.plots.transfer_heat_map import transfer_heat_map, transfer_heat_map_table
from bench.report.summary import Group, groups, usual
from bench.report.text import shortened
from bench.report.verdicts import Answer, answers

_PARTLY = (
    ("countermeasure", "countermeasure_bars", "no record uses a countermeasure"),
    ("share", "protection_share", "no record has partly protected images"),
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class _Plot:
    """A plot: its file name, the table of what it shows, and the function that draws it."""

    name: str
    table: Callable[[], pd.DataFrame]
    draw: Callable[[Page], Figure]


def plot_all(
    results: Path,
    out: Path,
    formats: Sequence[str] = FORMATS,
    page: Page = DEFAULT,
    places: Places | None = None,
) -> Iterator[Path]:
    """Write the plots of every dataset, protocol and precision, with their CSV, into a separate folder below `out`.

    Per group and reason, one log line names the plots that are not made.

    Args:
        results: the folder of records.
        out: where the plots go.
        formats: any of `FORMATS`.
        page: the print format.
        places: where noise and images are, for contact sheets; None: no contact sheets.

    Yields:
        Each path, once it is written.

    Raises:
        RequestError: where there is no folder `results`, a format is unknown, or `out` cannot be written.
    """
    check_formats(formats)
    reader = Curves()
    found = groups(load_records(results, reader, places.cache if places else None, superseded=True))
    curves = reader.frame
    claims = load_claims(results)
    answered = answers(claims, found) if claims else []
    for group in found:
        lacking: dict[str, list[str]] = {}
        here = [answer for answer in answered if answer.group == group.name]
        plots = [*_plots(group, curves[curves["key"].isin(group.rows["key"])]), *_claims(here, page)]
        for plot in plots:
            try:
                figure = plot.draw(page)
            except NothingToPlotError as error:
                reason = str(error).removeprefix("nothing to plot: ").partition("; `python")[0]
                lacking.setdefault(reason, []).append(plot.name)
                continue
            yield from save(figure, plot.table(), out / group.name / plot.name, formats, page)
        for reason, names in lacking.items():
            log.warning("%s: no %s: %s", group.title, ", ".join(names), reason)
    if places:
        yield from contact_sheets(results, found, out, formats, places, page)


def _plots(group: Group, curves: pd.DataFrame) -> Iterator[_Plot]:
    """Yield the plots that one group of records may allow."""
    rows = group.rows
    for name, draw, table in (
        ("strongest_trainer", strongest_trainer, strongest_trainer_table),
        ("training_cost", training_cost, training_cost_table),
        ("rank_diagram", rank_diagram, rank_diagram_table),
    ):
        yield _Plot(name=name, table=partial(table, rows), draw=partial(draw, rows))
    usually = usual(rows)
    for victim in sorted(set(usually["victim"])):
        at = {"victim": victim}
        yield _Plot(
            name=f"accuracy_vs_radius-{victim}",
            table=partial(accuracy_vs_radius_table, rows, **at),
            draw=partial(accuracy_vs_radius, rows, **at),
        )
    for rho_a in sorted(set(usually["rho_a"])):
        yield _Plot(
            name=f"transfer_heat_map-r{rho_a:g}",
            table=partial(transfer_heat_map_table, rows, rho_a=rho_a),
            draw=partial(transfer_heat_map, rows, rho_a=rho_a),
        )
    for field, name, lack in _PARTLY:
        if (rows[field] == AXIS[field].usual).all():
            yield _Plot(name=name, table=rows.head, draw=partial(_lacking, lack))
    if len(_devices(group)) != 1:
        names = ", ".join(sorted(shortened(device) for device in _devices(group)))
        lack = f"generation was timed on different hardware ({names})" if names else "generation was not timed"
        yield _Plot(name="cost_vs_protection in seconds", table=rows.head, draw=partial(_lacking, lack))
    for victim, radii in rows.groupby("victim")["rho_a"].unique().items():
        for rho_a in sorted(radii):
            yield from _of_trainer(group, curves, str(victim), float(rho_a))


def _of_trainer(group: Group, curves: pd.DataFrame, victim: str, rho_a: float) -> Iterator[_Plot]:
    """Yield the plots of one victim at one radius; costs only at its lowest and its highest radius."""
    rows, suffix = group.rows, f"{victim}-r{rho_a:g}"
    at: dict[str, Any] = {"victim": victim, "rho_a": rho_a}
    radii = rows.loc[rows["victim"] == victim, "rho_a"]
    if rho_a in (radii.min(), radii.max()):
        devices = _devices(group)
        costs = [("", None), *([("-seconds", devices.pop())] if len(devices) == 1 else [])]
        for unit, device in costs:
            yield _Plot(
                name=f"cost_vs_protection-{suffix}{unit}",
                table=partial(cost_vs_protection_table, rows, device=device, **at),
                draw=partial(cost_vs_protection, rows, device=device, **at),
            )
    here = rows[(rows["victim"] == victim) & (rows["rho_a"] == rho_a)]
    if (here["countermeasure"] != AXIS["countermeasure"].usual).any():
        yield _Plot(
            name=f"countermeasure_bars-{suffix}",
            table=partial(countermeasure_bars_table, rows, **at),
            draw=partial(countermeasure_bars, rows, **at),
        )
    if (here["share"] != ALL).any():
        yield _Plot(
            name=f"protection_share-{suffix}",
            table=partial(protection_share_table, rows, **at),
            draw=partial(protection_share, rows, **at),
        )
    yield _Plot(
        name=f"training_curves-{suffix}",
        table=partial(training_curves_table, curves, **at),
        draw=partial(training_curves, curves, marks=marks_of(rows, **at), alike=like_clean(rows, **at), **at),
    )


def _devices(group: Group) -> set[str]:
    """Return the devices on which noise was generated."""
    return {device for made in generations(group.rows) for device in made.seconds}


def _lacking(reason: str, _page: Page) -> Figure:
    """Raise the error of a plot that the records do not allow."""
    raise NothingToPlotError(f"nothing to plot: {reason}")


def _claims(answered: Sequence[Answer], page: Page) -> Iterator[_Plot]:
    """Yield the plots of one group's answers to claims, on as many figures as they need."""
    parts = list(pages_of(answered, page))
    for number, part in enumerate(parts, 1):
        yield _Plot(
            name="claims" if len(parts) == 1 else f"claims-{number}",
            table=partial(claims_forest_table, part),
            draw=partial(claims_forest, part),
        )
