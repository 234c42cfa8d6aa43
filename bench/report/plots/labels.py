"""Labels at the right of a panel, each level with its point as far as the others leave room."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import ScaledTranslation

_LEADER = "#cccccc"
_MARKER = 4.5  # points, from the end of a line to the middle of a marker, and from there to its label


def label_beside(
    figure: Figure,
    panel: Axes,
    texts: Sequence[str],
    points: Sequence[tuple[float, float]],
    looks: Sequence[Mapping[str, Any]],
    gap: float,
) -> None:
    """Write a label per point at the right of a panel, in order of height, with a thin line to each point.

    Args:
        figure: the figure of the panel.
        panel: its limits must be set already.
        texts: the labels.
        points: the points they label, in the panel's units; `x` is nan for lines that reach the right edge anyway.
        looks: how each point is drawn; its marker is repeated in front of the label.
        gap: the minimum distance between two labels, in the panel's units.
    """
    low, high = panel.get_ylim()
    heights = spread_out([y for _, y in points], gap, low, high)
    axes, size = panel.get_yaxis_transform(), mpl.rcParams["ytick.labelsize"]
    aside = ScaledTranslation(_MARKER / 72, 0, figure.dpi_scale_trans)
    for text, (x, y), look, height in zip(texts, points, looks, heights, strict=True):
        panel.plot([1.04], [height], transform=axes + aside, **look)
        panel.annotate(
            text,
            (1.04, height),
            (2 * _MARKER, 0),
            xycoords=axes,
            textcoords="offset points",
            va="center",
            fontsize=size,
        )
        line: dict[str, Any] = {"color": _LEADER, "linewidth": 0.4, "zorder": 0.5, "clip_on": False}
        if not np.isnan(x):
            panel.plot([x, panel.get_xlim()[1]], [y, y], **line)
        panel.plot([1.0, 1.04], [y, height], transform=axes, **line)


def spread_out(wanted: Sequence[float], gap: float, low: float, high: float) -> npt.NDArray[np.float64]:
    """Return positions as close to those wanted as a gap between every two allows, within the limits if all fit.

    Closest in least squares: pooled neighbours share a mean (isotonic regression).
    """
    order = np.argsort(wanted, kind="stable")
    steps = gap * np.arange(len(order))
    free = np.asarray(wanted, dtype=float)[order] - steps
    blocks: list[tuple[float, int]] = []
    for value in free.tolist():
        blocks.append((value, 1))
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (last, count), (before, more) = blocks.pop(), blocks.pop()
            blocks.append(((last * count + before * more) / (count + more), count + more))
    level = np.concatenate([np.full(count, value) for value, count in blocks])
    top = high - gap / 2 - steps[-1]
    found = np.empty(len(order))
    found[order] = np.clip(level, min(low + gap / 2, top), top) + steps
    return found
