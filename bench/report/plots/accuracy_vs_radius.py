"""Accuracy against the victim's adversarial-training radius."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.report.plots.style import legend, look, panels, paper_style, shorten
from bench.report.summary import Score, scores


def accuracy_vs_radius(rows: pd.DataFrame) -> Figure:
    """Return one panel per victim: a line per method, with the standard deviation over seeds as error bars.

    Args:
        rows: rows of `load_records` of one dataset, protocol and precision.
    """
    found = [score for score in scores(rows) if score.mean is not None]
    victims = sorted({score.victim for score in found})
    methods = list(dict.fromkeys(score.method for score in found))
    with paper_style():
        figure, axes = panels(len(victims), height=1.5)
        for panel, victim in zip(axes, victims, strict=True):
            panel.set_title(shorten(victim, 22))
            for method in methods:
                _draw(panel, method, [score for score in found if (score.method, score.victim) == (method, victim)])
            panel.set_xticks(sorted({score.rho_a for score in found if score.victim == victim}))
        figure.supxlabel("adversarial-training radius (1/255)", fontsize=7)
        legend(figure, methods)
    return figure


def _draw(panel: Axes, method: str, line: Sequence[Score]) -> None:
    """Draw one method's line; a single seed has no error bar."""
    style = look(method)
    panel.errorbar(
        [score.rho_a for score in line],
        [score.mean or 0.0 for score in line],
        yerr=[score.sd or 0.0 for score in line],
        color=style.color,
        marker=style.marker,
        linestyle=style.linestyle,
        capsize=1.8,
        elinewidth=0.7,
        clip_on=False,
    )
