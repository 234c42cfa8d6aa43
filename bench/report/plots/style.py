"""What all plots share: the size of print, and one fixed look per method."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from attacks.errors import RequestError

WIDTH = 3.3  # inches: one column of a two-column paper

_STYLE = {
    "font.size": 7,
    "axes.titlesize": 7,
    "axes.labelsize": 7,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "legend.fontsize": 6.5,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.linewidth": 0.4,
    "grid.color": "#dddddd",
    "lines.linewidth": 1.1,
    "lines.markersize": 4,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "savefig.dpi": 300,
    "pdf.fonttype": 42,
    "ps.fonttype": 42,
    "svg.hashsalt": "unlearnable-bench",
}


Linestyle = Literal["-"] | tuple[float, tuple[float, ...]]


@dataclass(frozen=True, kw_only=True)
class Look:
    """How a method is drawn; any one of the three tells it apart."""

    color: str
    marker: str
    linestyle: Linestyle


_DOTS = (0.0, (1.0, 1.2))
_DASH_DOT = (0.0, (4.0, 1.2, 1.0, 1.2))
_DASHES = (0.0, (4.0, 1.5))
_LONG_DASHES = (0.0, (8.0, 1.5))

# Colours of Okabe and Ito, and of Tol for names not listed here, which colour-blind readers can tell apart.
_LOOKS: Mapping[str, Look] = {
    "clean": Look(color="#000000", marker="o", linestyle="-"),
    "random": Look(color="#7f7f7f", marker="x", linestyle=_DOTS),
    "em-fu22": Look(color="#0072b2", marker="s", linestyle=_DASHES),
    "rem-fu22": Look(color="#d55e00", marker="^", linestyle=_DASH_DOT),
    "sem-liu24": Look(color="#009e73", marker="D", linestyle="-"),
}
_COLORS = ("#cc79a7", "#56b4e9", "#e69f00", "#882255", "#332288", "#999933")
_MARKERS = ("v", "P", "X", "<", ">", "p", "h", "*", "d")
_LINESTYLES: tuple[Linestyle, ...] = ("-", _DASHES, _DASH_DOT, _DOTS, _LONG_DASHES)
# Chosen so that the methods published so far get looks of their own.
_SALT = b"45:"


def look(method: str) -> Look:
    """Return a method's look, which depends on its name alone, so that it is the same in every plot."""
    if method in _LOOKS:
        return _LOOKS[method]
    number = int.from_bytes(hashlib.sha256(_SALT + method.encode()).digest()[:8], "big")
    number, color = divmod(number, len(_COLORS))
    number, marker = divmod(number, len(_MARKERS))
    return Look(color=_COLORS[color], marker=_MARKERS[marker], linestyle=_LINESTYLES[number % len(_LINESTYLES)])


@contextmanager
def paper_style() -> Iterator[None]:
    """Draw in the style of these plots, whatever the user's own settings are."""
    with matplotlib.style.context(["default", _STYLE]):
        yield


def panels(count: int, *, height: float, across: int = 2) -> tuple[Figure, list[Axes]]:
    """Return a figure one column wide with `count` panels of `height` inches, whose accuracy axis goes to 100%.

    Raises:
        RequestError: for no panel at all.
    """
    if not count:
        raise RequestError("nothing to plot: no record here is finished; see `status` for why")
    columns = min(across, count)
    rows = -(-count // columns)
    figure = Figure(figsize=(WIDTH, rows * height + 0.2), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, sharey=True)
    for spare in axes.flat[count:]:
        spare.remove()
    axes[0, 0].set_ylim(0, 100)
    axes[0, 0].set_yticks(range(0, 101, 25))
    figure.supylabel("clean test accuracy (%)", fontsize=7)
    return figure, list(axes.flat[:count])


def legend(figure: Figure, methods: list[str], *, markers: bool = True) -> None:
    """Put one entry per method above the panels, and make the figure higher by what that takes."""
    if not methods:
        return
    handles = []
    for method in methods:
        style = look(method)
        marker = style.marker if markers else "none"
        handles.append(Line2D([], [], color=style.color, marker=marker, linestyle=style.linestyle))
    names = [shorten(method, 21) for method in methods]
    columns = min(len(names), 3 if max(len(name) for name in names) <= 10 else 2)
    figure.set_figheight(figure.get_figheight() + 0.14 * -(-len(names) // columns) + 0.05)
    figure.legend(handles, names, loc="outside upper center", ncols=columns, frameon=False, handlelength=3.2)


def panel_title(victim: str, rho_a: float) -> str:
    """Return the title of a panel, on two lines where one would run into the next panel."""
    return f"{shorten(victim, 22)}{', ' if len(victim) <= 12 else chr(10)}radius {rho_a:g}"


def shorten(text: str, length: int) -> str:
    """Cut the middle out of a text that is longer than `length`."""
    if len(text) <= length:
        return text
    tail = (length - 1) // 2
    return f"{text[: length - 1 - tail]}\N{HORIZONTAL ELLIPSIS}{text[-tail:]}"
