"""Where a plot is to be printed: the width and the print of conferences, without LaTeX."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib.style
from tueplots import figsizes, fontsizes

from attacks.core.errors import unknown

WIDTHS = ("column", "full")

# Both fonts come with Matplotlib, so that every machine draws the same; STIX is a Times.
_TIMES = {"font.family": "STIXGeneral", "mathtext.fontset": "stix"}
_SANS = {"font.family": "DejaVu Sans", "mathtext.fontset": "dejavusans"}

_COMMON = {
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.linewidth": 0.4,
    "grid.color": "#dddddd",
    "hatch.linewidth": 0.4,
    "lines.linewidth": 1.1,
    "lines.markersize": 4,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "text.usetex": False,
    "savefig.dpi": 300,
    "pdf.fonttype": 42,
    "ps.fonttype": 42,
    "svg.hashsalt": "unlearnable-bench",
}


@dataclass(frozen=True, kw_only=True)
class _Style:
    """A conference: widths in inches, sizes of print in points, and the font."""

    column: float
    full: float
    sizes: Mapping[str, float]
    font: Mapping[str, str]


def _conference(column: Callable[[], Any], full: Callable[[], Any], sizes: Callable[[], Any]) -> _Style:
    """Read a conference's numbers from tueplots."""
    widths = [float(size()["figure.figsize"][0]) for size in (column, full)]
    return _Style(column=widths[0], full=widths[1], sizes=sizes(), font=_TIMES)


def _default() -> _Style:
    small, large = 6.5, 7.0
    sizes = dict.fromkeys(["font.size", "axes.titlesize", "axes.labelsize"], large)
    sizes |= dict.fromkeys(["xtick.labelsize", "ytick.labelsize", "legend.fontsize"], small)
    return _Style(column=3.3, full=6.8, sizes=sizes, font=_SANS)


_STYLES: Mapping[str, Callable[[], _Style]] = {
    "default": _default,
    "iclr": lambda: _conference(figsizes.iclr2024, figsizes.iclr2024, fontsizes.iclr2024),
    "neurips": lambda: _conference(figsizes.neurips2024, figsizes.neurips2024, fontsizes.neurips2024),
    "cvpr": lambda: _conference(figsizes.cvpr2024_half, figsizes.cvpr2024_full, fontsizes.cvpr2024),
    "icml": lambda: _conference(figsizes.icml2024_half, figsizes.icml2024_full, fontsizes.icml2024),
    "aaai": lambda: _conference(figsizes.aaai2024_half, figsizes.aaai2024_full, fontsizes.aaai2024),
}
STYLES = tuple(_STYLES)


@dataclass(frozen=True)
class Page:
    """What a plot is made for.

    Attributes:
        style: one of `STYLES`; `iclr` and `neurips` print one column, which is also the full width.
        width: `column` or `full`.

    Raises:
        RequestError: for an unknown style or width.
    """

    style: str = "default"
    width: str = "column"

    def __post_init__(self) -> None:
        if self.style not in STYLES:
            raise unknown("plot style", self.style, STYLES)
        if self.width not in WIDTHS:
            raise unknown("plot width", self.width, WIDTHS)

    @property
    def inches(self) -> float:
        """The width."""
        style = _STYLES[self.style]()
        return style.column if self.width == "column" else style.full

    @contextmanager
    def drawing(self) -> Iterator[None]:
        """Draw in this style, whatever the user's own settings are."""
        style = _STYLES[self.style]()
        settings = {**_COMMON, **style.sizes, "figure.labelsize": style.sizes["axes.labelsize"], **style.font}
        with matplotlib.style.context(["default", settings]):
            yield


DEFAULT = Page()
