"""Print formats of figures and tables: the width of a column and of the text in each venue's style."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tueplots import figsizes

from attacks.core.errors import unknown

WIDTHS = ("column", "full")


def _inches(size: Callable[[], Any]) -> float:
    """Read a width from tueplots."""
    return float(size()["figure.figsize"][0])


_STYLES: Mapping[str, Callable[[], tuple[float, float]]] = {
    "default": lambda: (3.3, 6.8),
    "iclr": lambda: (_inches(figsizes.iclr2024),) * 2,
    "neurips": lambda: (_inches(figsizes.neurips2024),) * 2,
    "cvpr": lambda: (_inches(figsizes.cvpr2024_half), _inches(figsizes.cvpr2024_full)),
    "icml": lambda: (_inches(figsizes.icml2024_half), _inches(figsizes.icml2024_full)),
    "aaai": lambda: (_inches(figsizes.aaai2024_half), _inches(figsizes.aaai2024_full)),
}
STYLES = tuple(_STYLES)


@dataclass(frozen=True)
class Format:
    """The print format of a figure or table.

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
            raise unknown("style", self.style, STYLES)
        if self.width not in WIDTHS:
            raise unknown("width", self.width, WIDTHS)

    @property
    def inches(self) -> float:
        """The width in inches."""
        column, full = _STYLES[self.style]()
        return column if self.width == "column" else full

    @property
    def spans(self) -> bool:
        """Whether it spans two columns of text."""
        column, full = _STYLES[self.style]()
        return self.width == "full" and full > column
