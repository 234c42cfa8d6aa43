"""The print format of plots: the fonts and font sizes of conferences, without LaTeX."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import matplotlib.style
from tueplots import fontsizes

from bench.report.venues import Format

# Both fonts come with Matplotlib, so that every machine draws the same; STIX resembles Times.
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


Print = tuple[Mapping[str, float], Mapping[str, str]]
"""Font sizes in points, and the font."""


def _default() -> Print:
    small, large = 6.5, 7.0
    sizes = dict.fromkeys(["font.size", "axes.titlesize", "axes.labelsize"], large)
    return sizes | dict.fromkeys(["xtick.labelsize", "ytick.labelsize", "legend.fontsize"], small), _SANS


_PRINTS: Mapping[str, Callable[[], Print]] = {
    "default": _default,
    "iclr": lambda: (fontsizes.iclr2024(), _TIMES),
    "neurips": lambda: (fontsizes.neurips2024(), _TIMES),
    "cvpr": lambda: (fontsizes.cvpr2024(), _TIMES),
    "icml": lambda: (fontsizes.icml2024(), _TIMES),
    "aaai": lambda: (fontsizes.aaai2024(), _TIMES),
}


@dataclass(frozen=True)
class Page(Format):
    """The print format of a plot; `style` and `width` as in `Format`."""

    @contextmanager
    def drawing(self) -> Iterator[None]:
        """Draw in this style, whatever the user's own settings."""
        sizes, font = _PRINTS[self.style]()
        settings = {**_COMMON, **sizes, "figure.labelsize": sizes["axes.labelsize"], **font}
        with matplotlib.style.context(["default", settings]):
            yield


DEFAULT = Page()
