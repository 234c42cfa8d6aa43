"""What generation costs against what it protects."""

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from bench.report.plots.labels import Label, label_points
from bench.report.plots.style import legend, look, panel_title, panels, paper_style, shorten
from bench.report.summary import REFERENCES, Generation, Score, generations, in_table_order, scores


def cost_vs_protection(rows: pd.DataFrame, *, device: str | None = None) -> Figure:
    """Return one panel per victim at radius 0 and at the largest radius: a labelled point per method.

    References are horizontal lines: they cost nothing, which a log scale cannot show.

    Args:
        rows: rows of `load_records` of one dataset, protocol and precision.
        device: where given, the cost is seconds on this device, and methods that ran elsewhere are left out;
            otherwise it is image-passes.
    """
    found = [score for score in scores(rows) if score.mean is not None]
    costs = {name: cost for name, cost in _costs(generations(rows), device).items() if name not in REFERENCES}
    radii = sorted({0.0, max((score.rho_a for score in found), default=0.0)})
    victims = sorted({score.victim for score in found})
    with paper_style():
        figure, axes = panels(len(victims) * len(radii), height=1.6, across=len(radii))
        places = [(victim, rho_a) for victim in victims for rho_a in radii]
        for panel, (victim, rho_a) in zip(axes, places, strict=True):
            panel.set_title(panel_title(victim, rho_a))
            panel.set_xscale("log")
            panel.xaxis.set_minor_formatter(NullFormatter())
            panel.set_xlim(*_limits(list(costs.values())))
        unit = "image-passes" if device is None else f"seconds ({shorten(device, 40)})"
        figure.supxlabel(f"generation, {unit}", fontsize=7, parse_math=False)
        references = {score.method for score in found} & set(REFERENCES)
        legend(figure, in_table_order(references), markers=False)
        figure.draw_without_rendering()  # labels need the final layout
        for panel, place in zip(axes, places, strict=True):
            _draw(figure, panel, [score for score in found if (score.victim, score.rho_a) == place], costs)
    return figure


def _costs(made: Sequence[Generation], device: str | None) -> dict[str, float]:
    """Return the cost per method, where it is known and not nothing."""
    costs = {one.method: one.passes if device is None else one.seconds.get(device) for one in made}
    return {method: cost for method, cost in costs.items() if cost}


def _limits(costs: list[float]) -> tuple[float, float]:
    """Return limits of the cost axis that leave room for labels on both sides and hold a power of ten."""
    low, high = min(costs, default=1.0), max(costs, default=10.0)
    margin = max(4.0, (high / low) ** 0.3)
    return low / margin, high * margin


def _draw(figure: Figure, panel: Axes, here: Sequence[Score], costs: Mapping[str, float]) -> None:
    """Draw one panel: points of methods with their labels, and lines of references."""
    labels, levels = [], []
    for score in here:
        style, mean, spread = look(score.method), score.mean or 0.0, score.sd or 0.0
        if score.method in REFERENCES:
            panel.axhline(mean, color=style.color, linestyle=style.linestyle, linewidth=0.8)
            levels.append(mean)
        elif score.method in costs:
            x = costs[score.method]
            panel.errorbar(x, mean, spread, color=style.color, marker=style.marker, capsize=1.8, elinewidth=0.7)
            labels.append(Label(name=shorten(score.method, 20), x=x, y=mean, spread=spread, color=style.color))
    label_points(figure, panel, labels, levels)
