"""Labels at the right of a panel, each level with what it names as far as others leave it room."""

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
    """Write a label per point at the right of a panel, in the order of their heights, with a thin line to each point.

    Args:
        figure: that it is in.
        panel: its limits are set.
        texts: the labels.
        points: what they name, in the panel's units; nan in place of `x` for what reaches the right end by itself.
        looks: how each point is drawn; its marker is repeated in front of the label.
        gap: the least distance of two labels, in the panel's units.
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
    """Return places as near to those wanted as a gap between every two allows, inside limits as far as they hold all.

    Nearest by least squares: pooled neighbours share a mean (isotonic regression).
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
