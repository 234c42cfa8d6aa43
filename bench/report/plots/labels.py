"""Direct labels beside points that keep clear of each other."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.transforms import Bbox

_GAP = 5.0  # points between a point and its label
_MARKER = 5.0  # points that a marker takes
_ROWS = 20  # how many lines of text a label may be moved up or down
_FONT_SIZE = 6.5


@dataclass(frozen=True, kw_only=True)
class Label:
    """A name for the point at `x`, `y` in data coordinates, whose error bar reaches `spread` up and down."""

    name: str
    x: float
    y: float
    spread: float
    color: str


def label_points(figure: Figure, panel: Axes, labels: Sequence[Label], levels: Sequence[float]) -> None:
    """Write each name beside its point, inside the panel, at the nearest place that is free.

    A label that had to go further away gets a thin line to its point; where no place is free, it takes the nearest.

    Args:
        figure: has its final layout.
        panel: has its final limits.
        labels: the names; the highest points choose first, so that lines seldom cross.
        levels: heights of horizontal lines that labels keep clear of.
    """
    renderer = FigureCanvasAgg(figure).get_renderer()  # type: ignore[no-untyped-call]
    pixel = figure.dpi / 72
    frame = panel.get_window_extent()
    font = FontProperties(size=_FONT_SIZE)
    labels = sorted(labels, key=lambda label: (-label.y, label.x, label.name))
    taken = [_extent(panel, label, _MARKER * pixel / 2) for label in labels]
    for level in levels:
        height = panel.transData.transform((panel.get_xlim()[0], level))[1]
        taken.append(Bbox.from_extents(frame.x0, height - pixel, frame.x1, height + pixel))
    for label in labels:
        width, height, _ = renderer.get_text_width_height_descent(label.name, font, ismath=False)
        x, y = panel.transData.transform((label.x, label.y))
        boxes = [_box(middle, y + up, width, height) for middle, up in _places(x, width, height, _GAP * pixel, frame)]
        box = next((box for box in boxes if _is_free(box, frame, taken)), boxes[0])
        taken.append(box)
        middle, up = (box.x0 + box.x1) / 2 - x, (box.y0 + box.y1) / 2 - y
        line = {"arrowstyle": "-", "linewidth": 0.5, "color": label.color, "shrinkA": 0, "shrinkB": 2}
        panel.annotate(
            label.name,
            (label.x, label.y),
            xytext=(middle / pixel, up / pixel),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=_FONT_SIZE,
            parse_math=False,
            arrowprops=line if abs(up) > 1.5 * height else None,
        ).set_in_layout(False)


def _places(x: float, width: float, height: float, gap: float, frame: Bbox) -> Iterator[tuple[float, float]]:
    """Yield where the middle of a label may be: its x, and how far it is above the point; the nearest first.

    Beside the point, above, below, then further away, where it may also be pushed inside the frame.
    """
    right, left = x + gap + width / 2, x - gap - width / 2
    inside = min(max(x, frame.x0 + width / 2 + 1), frame.x1 - width / 2 - 1)
    yield from [(right, 0), (left, 0), (inside, gap + height / 2), (inside, -gap - height / 2)]
    for row in range(1, _ROWS + 1):
        for up in (row * height * 1.1, -row * height * 1.1):
            yield from [(right, up), (left, up), (inside, up)]


def _extent(panel: Axes, label: Label, radius: float) -> Bbox:
    """Return the box of a marker and its error bar."""
    x, low = panel.transData.transform((label.x, label.y - label.spread))
    _, high = panel.transData.transform((label.x, label.y + label.spread))
    return Bbox.from_extents(x - radius, low - radius, x + radius, high + radius)


def _box(x: float, y: float, width: float, height: float) -> Bbox:
    """Return the box of this size around a middle."""
    return Bbox.from_bounds(x - width / 2, y - height / 2, width, height)


def _is_free(box: Bbox, frame: Bbox, taken: Sequence[Bbox]) -> bool:
    """Tell whether a box is inside the frame and touches no other."""
    inside = frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1
    return inside and not any(box.overlaps(other) for other in taken)
