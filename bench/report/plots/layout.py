"""Panels, names, notes and legends that fit the page."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from bench.report.plots.page import Page

ACCURACY = "clean test accuracy (%)"
INK = "#555555"  # of anything that is neither a method nor text
_POINTS = 72  # per inch
_NARROWEST = "cuda-sadasivan23"  # a panel is wide enough for this title on one line
SAFE = 0.94  # of the room, for text: once hinted, it is a little wider than its outlines
_BESIDE = 5.0  # room for ticks and labels at the left, in font sizes of a title
_HANDLE = 2.0  # length of a line in a legend, in font sizes


def panels(page: Page, titles: Sequence[tuple[str, str]], *, height: float) -> tuple[Figure, list[Axes]]:
    """Return a figure with a small panel of `height` inches per title, as many side by side as fit.

    All panels share their axes, with accuracy on the y-axis; only the leftmost and the lowest have tick labels.

    Args:
        page: the print format.
        titles: the name of each panel, and the text of how many seeds it shows.
        height: in inches, of a panel without its title.
    """
    size = float(mpl.rcParams["ytick.labelsize"])
    room = page.inches - _BESIDE * size / _POINTS
    fitting = max(1, int(room / (1.1 * text_width(_NARROWEST, size))))
    rows = -(-len(titles) // min(fitting, len(titles)))
    columns = -(-len(titles) // rows)
    texts = [name_lines(name, count, 0.93 * room / columns, size) for name, count in titles]
    lines = max(text.count("\n") for text in texts) + 1
    each = height + lines * 1.3 * size / _POINTS
    figure = Figure(figsize=(page.inches, rows * each + 0.35), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    shown = list(axes.flat[: len(titles)])
    for spare in axes.flat[len(titles) :]:
        spare.remove()
    for panel, text in zip(shown, texts, strict=True):
        panel.set_title(text, fontsize=size, linespacing=1.0, pad=3)
    for panel in shown[-columns:]:
        panel.tick_params(labelbottom=True)
    shown[0].set_ylim(0, 100)
    shown[0].set_yticks((0, 50, 100))
    figure.supylabel(ACCURACY)
    return figure, shown


def legend(figure: Figure, handles: Mapping[str, Artist]) -> None:
    """Put a legend above the panels, in as many columns as fit, and make the figure taller to make room for it."""
    names = list(handles)
    size = float(mpl.rcParams["legend.fontsize"])
    each = max(text_width(name, size) for name in names) + (_HANDLE + 2.2) * size / _POINTS
    fitting = max(1, int((figure.get_figwidth() + 1.2 * size / _POINTS) / each))
    rows = -(-len(names) // fitting)
    columns = -(-len(names) // rows)
    figure.set_figheight(figure.get_figheight() + 1.55 * size * rows / _POINTS + 0.06)
    figure.legend(
        list(handles.values()),
        names,
        loc="outside upper center",
        ncols=columns,
        frameon=False,
        handlelength=_HANDLE,
        columnspacing=1.2,
        labelspacing=0.3,
        borderpad=0.1,
    )


def below(figure: Figure, label: str, *notes: str) -> None:
    """Write the label of the x-axis and, below it, the notes, wrapped to the width of the figure."""
    size = float(mpl.rcParams["ytick.labelsize"])
    room = SAFE * figure.get_figwidth()
    lines = wrapped(label, room, size) + wrapped("; ".join(filter(None, notes)), room, size)
    figure.set_figheight(figure.get_figheight() + 1.25 * size * (len(lines) - 1) / _POINTS)
    figure.supxlabel("\n".join(lines), fontsize=size, linespacing=1.1, parse_math=False)


def wrapped(text: str, inches: float, size: float) -> list[str]:
    """Break a text between words into lines no wider than `inches`; a wider word is shortened."""
    lines: list[str] = []
    for word in text.split():
        joined = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(joined, size) <= inches:
            lines[-1] = joined
        else:
            lines.append(fitted(word, inches, size))
    return lines


def name_lines(name: str, count: str, inches: float, size: float) -> str:
    """Put a name and a count on one line, or on two if they are too wide; a name breaks at its last hyphen."""
    whole = f"{name} {count}"
    if text_width(whole, size) <= inches:
        return whole
    if text_width(name, size) <= inches:
        return f"{name}\n{count}"
    head, _, tail = name.rpartition("-")
    if not head:
        return f"{fitted(name, inches, size)}\n{count}"
    return f"{fitted(head + '-', inches, size)}\n{fitted(tail, inches - text_width(f' {count}', size), size)} {count}"


def fitted(text: str, inches: float, size: float) -> str:
    """Cut the middle out of a text that is wider than `inches`."""
    length = len(text)
    cut = text
    while length > 1 and text_width(cut, size) > inches:
        length -= 1
        cut = shorten(text, length)
    return cut


def shorten(text: str, length: int) -> str:
    """Cut the middle out of a text that is longer than `length`."""
    if len(text) <= length:
        return text
    tail = (length - 1) // 2
    return f"{text[: length - 1 - tail]}\N{HORIZONTAL ELLIPSIS}{text[len(text) - tail :]}"


def text_width(text: str, size: float) -> float:
    """Return the width of a text of `size` points, in inches."""
    font = FontProperties(size=size)
    return float(text_to_path.get_text_width_height_descent(text, font, False)[0]) / _POINTS
